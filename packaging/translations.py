"""The message catalogue: `check` says what a language still lacks, `update` brings its files in line with the source.

`update` collects the messages of `studio/` into each `assets/translations/<language>/LC_MESSAGES/atelier.po` (a
translator fills in the new ones) and compiles the `.mo` beside it, which is what the program reads.
"""

from __future__ import annotations

import ast
import io
import string
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "studio"
TRANSLATIONS = ROOT / "assets" / "translations"
LANGUAGES = ("zh_CN",)
KEYWORDS = {"_": None, "N_": None, "n_": (1, 2)}


def template(source: Path = SOURCE) -> Catalog:
    """Every message of the source, with the files that use it: literals in the code, and the descriptions of the
    models that the families' data files name."""
    catalogue = Catalog(project="Atelier", charset="utf-8")
    found = extract_from_dir(
        source,
        method_map=[("**.py", "python")],
        keywords=KEYWORDS,
        comment_tags=("Translators:",),
        strip_comment_tags=True,
    )
    for file, _, message, comments, context in sorted(found, key=lambda row: (row[0], row[1])):
        location = ((source.name + "/" + Path(file).as_posix(), 0),)
        catalogue.add(message, locations=location, auto_comments=comments, context=context)
    for path in sorted(source.rglob("*.toml")):
        location = ((source.name + "/" + path.relative_to(source).as_posix(), 0),)
        for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("model", []):
            for words in (entry.get("description"), *(voice.get("character") for voice in entry.get("voices", ()))):
                if words:
                    catalogue.add(words, locations=location)
    return catalogue


def hidden(source: Path = SOURCE) -> list[str]:
    """Messages that would not be found, or not translated, where they are: in an f-string, which is read as one piece,
    and words that stand alone in one place and with a plural in another, though they have one entry."""
    out, alone, counted = [], set(), set()
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(path.read_bytes())
        inside = {id(part) for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for part in ast.walk(text)}
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(words)), *_]) if name in KEYWORDS:
                    (counted if name == "n_" else alone).add(words)
                    if id(node) in inside:
                        out.append(f"hidden in an f-string: {words!r}")
    return out + [f"both alone and with a plural: {words!r}" for words in sorted(alone & counted)]


def read(path: Path, language: str) -> Catalog:
    if not path.is_file():
        return Catalog(locale=language, project="Atelier", charset="utf-8")
    return read_po(io.BytesIO(path.read_bytes()), locale=language)


def compiled(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def fields(text: str) -> set[str]:
    """The names in braces of a format string; text that is none has no fields."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return set()


def _texts(value: str | Iterable[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def faults(wanted: Catalog, catalogue: Catalog) -> list[str]:
    """What is wrong with `catalogue` as a translation of `wanted`, one sentence each."""
    out = []
    for message in wanted:
        if message.id:
            out += _message_faults(message, catalogue.get(message.id))
    known = {_texts(message.id)[0] for message in wanted}
    unused = [_texts(message.id)[0] for message in catalogue if _texts(message.id)[0] not in known]
    return out + [f"not used any more: {text!r}" for text in unused]


def _message_faults(message: Message, translation: Message | None) -> list[str]:
    sources = _texts(message.id)
    name = repr(sources[0])
    strings = _texts(translation.string) if translation else ()
    if translation is None or not all(strings):
        return [f"not translated: {name}"]
    if translation.fuzzy:
        return [f"marked as uncertain: {name}"]
    expected = fields(sources[-1])
    return [f"other fields than {sorted(expected)}: {name} → {text!r}" for text in strings if fields(text) != expected]


def update() -> int:
    wanted = template()
    for language in LANGUAGES:
        path = TRANSLATIONS / language / "LC_MESSAGES" / "atelier.po"
        catalogue = read(path, language)
        wanted.creation_date = catalogue.creation_date  # the same words, the same file
        catalogue.update(wanted, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        out = io.BytesIO()
        write_po(out, catalogue, width=110, omit_header=False, include_lineno=False, sort_by_file=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(out.getvalue())
        path.with_suffix(".mo").write_bytes(compiled(read(path, language)))
        left = sum(1 for message in catalogue if message.id and not all(_texts(message.string or "")))
        print(f"{language}: {len(catalogue)} messages, {left} to translate")
    return 0


def check() -> int:
    wanted, mistakes = template(), hidden()
    for mistake in mistakes:
        print(mistake)
    count = len(mistakes)
    for language in LANGUAGES:
        path = TRANSLATIONS / language / "LC_MESSAGES" / "atelier.po"
        catalogue = read(path, language)
        found = faults(wanted, catalogue)
        binary = path.with_suffix(".mo")
        if not binary.is_file() or binary.read_bytes() != compiled(catalogue):
            found.append("atelier.mo is not what atelier.po compiles to (run: translations.py update)")
        for fault in found:
            print(f"{language}: {fault}")
        print(f"{language}: {len(wanted)} messages, {len(found)} faults")
        count += len(found)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit({"check": check, "update": update}[sys.argv[1]]())
