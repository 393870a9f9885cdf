"""What goes out: how it is joined, in which order, and what can be asked for again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from multiprocessing import Pipe

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.messages import (
    AudioDelta,
    Beat,
    Done,
    JobEvent,
    Message,
    Phase,
    Preview,
    Progress,
    Started,
    TextDelta,
    Usage,
    unpack,
)
from studio.engine import backlog as backlog_module
from studio.engine import outbox as outbox_module
from studio.engine.backlog import Backlog
from studio.engine.outbox import Outbox


class Ends:
    """An outbox that is not started yet, with the other end of its connection."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self._reader, self._writer = Pipe(duplex=False)
        self.outbox.connect(self._writer)

    def start(self) -> None:
        self.outbox.start(lambda: ())

    def read(self, until: type[Message] = Done) -> list[Message]:
        messages: list[Message] = []
        while not (messages and isinstance(messages[-1], until)):
            assert self._reader.poll(2.0), f"{until} did not come, only {messages}"
            messages.append(unpack(self._reader.recv_bytes()))
        return messages

    def reconnect(self, jobs: tuple[str, ...] = ()) -> None:
        self._reader.close()
        self._reader, self._writer = Pipe(duplex=False)
        self.outbox.connect(self._writer, jobs)

    def lose(self) -> None:
        self.outbox.connect(None)


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.outbox.close(1.0)


def test_what_waits_is_joined_and_numbered_without_gaps(ends: Ends) -> None:
    ends.outbox.send(Started("a", 0))
    for number in range(100):
        ends.outbox.send(TextDelta("a", 0, text=f"{number} "))
        ends.outbox.send(Usage("a", 0, counts={"written_tokens": number}))
        ends.outbox.send(Progress("a", 0, step=number, steps=100))
        ends.outbox.send(Preview("a", 0, payload=bytes([number])))
        ends.outbox.send(AudioDelta("a", 0, payload=bytes([number]), sample_rate=8000, channels=1))
    ends.outbox.send(Done("a", 0))
    ends.start()
    assert ends.read() == [
        Started("a", 1),
        TextDelta("a", 2, text="".join(f"{number} " for number in range(100))),
        Usage("a", 3, counts={"written_tokens": 99}),
        Progress("a", 4, step=99, steps=100),
        Preview("a", 5, payload=bytes([99])),
        AudioDelta("a", 6, payload=bytes(range(100)), sample_rate=8000, channels=1),
        Done("a", 7),
    ]


def test_the_first_text_goes_at_once_and_the_rest_thirty_times_a_second(ends: Ends) -> None:
    ends.start()
    began = time.monotonic()
    ends.outbox.send(TextDelta("a", 0, text="first"))
    ends.read(TextDelta)
    assert time.monotonic() - began < outbox_module.INTERVAL
    sent = 0
    while time.monotonic() - began < 0.3:
        ends.outbox.send(TextDelta("a", 0, text="."))
        sent += 1
        time.sleep(0.002)
    ends.outbox.send(Done("a", 0))
    events = ends.read()
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert "".join(texts) == "." * sent
    assert 5 <= len(texts) <= 11


def test_nothing_is_overtaken_by_a_phase(ends: Ends) -> None:
    ends.start()
    ends.outbox.send(TextDelta("a", 0, text="one"))
    ends.read(TextDelta)
    ends.outbox.send(TextDelta("a", 0, text="two"))
    ends.outbox.send(Phase("a", 0, name="save"))
    ends.outbox.send(TextDelta("a", 0, text="three"))
    ends.outbox.send(Done("a", 0))
    said = [getattr(event, "text", "") or getattr(event, "name", "") for event in ends.read()]
    assert said == ["two", "save", "three", ""]


def test_sound_of_two_kinds_is_not_joined(ends: Ends) -> None:
    for rate in (8000, 8000, 16000, 8000):
        ends.outbox.send(AudioDelta("a", 0, payload=b"x", sample_rate=rate))
    ends.outbox.send(Done("a", 0))
    ends.start()
    sound = [event for event in ends.read() if isinstance(event, AudioDelta)]
    assert [(event.sample_rate, event.payload) for event in sound] == [(8000, b"xx"), (16000, b"x"), (8000, b"x")]


