"""What a job costs more than the same call of llama.cpp made by hand, and how fast the starter writes.

By hand means `children/plain_llama.py`: the same file, prompt, sampling, seed and context. "As the engine calls it" has
the engine's threads, batch and environment too, and shows what the studio adds; "as it comes" has the library's own
choice of all three, and shows what a user of the library would get.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from studio.core.jobs import Request
from studio.core.protocols import Device
from studio.engine.devices import meter
from studio.families import gguf_file
from studio.families.text import gguf
from studio.model_manager.catalogue import Catalogue
from tests.bench.engine import STARTER, Desk, desk
from tests.bench.figures import ENGINE_ENVIRONMENT, Bench, Figure, Talk, figure, median

PROMPT = "The lighthouse keeper had not spoken to anyone for a whole winter, and then the letter came. It said that"
SHORT, LONG_SECONDS = 20, 6.0
SHORT_OVERHEAD, LONG_OVERHEAD, SPEED = 0.05, 2.0, 0.95


def measure(bench: Bench) -> Iterator[Figure]:
    with desk(bench) as ours:
        path = next(path for name, path in Catalogue().files(STARTER).paths.items() if name.endswith(".gguf"))
        context = ours.client.query("tokens", request=ours.request(PROMPT, 1).to_json()).result(30)["context"]
        same = {"n_ctx": context, **_settings(meter("cpu").device, gguf_file.read(path))}
        with (
            Talk(bench, "plain_llama", str(path), json.dumps(same), **ENGINE_ENVIRONMENT) as plain,
            Talk(bench, "plain_llama", str(path), json.dumps({"n_ctx": context})) as raw,
        ):
            yield from _compare(bench, ours, plain, raw)


def _compare(bench: Bench, ours: Desk, plain: Talk, raw: Talk) -> Iterator[Figure]:
    short = ours.request(PROMPT, SHORT)
    for talk in (plain, raw):
        talk.ask(**_call(short))
    ours.do(short)
    own, hand = [], []
    for _run in range(bench.runs * 2):
        text, seconds = ours.do(short)
        answer = plain.ask(**_call(short))
        assert text == answer["text"], "the plain call wrote another text"
        own.append(seconds)
        hand.append(answer["seconds"])
    added = [a - b for a, b in zip(own, hand, strict=True)]
    yield figure(
        f"a job of {SHORT} tokens takes more than the plain call",
        [seconds * 1000 for seconds in added],
        "ms",
        1,
        target=SHORT_OVERHEAD * 1000,
        plain=round(median(hand) * 1000, 1),
        note=f"best of each: {(min(own) - min(hand)) * 1000:.1f} ms",
    )

    long = _long(ours, plain)
    own, hand, library, rates, raw_rates = [], [], [], [], []
    for _run in range(bench.runs):
        text, seconds = ours.do(long)
        answer = plain.ask(**_call(long))
        assert text == answer["text"], "the plain call wrote another text"
        own.append(seconds)
        hand.append(answer["seconds"])
        rates.append(answer["tokens"] / seconds)
        library.append(answer["tokens"] / answer["seconds"])
        other = raw.ask(**_call(long))
        raw_rates.append(other["tokens"] / other["seconds"])
    yield figure(
        f"a job of {median(own):.0f} s takes more than the plain call",
        [(a / b - 1) * 100 for a, b in zip(own, hand, strict=True)],
        "%",
        2,
        target=LONG_OVERHEAD,
        plain=round(median(hand), 3),
        note=f"best of each: {(min(own) / min(hand) - 1) * 100:.2f} %",
    )
    pairs = list(zip(rates, library, raw_rates, strict=True))
    yield figure("tokens per second, as a job", rates, "/s", 1, plain=round(median(library), 1))
    yield figure(
        "tokens per second ÷ llama.cpp as the engine calls it",
        [a / b for a, b, _c in pairs],
        "",
        target=SPEED,
        at_least=True,
    )
    yield figure(
        "tokens per second ÷ llama.cpp as it comes",
        [a / c for a, _b, c in pairs],
        "",
        target=SPEED,
        at_least=True,
        plain=round(median(raw_rates), 1),
        note=f"best of each: {max(rates) / max(raw_rates):.3f}",
    )


def _long(ours: Desk, plain: Talk) -> Request:
    """A request that llama.cpp writes at for `LONG_SECONDS`: as many tokens, with a seed whose text does not end
    before."""
    rate = plain.ask(**_call(ours.request(PROMPT, 100)))["tokens_per_second"]
    tokens = min(int(rate * LONG_SECONDS), 4000)
    for seed in range(1, 30):
        request = ours.request(PROMPT, tokens, seed)
        if plain.ask(**_call(request))["tokens"] >= tokens:
            return request
    raise RuntimeError(f"no seed writes {tokens} tokens")


def _call(request: Request) -> dict[str, Any]:
    """The same as a completion request of llama.cpp."""
    params = gguf.SPEC.check(request).params
    return {
        **{name: params[name] for name in gguf._SAMPLING},
        "prompt": params["prompt"],
        "n_predict": params["max_new_tokens"],
        "mirostat": int(params["mirostat"]),
        "stop": [],
        "seed": params["seed"],
        "cache_prompt": False,
    }


def _settings(device: Device, header: gguf_file.Header) -> dict[str, int]:
    return {
        "n_threads": gguf._writing_threads(header, device),
        "n_threads_batch": device.threads,
        "n_batch": gguf._batch_of(header.size, device),
    }
