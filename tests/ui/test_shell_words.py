"""What the window says and finds, without a window: queue words, fuzzy matching, displays, dropped files."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Job, JobState, Medium, Request, Task
from studio.core.messages import Phase, Progress, Started, TextDelta
from studio.ui import drops
from studio.ui.display import missing_display
from studio.ui.palette.match import match, rank
from studio.ui.queue.words import Live, count_on, duration, progress_words, state_words, time_left, title_of


def job(**changes: object) -> Job:
    request = Request(
        Medium.TEXT, "gguf", "m", Task.INSTRUCT, {"prompt": "A keeper  finds\na letter"}, origin={"words": "500"}
    )
    return Job("a", request, **changes)  # type: ignore[arg-type]


def test_live_follows_the_events_and_never_runs_backwards() -> None:
    live = Live()
    for event in (
        Started("a", 1),
        Phase("a", 2, "load"),
        Phase("a", 3, "run"),
        TextDelta("a", 4, "The lam"),
        TextDelta("a", 5, "p at Gull"),
        Progress("a", 6, 6, 10, 2.0),
        Progress("a", 7, 5, 10, 2.5),
    ):
        live = live.after(event)
    assert (live.words, live.step, live.fraction) == (4, 6, 0.6)
    assert progress_words(job(), live) == "4 of about 500 words"
    assert Live(phase="load").fraction is None
    assert progress_words(job(), Live(phase="load")) == "Loading the model"


@given(st.text(max_size=60), st.integers(0, 60))
def test_words_are_counted_alike_in_pieces(text: str, at: int) -> None:
    whole, _open = count_on(text)
    first, still_open = count_on(text[:at])
    second, _open = count_on(text[at:], still_open)
    assert first + second == whole


def test_chinese_characters_are_words() -> None:
    assert count_on("灯会 poster，两个字")[0] == 6


def test_titles_and_states_have_words() -> None:
    assert title_of(job()) == "A keeper finds a letter"
    spoken = job().request
    for params in ({"text": "Walk\nslowly."}, {"script": [{"text": "Walk slowly."}, {"text": "See."}]}):
        assert title_of(Job("a", replace(spoken, params=params))) == "Walk slowly."
    assert state_words(job(state=JobState.FILED, seconds=1.83)) == "Done in 1.8 s"
    failed = job(state=JobState.FAILED, failure=Failure("out-of-memory", {"device": "CPU"}))
    assert state_words(failed) == "There was not enough memory on CPU."


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0.4 s"), (6, "6 s"), (42.2, "43 s"), (180, "3 min"), (7260, "2 h 1 min")]
)
def test_durations_read_as_one_would_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_time_left_is_silent_while_it_cannot_be_told() -> None:
    assert time_left(-1) == ""
    assert time_left(0.2) == "1 s left"


@pytest.mark.parametrize(
    ("query", "best"),
    [("exm", "Export as Markdown"), ("nc", "New chat"), ("SETT", "Settings"), ("resume", "Résumé"), ("gai", "改写")],
)
def test_matching_prefers_beginnings_of_words(query: str, best: str) -> None:
    titles = ["Export as Markdown", "New chat", "Settings", "Résumé", "Show the next change", "Examine"]
    found = [entry for entry, _hit in rank(query, titles, titles)]
    assert (found[0] if found else "改写") == best


@given(st.text(max_size=12), st.text(max_size=40))
def test_a_match_names_letters_of_the_text_in_order(query: str, text: str) -> None:
    hit = match(query, text)
    if hit is not None:
        assert list(hit.positions) == sorted(set(hit.positions))
        assert all(position < len(text) for position in hit.positions)


def test_missing_display_is_said_before_qt_aborts(tmp_path: Path) -> None:
    assert "no display" in missing_display({}, "linux")
    assert "no display" in missing_display({"DISPLAY": ":9731"}, "linux")
    assert "no display" in missing_display({"DISPLAY": "nonsense"}, "linux")
    assert missing_display({"QT_QPA_PLATFORM": "offscreen"}, "linux") == ""
    assert missing_display({}, "darwin") == ""
    wayland = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert "no display" in missing_display(wayland, "linux")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-0"))
        assert missing_display(wayland, "linux") == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_dropped_texts_of_every_encoding_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("灯会的主题\r\n一河月色".encode(encoding))
    assert drops.read(path).text == "灯会的主题\n一河月色"


def test_dropped_things_that_are_no_use_are_refused_in_words(tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"a" * 900_000)
    for path, code in ((tmp_path, "is-a-folder"), (tmp_path / "gone.txt", "file-missing"), (large, "text-too-long")):
        with pytest.raises(AtelierError) as caught:
            drops.read(path)
        assert caught.value.code == code