def test_jobs_do_not_disturb_each_other(ends: Ends) -> None:
    for number in range(3):
        for job in "ab":
            ends.outbox.send(TextDelta(job, 0, text=f"{job}{number}"))
    ends.outbox.send(Done("b", 0))
    ends.outbox.send(Done("a", 0))
    ends.start()
    events = [event for event in (*ends.read(), *ends.read()) if isinstance(event, JobEvent)]
    assert {event.job: event.text for event in events if isinstance(event, TextDelta)} == {"a": "a0a1a2", "b": "b0b1b2"}
    assert sorted((event.job, event.seq) for event in events) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_a_client_that_comes_back_gets_what_it_missed(ends: Ends) -> None:
    ends.start()
    ends.outbox.send(Started("a", 0))
    ends.outbox.send(TextDelta("a", 0, text="one"))
    assert [getattr(event, "seq", 0) for event in ends.read(TextDelta)] == [1, 2]
    ends.lose()
    ends.outbox.send(TextDelta("a", 0, text="two"))
    ends.outbox.send(Phase("a", 0, name="save"))
    ends.outbox.flush(1.0)
    ends.reconnect(("a",))
    ends.outbox.send(TextDelta("a", 0, text="three"))
    ends.outbox.send(Done("a", 0))
    ends.outbox.flush(1.0)
    ends.outbox.replay("a", 2)
    assert ends.read() == [
        TextDelta("a", 3, text="two"),
        Phase("a", 4, name="save"),
        TextDelta("a", 5, text="three"),
        Done("a", 6),
    ]
    assert ends.outbox.knows("a")
    assert not ends.outbox.knows("b")


def test_only_a_few_ended_jobs_are_remembered(ends: Ends) -> None:
    ends.start()
    for number in range(outbox_module.REMEMBERED + 2):
        ends.outbox.send(Done(f"job{number}", 0))
        ends.read()
    assert [ends.outbox.knows(f"job{number}") for number in range(4)] == [False, False, True, True]


def test_it_beats(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "BEAT", 0.05)
    ends.outbox.start(lambda: [Beat("idle", 1.0)])
    began = time.monotonic()
    for _ in range(3):
        assert ends.read(Beat)[-1] == Beat("idle", 1.0)
    assert 0.08 < time.monotonic() - began < 1.0


@given(st.lists(st.sampled_from("tpua"), max_size=40), st.data())
def test_a_replay_holds_every_word_and_sound_from_any_number_on(kinds: list[str], data: st.DataObject) -> None:
    backlog = Backlog()
    events: list[JobEvent] = []
    for number, kind in enumerate(kinds):
        event: JobEvent = {
            "t": TextDelta("a", 0, text=f"{number} "),
            "p": Preview("a", 0, payload=bytes([number])),
            "u": Progress("a", 0, step=number),
            "a": AudioDelta("a", 0, payload=bytes([number])),
        }[kind]
        events.append(backlog.add(event))
    after = data.draw(st.integers(0, len(events)))
    replayed = backlog.since(after)
    missed = events[after:]
    assert _text(replayed) == _text(missed)
    assert [e for e in replayed if isinstance(e, AudioDelta)] == [e for e in missed if isinstance(e, AudioDelta)]
    for newest in (Preview, Progress):
        wanted = [event for event in missed if isinstance(event, newest)][-1:]
        assert [event for event in replayed if isinstance(event, newest)] == wanted
    numbers = [event.seq for event in replayed]
    assert all(earlier < later for earlier, later in itertools.pairwise(numbers))
    assert not missed or numbers[-1] == len(events)


def test_the_sound_of_a_replay_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog_module, "AUDIO_LIMIT", 10)
    backlog = Backlog()
    backlog.add(Started("a", 0))
    for number in range(5):
        backlog.add(AudioDelta("a", 0, payload=bytes([number]) * 4))
    assert [event.seq for event in backlog.since(0)] == [1, 5, 6]


def _text(events: list[JobEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
