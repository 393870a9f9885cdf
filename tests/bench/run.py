"""Measures the studio: `python tests/bench/run.py [OUTPUT.json] [--only NAME …] [--quick] [--list]`.

Each subject is a module beside this one with a function `measure(bench) -> Iterable[Figure]`. What can be compared
with a plain call of the library is measured turn by turn with it, for machines are never quite quiet. Figures that
miss their target are said to; the exit code is 0 all the same, as this is no test.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.figures import ROOT, Bench, Figure, describe, machine, make_home

_OWN = ("run", "figures", "engine", "__init__")
VERSION = 1
Subject = Callable[[Bench], Iterable[Figure]]


def subjects() -> dict[str, Subject]:
    """Every module beside this one, by its name."""
    names = [path.stem for path in sorted(Path(__file__).parent.glob("*.py")) if path.stem not in _OWN]
    return {name: importlib.import_module(f"tests.bench.{name}").measure for name in names}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.sh", description="Measure the studio; print a table, write JSON.")
    parser.add_argument("output", nargs="?", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this subject only; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="one run of each instead of five")
    parser.add_argument("--list", action="store_true", help="say which subjects there are")
    options = parser.parse_args()
    found = subjects()
    if options.list:
        print(*found, sep="\n")
        return 0
    if unknown := [name for name in options.only if name not in found]:
        parser.error(f"no subject is called {unknown[0]}; there are {', '.join(found)}")
    report = {"version": VERSION, "quick": options.quick, **describe(), "subjects": {}}
    print(_words_of(report["machine"]))
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        home = Path(folder) / "home"
        make_home(home)
        for name in options.only or found:
            figures, seconds = _measure(name, found[name], Bench(home, options.quick))
            figures_json = [figure.to_json() for figure in figures]
            report["subjects"][name] = {"seconds": seconds, "load": machine()["load"], "figures": figures_json}
            _write(options.output, report)
    missed = [f"{subject}: {row['name']}" for subject, row in _rows(report) if row["met"] is False]
    print(f"\n{options.output}")
    print("Missed: " + "; ".join(missed) if missed else "Every target is met.")
    return 0


def _measure(name: str, subject: Subject, bench: Bench) -> tuple[list[Figure], float]:
    print(f"\n{name}", flush=True)
    began = time.monotonic()
    figures: list[Figure] = []
    try:
        for figure in subject(bench):
            figures.append(figure)
            print(_line(figure), flush=True)
    except Exception as error:
        traceback.print_exc()
        figures.append(Figure("not measured", None, "", note=f"{type(error).__name__}: {error}"[:500]))
    return figures, round(time.monotonic() - began, 1)


def _line(figure: Figure) -> str:
    value = "–" if figure.value is None else f"{figure.value:g} {figure.unit}"
    sign = "≥" if figure.at_least else "≤"
    target = "" if figure.target is None else f"{sign} {figure.target:g} {figure.unit}"
    verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
    extra = [f"plain {figure.plain:g}"] if figure.plain is not None else []
    if len(figure.runs) > 1:
        extra.append(f"runs {min(figure.runs):g} … {max(figure.runs):g}")
    extra += [figure.note] if figure.note else []
    return f"  {figure.name:<58}{value:>14}  {target:<12}{verdict:<8}{'; '.join(extra)}".rstrip()


def _words_of(values: dict) -> str:
    return (
        f"{values['processor']}, {values['cores']} cores, {values['memory_gib']} GiB, {values['system']}, "
        f"load {values['load']}"
    )


def _rows(report: dict) -> list[tuple[str, dict]]:
    return [(name, row) for name, subject in report["subjects"].items() for row in subject["figures"]]


def _write(path: Path, report: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
