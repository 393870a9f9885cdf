"""Checks the licence of every installed package and writes the list (CycloneDX) to the given file.

A package passes when its licence allows shipping it with an Apache-2.0 program, or when EXCEPTIONS says why it may
stay. The list marks what the program needs as "required" and the test tools as "excluded".
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from studio.core.paths import asset
from studio.model_manager import starter

ROOT = Path(__file__).resolve().parent.parent

ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CNRI-Python",
    "ISC",
    "LGPL-3.0-only",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Zlib",
}

# Packages write the same licence in many ways; here each is given its SPDX name.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0 License": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "DFSG approved; MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}

# Package (a pattern): why it may stay although its licence is not in ALLOWED.
EXCEPTIONS = {
    "cuda-*": "Libraries of the CUDA build of torch, fetched from their maker by the user's set-up; never bundled.",
    "nvidia-*": "Libraries of the CUDA build of torch, fetched from their maker by the user's set-up; never bundled.",
}

OWN = "atelier"


def allowed(expression: str) -> bool:
    """Whether an SPDX expression leaves a choice made of ALLOWED licences only."""
    tokens = re.findall(r"\(|\)|[^\s()]+", re.sub(r"\s+WITH\s+\S+", "", SPDX.get(expression, expression)))

    def either() -> bool:
        value = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            value = both() or value
        return value

    def both() -> bool:
        value = single()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            value = single() and value
        return value

    def single() -> bool:
        token = tokens.pop(0) if tokens else ""
        if token != "(":
            return token in ALLOWED
        value = either()
        return bool(tokens) and tokens.pop(0) == ")" and value

    return either() and not tokens


def needed(name: str) -> set[str]:
    """The packages that `name` needs, itself included, as far as they are installed; optional extras left out."""
    found: set[str] = set()
    queue = [canonicalize_name(name)]
    while queue:
        current = queue.pop()
        if current in found:
            continue
        try:
            requirements = importlib.metadata.requires(current) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(current)
        for text in requirements:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                queue.append(canonicalize_name(requirement.name))
    return found


def installed() -> list[dict[str, str]]:
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--with-system"]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return sorted((row for row in rows if row["Name"] != OWN), key=lambda row: row["Name"].lower())


def faults(rows: list[dict[str, str]]) -> list[str]:
    return [
        f"{row['Name']} {row['Version']}: {row['License']} is not a licence that may come with the program."
        for row in rows
        if not allowed(row["License"]) and not any(fnmatch(row["Name"].lower(), name) for name in EXCEPTIONS)
    ]


def unnamed_fonts() -> list[str]:
    """Fonts that ship without their licence beside them or without a word in THIRD_PARTY.md."""
    notices = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    out = []
    for family in sorted({path.name.split("-")[0] for path in asset("fonts").glob("*.[ot]tf")}):
        if not list(asset("fonts").glob(f"{family}-*.txt")):
            out.append(f"assets/fonts: the licence of {family} is missing ({family}-OFL.txt).")
        if family not in notices:
            out.append(f"THIRD_PARTY.md does not name the font {family}.")
    return out


def inventory(rows: list[dict[str, str]], required: set[str], version: str) -> dict[str, object]:
    """A CycloneDX 1.6 document of the packages and the starter models."""
    packages: list[dict[str, object]] = [
        {
            "type": "library",
            "name": row["Name"],
            "version": row["Version"],
            "purl": f"pkg:pypi/{canonicalize_name(row['Name'])}@{row['Version']}",
            "scope": "required" if canonicalize_name(row["Name"]) in required else "excluded",
            "licenses": [{"license": {"name": SPDX.get(row["License"], row["License"])}}],
        }
        for row in rows
    ]
    models: list[dict[str, object]] = [
        {
            "type": "machine-learning-model",
            "name": item.folder,
            "version": wheel.version,
            "purl": f"pkg:pypi/{wheel.package}@{wheel.version}",
            "scope": "required",
            "licenses": [{"license": {"name": item.licence}}],
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
        }
        for item in starter.items()
        for wheel in item.wheels
    ]
    own = {"type": "application", "name": OWN, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own},
        "components": packages + models,
    }


def main(target: Path) -> int:
    rows = installed()
    found = faults(rows) + unnamed_fonts()
    target.parent.mkdir(parents=True, exist_ok=True)
    document = (
        json.dumps(inventory(rows, needed(OWN), importlib.metadata.version(OWN)), indent=2, ensure_ascii=False) + "\n"
    )
    target.write_text(document, encoding="utf-8")
    for fault in found:
        print(fault)
    print(f"{len(rows)} packages, {len(found)} faults; list in {target}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
