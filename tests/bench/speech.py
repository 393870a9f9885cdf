"""How soon a reading is heard, how fast it is made beside the plain packages, how the window and the memory stay.

The plain packages read the same sentences, turn by turn with ours (`children/plain_hibari.py`, `plain_kokoro.py`). Ours
also makes the sound even, streams it and writes the file with its recipe into the library.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import psutil

from studio.client.local import LocalEngine
from studio.core.jobs import Medium, Request, Task
from studio.core.messages import AudioDelta
from studio.media.reading.phonemes import phonemes
from studio.model_manager.catalogue import Catalogue
from tests.bench.engine import Desk, desk
from tests.bench.figures import ENGINE_ENVIRONMENT, Bench, Figure, Talk, figure, median, percentile
from tests.bench.window import MAXIMUM, NINETY_NINE

SENTENCES = (
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It's easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
)
FIRST_CLAUSE = "When the sun went down behind the old lighthouse"
LONG_FIRST = f"{FIRST_CLAUSE}, the keeper climbed the stairs, lit the lamp, and wrote a letter to his sister."
SPEED, SOON = 0.95, 0.5
_PHASES = {
    "load": "from the click on Speak to the first sound",
    "speak": "while {count} sentences are spoken and heard",
    "play": "while they are heard",
}


def measure(bench: Bench) -> Iterator[Figure]:
    yield from _window(bench)
    with desk(bench) as ours:
        yield from _hibari(bench, ours)
        yield from _kokoro(bench, ours)
        yield from _long(bench, ours)


def _window(bench: Bench) -> Iterator[Figure]:
    """The gaps of the real window's event loop while it speaks, less what is usual while nothing happens."""
    count = 20 if bench.quick else 60
    runs = [bench.child("real_reading", "--sentences", str(count)) for _run in range(bench.runs)]
    idle = [[gap * 1000 for gap, _cpu in run["gaps"]["idle"]] for run in runs]
    yield figure("longest gap of the idle window", [max(gaps) for gaps in idle], "ms", 1)
    for phase, words in _PHASES.items():
        words = words.format(count=count)
        pairs = [run["gaps"][phase] for run in runs]
        gaps = [[gap * 1000 - median(rest) for gap, _cpu in found] for found, rest in zip(pairs, idle, strict=True)]
        own = median([max(cpu for _gap, cpu in found) * 1000 for found in pairs])
        note = f"of which the window's own work at most {own:.1f} ms"
        yield figure(f"longest gap {words}", [max(found) for found in gaps], "ms", 1, target=MAXIMUM, note=note)
        ranks = [percentile(found, 99) for found in gaps]
        yield figure(f"99 % of gaps {words}", ranks, "ms", 1, target=NINETY_NINE)


def _hibari(bench: Bench, ours: Desk) -> Iterator[Figure]:
    text = " ".join(SENTENCES * 20)
    request = _request("hibari", "hibari-heart", text)
    _first(ours, request)
    yield figure(
        "Hibari: first sound",
        [_first(ours, request)[0] for _run in range(bench.runs)],
        "s",
        target=SOON,
    )
    path = Catalogue().files("hibari-heart").only(".onnx")
    with Talk(bench, "plain_hibari", str(path), **ENGINE_ENVIRONMENT) as plain:
        plain.ask(text=text)
        yield from _compare("Hibari", bench, ours, request, plain, {"text": text})


def _kokoro(bench: Bench, ours: Desk) -> Iterator[Figure]:
    request = _request("kokoro", "kokoro-82m", LONG_FIRST)
    _first(ours, request)
    soon = [_first(ours, request) for _run in range(bench.runs)]
    clause = median([seconds for _first_at, seconds in soon])
    yield figure(
        "Kokoro: first sound",
        [first for first, _seconds in soon],
        "s",
        target=round(0.4 * clause + 0.3, 3),
        note=f"the first clause lasts {clause:.2f} s",
    )
    texts = SENTENCES
    request = _request("kokoro", "kokoro-82m", " ".join(texts))
    with Talk(bench, "plain_kokoro", str(Catalogue().files("kokoro-82m").root), **ENGINE_ENVIRONMENT) as plain:
        question = {"phonemes": [phonemes(text, "en") for text in texts]}
        plain.ask(**question)
        yield from _compare("Kokoro", bench, ours, request, plain, question)


def _compare(
    name: str, bench: Bench, ours: Desk, request: Request, plain: Talk, question: dict[str, Any]
) -> Iterator[Figure]:
    own, hand, sound = [], [], 0.0
    for _run in range(bench.runs):
        own.append(ours.do(request)[1])
        answer = plain.ask(**question)
        hand.append(answer["seconds"])
        sound = answer["sound"]
    yield figure(f"{name}: × real time, as a job", [sound / seconds for seconds in own], "×", 1)
    yield figure(
        f"{name}: speed ÷ the plain package's",
        [a / b for a, b in zip(hand, own, strict=True)],
        "",
        target=SPEED,
        at_least=True,
        plain=round(sound / median(hand), 1),
        note=f"best of each: {min(hand) / min(own):.3f}",
    )


def _long(bench: Bench, ours: Desk) -> Iterator[Figure]:
    """The engine's memory over a text of an hour (six minutes when quick)."""
    text = "\n".join(" ".join(SENTENCES) for _paragraph in range(20 if bench.quick else 200))
    assert isinstance(ours.client, LocalEngine)
    engine = psutil.Process(ours.client.pid)
    job = ours.submit(_request("hibari", "hibari-heart", text))
    ours.until(job, AudioDelta)
    seen = []
    began = time.perf_counter()
    while job not in ours.filed:
        seen.append(engine.memory_info().rss)
        time.sleep(0.25)
    seconds = time.perf_counter() - began
    quarter = max(1, len(seen) // 4)
    growth = max(seen) - max(seen[:quarter])
    yield Figure(
        "Hibari: growth of the engine's memory over a long text",
        round(growth / 2**20, 1),
        "MiB",
        target=None if bench.quick else 32.0,  # the sound kept for a client that comes back fills up first
        note=f"{_sound_of(ours, job) / 60:.0f} min of speech in {seconds:.0f} s; peak {max(seen) / 2**20:.0f} MiB",
    )


def _sound_of(ours: Desk, job: str) -> float:
    events = [event for _when, event in ours.events if isinstance(event, AudioDelta) and event.job == job]
    return sum(len(event.payload) / 4 / event.sample_rate for event in events)


def _first(ours: Desk, request: Request) -> tuple[float, float]:
    """(seconds from asking to the first sound, how long that sound lasts)."""
    began = time.perf_counter()
    job = ours.submit(request)
    first = ours.until(job, AudioDelta) - began
    ours.wait(lambda: job in ours.filed)
    heard: Sequence[AudioDelta] = [event for _when, event in ours.events if isinstance(event, AudioDelta)]
    return first, len(heard[0].payload) / 4 / heard[0].sample_rate


def _request(family: str, model: str, text: str) -> Request:
    return Request(Medium.SPEECH, family, model, Task.SPEAK, {"text": text, "seed": 1}, title="Benchmark")
