"""From asking a job to stop to the end of it, on a loaded model."""

from __future__ import annotations

import time
from collections.abc import Iterator

from studio.core.messages import Phase, TextDelta, Usage
from tests.bench.engine import Desk, desk
from tests.bench.figures import Bench, Figure, figure

STOPPED = 0.2  # seconds
_SENTENCE = "The keeper went up the stairs, lit the lamp, and looked out over the grey sea for a sail. "


def measure(bench: Bench) -> Iterator[Figure]:
    with desk(bench) as ours:
        prompt, tokens = _long_prompt(ours, 1500)
        writing, reading, waits = [], [], []
        for _run in range(bench.runs):
            job = ours.submit(ours.request("The lighthouse keeper", 2000))
            ours.until(job, TextDelta)
            time.sleep(0.5)
            writing.append(ours.cancelled(job))
            job = ours.submit(ours.request(prompt, 50))
            ours.until(job, Usage)
            time.sleep(0.2)
            reading.append(ours.cancelled(job))
            if any(isinstance(event, TextDelta) for _when, event in ours.events):
                raise RuntimeError("the prompt was read before the job was stopped")
        for _run in range(bench.runs):
            began = time.perf_counter()
            job = ours.submit(ours.request(prompt, 1))
            ours.until(job, Phase)
            waits.append(ours.until(job, TextDelta) - began)
            ours.wait(lambda job=job: job in ours.filed)
        yield figure("stopped while it writes", writing, "s", target=STOPPED)
        yield figure(f"stopped while it reads a prompt of {tokens} tokens", reading, "s", target=STOPPED)
        yield figure(f"first token after a prompt of {tokens} tokens", waits, "s")


def _long_prompt(ours: Desk, tokens: int) -> tuple[str, int]:
    def count(text: str) -> int:
        return ours.client.query("tokens", request=ours.request(text, 1).to_json()).result(30)["prompt"]

    text = _SENTENCE * round(tokens / (count(_SENTENCE * 10) / 10))
    return text, count(text)
