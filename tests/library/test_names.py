"""File names for titles."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.library.names import MAX_BYTES, MAX_CHARACTERS, fold, free_name, safe_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The Lamp at Gull Point", "The Lamp at Gull Point"),
        ("中秋灯会", "中秋灯会"),
        ('a/b\\c: d?*<e>|"f"', "a b c d e f"),
        (" ..hidden.. ", "hidden"),
        ("con", "_con"),
        ("LPT1.txt", "_LPT1.txt"),
        ("concert", "concert"),
        ("", "Text"),
        ("...", "Text"),
        ("\x00\n\t\u202e\ud800", "Text"),
        ("e\u0301", "é"),
        ("👩‍🎨 art", "👩‍🎨 art"),
        ("灯" * 300, "灯" * 66),
        ("x" * 300, "x" * 80),
    ],
)
def test_titles_become_names(title: str, name: str) -> None:
    assert safe_name(title, "Text") == name


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec=None)))
def test_every_title_gives_a_name_that_all_systems_take(title: str) -> None:
    name = safe_name(title, "Text")
    assert 0 < len(name) <= MAX_CHARACTERS + 1
    assert len(name.encode("utf-8")) <= MAX_BYTES + 1
    assert not set(name) & set('<>:"/\\|?*')
    assert name == name.strip(" .") == unicodedata.normalize("NFC", name)
    assert all(ord(character) >= 32 for character in name)
    assert name.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


@settings(deadline=None)
@given(st.lists(st.sampled_from(["Lamp", "lamp", "LAMP 2", "ß", "SS", "é"])))
def test_free_names_differ_in_every_file_system(stems: list[str]) -> None:
    taken: set[str] = set()
    for stem in stems:
        name = free_name(stem, taken)
        assert fold(name) not in taken
        taken.add(fold(name))
