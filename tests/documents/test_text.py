"""Texts: versions, editing, what models write, undo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.errors import AtelierError
from studio.documents import TextDocument, UndoChanged, base
from studio.documents.proposals import Proposal, context
from studio.documents.text import BodyChanged, BriefChanged, CurrentChanged, VersionsChanged


def write(document: TextDocument, *pieces: str, **options: Any) -> str:
    version = document.begin_version(**options)
    for piece in pieces:
        document.append(version.id, piece)
    document.finish(version.id)
    return version.id


def reopened(document: TextDocument) -> TextDocument:
    again = TextDocument()
    again.take(json.loads(document.snapshot()[1]()))
    return again


def test_what_a_model_writes_becomes_a_version(text: TextDocument) -> None:
    first = write(text, "The let", "ter.", job="j1", params={"seed": 3})
    second = write(text, "Another one here.", job="j2")
    assert [(v.number, v.text, v.words, v.state) for v in text.versions] == [
        (1, "The letter.", 2, "done"),
        (2, "Another one here.", 3, "done"),
    ]
    assert text.current is not None
    assert text.current.id == second
    assert text.body == "Another one here."
    assert text.version(first).params == {"seed": 3}
    assert text.version_for_job("j1") == text.version(first)
    assert text.version_for_job("j3") is None
    assert text.script().title == "The lamp"
    text.select(first)
    assert text.body == "The letter."


def test_a_streamed_version_is_one_undo_step(text: TextDocument) -> None:
    heard: list[Any] = []
    write(text, "One.")
    text.subscribe(heard.append)
    version = text.begin_version("j")
    for piece in ("灯", "会", "。"):
        text.append(version.id, piece)
        assert not text.can_undo
        assert not text.undo()
    text.finish(version.id, text="灯会。")
    assert sum(isinstance(event, UndoChanged) for event in heard) == 1
    assert [(e.start, e.removed, e.inserted) for e in heard if isinstance(e, BodyChanged)] == [
        (0, 0, "灯"),
        (1, 0, "会"),
        (2, 0, "。"),
    ]
    assert text.undo_label == "Write"
    text.undo()
    assert text.body == "One."
    assert len(text.versions) == 1
    text.redo()
    assert text.body == "灯会。"
    assert text.versions[-1].job == "j"


def test_the_final_text_replaces_what_was_streamed(text: TextDocument) -> None:
    version = text.begin_version()
    text.append(version.id, "dropped in the middle")
    assert text.finish(version.id, text="whole") == text.current
    assert text.body == "whole"
    text.append(version.id, "late")
    assert text.body == "whole"
    assert text.finish(version.id, "stopped", "other") == text.current
    assert (text.body, text.versions[0].state) == ("whole", "done")


def test_nothing_written_leaves_nothing(text: TextDocument) -> None:
    first = write(text, "One.")
    version = text.begin_version()
    assert text.finish(version.id, "stopped") is None
    assert [v.id for v in text.versions] == [first]
    assert text.body == "One."
    assert text.undo_label == "Write"
    version = text.begin_version()
    text.append(version.id, "Ha")
    text.finish(version.id, "stopped")
    assert (text.body, text.versions[-1].state) == ("Ha", "stopped")


def test_continuing_goes_on_in_the_same_version(text: TextDocument) -> None:
    assert text.continue_version("j0").number == 1
    assert text.finish(text.versions[0].id) is None
    first = write(text, "One. Three.")
    version = text.continue_version("j1", at=4)
    assert version.id == first
    text.append(first, " Tw")
    text.append(first, "o.")
    assert text.body == "One. Two. Three."
    text.finish(first)
    assert text.undo_label == "Continue"
    text.undo()
    assert text.body == "One. Three."
    text.redo()
    assert text.body == "One. Two. Three."
    with pytest.raises(ValueError, match="position"):
        text.continue_version(at=99)


def test_a_version_being_written_is_not_edited(text: TextDocument) -> None:
    first = write(text, "One.")
    version = text.begin_version()
    for edit in (
        lambda: text.replace_range(0, 0, "x"),
        lambda: text.continue_version(),
        lambda: text.delete_version(version.id),
    ):
        with pytest.raises(ValueError, match="being written"):
            edit()
    text.select(first)
    text.replace_range(0, 3, "Two", "Shorter")
    text.append(version.id, "more")
    text.finish(version.id)
    assert [v.text for v in text.versions] == ["Two.", "more"]


def test_rework_is_one_step_with_a_name(text: TextDocument) -> None:
    write(text, "The long old sentence. The end.")
    text.replace_range(0, 22, "Short.", "Shorter")
    assert text.body == "Short. The end."
    assert text.undo_label == "Shorter"
    text.undo()
    assert text.body == "The long old sentence. The end."
    assert text.redo_label == "Shorter"
    text.redo()
    assert text.body == "Short. The end."
    with pytest.raises(ValueError, match="range"):
        text.replace_range(3, 99, "")


def test_typing_is_undone_in_pieces(text: TextDocument) -> None:
    for index, letter in enumerate("Hello sea"):
        text.replace_range(index, index, letter, typing=True)
    for index in range(9, 6, -1):
        text.replace_range(index - 1, index, "", typing=True)
    text.seal()
    text.replace_range(6, 6, "灯", typing=True)
    assert text.body == "Hello 灯"
    states = []
    while text.undo():
        states.append(text.body)
    assert states == ["Hello ", "Hello sea", ""]
    while text.redo():
        pass
    assert text.body == "Hello 灯"
    assert text.versions[0].number == 1


def test_a_new_edit_forgets_what_was_undone(text: TextDocument) -> None:
    text.set_body("one")
    text.set_body("two")
    text.undo()
    text.set_body("three")
    assert not text.can_redo
    text.undo()
    assert text.body == "one"


def test_undo_shows_the_version_it_changes(text: TextDocument) -> None:
    first = write(text, "One.")
    second = write(text, "Two.")
    text.select(first)
    text.replace_range(0, 3, "Uno", "Translate")
    text.select(second)
    text.undo()
    assert text.current is not None
    assert (text.current.id, text.body) == (first, "One.")


def test_versions_are_kept_marked_restored_and_compared(text: TextDocument) -> None:
    first, second = write(text, "The red lamp.", job="j1"), write(text, "The blue lamp.")
    text.set_favourite(first, True)
    assert [(s.kind, s.text) for s in text.compare(first, second)] == [
        ("same", "The "),
        ("removed", "red"),
        ("added", "blue"),
        ("same", " lamp."),
    ]
    restored = text.restore(first)
    assert (restored.number, text.body, restored.favourite) == (3, "The red lamp.", False)
    assert text.version_for_job("j1") == text.version(first)
    text.delete_version(restored.id)
    assert text.body == "The blue lamp."
    text.undo()
    assert text.body == "The red lamp."
    text.undo()
    assert [v.number for v in text.versions] == [1, 2]
    assert text.version(first).favourite
    for version in text.versions:
        text.delete_version(version.id)
    assert (text.current, text.body) == (None, "")
    text.undo()
    text.undo()
    assert [v.text for v in text.versions] == ["The red lamp.", "The blue lamp."]
    with pytest.raises(KeyError):
        text.select("nothing")


def test_marks_made_after_a_step_survive_its_undo(text: TextDocument) -> None:
    version = write(text, "One.")
    text.set_favourite(version, True)
    text.set_origin(version, item="i1")
    text.undo()
    text.redo()
    assert (text.versions[0].favourite, text.versions[0].item) == (True, "i1")


def test_the_brief_and_the_title_are_no_undo_steps(text: TextDocument) -> None:
    heard: list[Any] = []
    text.subscribe(heard.append)
    text.set_brief(prompt="A keeper", words=300, params={"temperature": 0.7})
    text.set_title("  New \n title ")
    text.set_title("New title")
    assert text.title == "New title"
    assert not text.can_undo
    assert [type(event).__name__ for event in heard] == ["BriefChanged", "TitleChanged"]
    assert isinstance(heard[0], BriefChanged)


def test_every_change_is_told(text: TextDocument) -> None:
    heard: list[Any] = []
    end = text.subscribe(heard.append)
    version = write(text, "One.")
    text.select(write(text, "Two."))
    text.select(version)
    end()
    write(text, "Three.")
    kinds = {type(event) for event in heard}
    assert kinds == {VersionsChanged, CurrentChanged, BodyChanged, UndoChanged}
    assert all(event.document is text for event in heard)


def test_undo_keeps_within_its_memory(text: TextDocument, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_UNDO_BYTES", 1000)
    monkeypatch.setattr(base, "_UNDO_STEPS", 5)
    for number in range(20):
        text.replace_range(0, 0, f"{number:02}", "Step")
    assert len(text._done) == 5
    text.set_body("x" * 5000)
    assert len(text._done) == 1
    assert text.undo()
    assert text.body.startswith("1918")
    assert not text.undo()


EDITS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.text(max_size=4), st.booleans()), max_size=25)


@settings(deadline=None)
@given(EDITS)
def test_undo_and_redo_retrace_every_edit(edits: list[tuple[int, int, str, bool]]) -> None:
    document = TextDocument()
    bodies = {document.body}
    for start, length, inserted, typing in edits:
        start = min(start, len(document.body))
        document.replace_range(start, min(start + length, len(document.body)), inserted, typing=typing)
        bodies.add(document.body)
    last = document.body
    while document.undo():
        assert document.body in bodies
    assert document.body == ""
    while document.redo():
        assert document.body in bodies
    assert document.body == last


def test_a_round_trip_keeps_everything_and_what_is_unknown(text: TextDocument) -> None:
    text.set_brief(template="short-story", prompt="灯", words=300, params={"seed": 1})
    write(text, "One\n\nTwo 🎏.", job="j1", params={"seed": 1})
    data = json.loads(text.snapshot()[1]())
    data["mood"] = "calm"
    data["content"]["brief"]["audience"] = "children"
    data["content"]["versions"][0]["rating"] = 5
    again = TextDocument()
    again.take(data)
    assert again.snapshot()[1]() == reopened(again).snapshot()[1]()
    kept = json.loads(again.snapshot()[1]())
    assert (kept["mood"], kept["content"]["brief"]["audience"]) == ("calm", "children")
    assert kept["content"]["versions"][0]["rating"] == 5
    assert again.versions[0].text == "One\n\nTwo 🎏."
    assert again.brief.params == {"seed": 1}


def test_a_version_left_unfinished_is_stopped_and_can_be_completed(text: TextDocument) -> None:
    version = text.begin_version("j1")
    text.append(version.id, "One ")
    again = reopened(text)
    assert (again.body, again.versions[0].state, again.busy) == ("One ", "stopped", False)
    again.finish(version.id, text="Something else")
    assert again.body == "One "
    again.finish(version.id, text="One and all.")
    assert (again.body, again.versions[0].state) == ("One and all.", "done")


BROKEN = [
    {"content": {}},
    {"content": None},
    {"content": {"brief": {}, "versions": [{"id": "a"}], "current": ""}},
    {"content": {"brief": {"words": "many"}, "versions": [], "current": ""}},
    {"content": {"brief": {}, "versions": [{"id": "a", "number": 1, "text": 5}], "current": ""}},
    {"content": {"brief": {}, "versions": [5], "current": ""}},
    {"title": None, "created": "x"},
]


@pytest.mark.parametrize("change", BROKEN)
def test_what_is_no_text_is_refused(text: TextDocument, change: dict[str, Any]) -> None:
    data = json.loads(text.snapshot()[1]())
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        TextDocument().take({**data, **change})


def test_a_read_only_text_refuses_edits(text: TextDocument) -> None:
    write(text, "One.")
    text.read_only = True
    for edit in (lambda: text.set_body("x"), lambda: text.begin_version(), text.undo, lambda: text.set_title("x")):
        with pytest.raises(AtelierError) as caught:
            edit()
        assert caught.value.code == "document-open"
        assert "The lamp" in str(caught.value)
    assert text.body == "One."


def test_a_long_text_takes_no_time(text: TextDocument, tmp_path: Path) -> None:
    import time

    text.set_body("The letter was folded into the lens. " * 28_000)
    start = time.perf_counter()
    for index in range(100):
        text.replace_range(500_000 + index, 500_000 + index, "x", typing=True)
    assert (time.perf_counter() - start) / 100 < 0.01
    start = time.perf_counter()
    _edits, make = text.snapshot()
    assert time.perf_counter() - start < 0.02
    data = make()
    start = time.perf_counter()
    TextDocument().take(json.loads(data))
    assert time.perf_counter() - start < 0.1


def test_a_proposal_waits_with_its_version(text: TextDocument) -> None:
    first = write(text, "One. Two. Three.")
    proposal = Proposal(first, 5, 9, "Deux.", *context(text.body, 5, 9), action="shorter", params={"seed": 1})
    text.set_proposal(first, proposal)
    assert not text.can_undo or text.undo_label != "Shorter"
    again = reopened(text)
    assert again.proposal(first) == proposal
    again.set_proposal(first, None)
    assert reopened(again).proposal(first) is None
    text.delete_version(first)
    assert reopened(text).proposal(first) is None
    text.undo()
    assert text.proposal(first) == proposal


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("One. Two. Three.", (5, 9)),
        ("So then. One. Two. Three.", (14, 18)),
        ("Two. Three.", (0, 4)),
        ("Two, One. Two. Two.", (10, 14)),
        ("One. Too. Three.", None),
        ("", None),
    ],
)
def test_a_proposal_finds_its_place(text: str, place: tuple[int, int] | None) -> None:
    old, before = context("One. Two. Three.", 5, 9)
    assert Proposal("v", 5, 9, "Deux.", old, before).place(text) == place


def test_a_proposal_to_write_on_finds_its_place() -> None:
    old, before = context("One. Two.", 4, 4)
    assert (old, before) == ("", "One.")
    assert Proposal("v", 4, 4, " More.", old, before, append=True).place("Well. One. Two.") == (10, 10)
    assert Proposal("v", 0, 0, "First.", append=True).place("One.") == (0, 0)
    assert Proposal("v", 4, 4, " More.", old, before, append=True).place("Two.") is None


@given(st.text(max_size=60), st.data())
def test_a_place_that_did_not_change_is_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    old, before = context(text, start, end)
    assert Proposal("v", start, end, "new", old, before).place(text) == (start, end)
