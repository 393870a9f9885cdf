"""Writes with an installed model, for people to read: `python -m tests.quality.read_text [--all] [--seed N]`.

Without `--all`: ten prompts of the kinds that are used most. Each is written twice, and the two must be the same
bytes. With `--all`: the first sample of every template, each rework action and each persona. Markdown on stdout.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from studio import families
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.protocols import Device
from studio.documents.templates import Prompt, templates
from studio.model_manager.catalogue import Catalogue

# (template, brief, tone, words)
TEN = (
    (
        "short-story",
        "A lighthouse keeper finds a letter in the old lamp room. Quiet and hopeful, by the sea.",
        "warm",
        200,
    ),
    ("lyrics", "Driving home through the rain at night, to someone who waits.", "warm", 100),
    ("dialogue", "Two gulls argue about a sandwich.", "playful", 100),
    ("product-text", "A mug that keeps tea warm for six hours, made of recycled glass.", "plain", 60),
    ("image-prompt", "A night market in the rain, seen from above.", "", 40),
    ("poem", "The first snow in a big city.", "solemn", 60),
    (
        "email",
        "Ask Anna to move our meeting from Monday to Thursday at ten, because the samples come late.",
        "plain",
        80,
    ),
    ("slogan", "A workshop that repairs old bicycles.", "playful", 50),
    ("lesson", "Why the sky is blue, for children.", "plain", 100),
    (
        "go-on",
        "The clock in the tower had not moved for a hundred years. Then, on a grey morning in March, it struck",
        "",
        120,
    ),
)
PASSAGE = (
    "The keeper found a letter on the sill. It was wet from the rain, and he could not read the name. He put it near "
    "the lamp to dry and went down to the boats. When he came back in the evening, the light had made the words clear."
)
FAULTY = "She go to the harbour yesterday and seen three boat. There sails was red and they was very beautifull."


@dataclass
class Listener:
    """The part of `core.protocols.Context` that writing needs."""

    pieces: list[str] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    first: float = 0.0
    began: float = 0.0

    def check_cancel(self) -> None:
        return None

    def progress(self, step: int, steps: int) -> None:
        return None

    def text(self, piece: str) -> None:
        self.first = self.first or time.monotonic() - self.began
        self.pieces.append(piece)

    def usage(self, **counts: float) -> None:
        self.counts.update(counts)

    def write(self, name: str, data: bytes, media_type: str, metadata: Mapping[str, Any]) -> Artifact:
        raise NotImplementedError("nothing is kept")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", default="smollm2-135m-instruct")
    options.add_argument("--models-dir", type=Path)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--all", action="store_true")
    chosen = options.parse_args()
    catalogue = Catalogue(chosen.models_dir)
    files = catalogue.files(chosen.model)
    defaults = next(info.defaults for info in catalogue.list() if info.id == chosen.model)
    family = families.get(files.family)
    model = family.load(files, Device("cpu", 0, os.cpu_count() or 1, 4 << 30))
    names = {param.id for param in family.SPEC.params}
    same = True
    for title, prompt in everything() if chosen.all else ten():
        params = {name: value for name, value in {**defaults, **prompt.params}.items() if name in names}
        request = Request(
            Medium.TEXT, files.family, chosen.model, prompt.task, {**params, "seed": chosen.seed}, keep=False
        )
        listeners = [Listener()] if chosen.all else [Listener(), Listener()]
        for listener in listeners:
            listener.began = time.monotonic()
            family.run(model, request, listener)  # type: ignore[arg-type]
        texts = ["".join(listener.pieces) for listener in listeners]
        same = same and len(set(texts)) == 1
        print(f"\n## {title}\n\n> " + _shown(params).replace("\n", "\n> "))
        print(f"\n{texts[0].strip()}\n\n*{_figures(listeners[-1])}*", flush=True)
    print("\nSame seed, same bytes." if same else "\nTHE SAME SEED GAVE DIFFERENT BYTES.")
    return 0 if same else 1


def ten() -> Iterator[tuple[str, Prompt]]:
    known = templates()
    for template_id, brief, tone, words in TEN:
        template = known.template(template_id)
        assert template is not None, template_id
        yield f"{template.title.en}", template.build(brief, known.tone(tone), words)


def everything() -> Iterator[tuple[str, Prompt]]:
    known = templates()
    warm = known.tone("warm")
    for template in known.templates:
        yield template.title.en, template.build(template.examples[0].prompt.en, None, template.words)
    for action in known.actions:
        text = FAULTY if action.id == "fix" else PASSAGE
        yield f"Rework: {action.title.en}", action.build(text, warm if action.needs_tone else None)
    for persona in known.personas:
        turns = [
            {"role": "system", "content": persona.system.en},
            {"role": "user", "content": persona.examples[0].prompt.en},
        ]
        yield (
            f"Chat: {persona.title.en}",
            Prompt(Task.CHAT, {**persona.params, "messages": turns, "max_new_tokens": 150}),
        )


def _shown(params: Mapping[str, Any]) -> str:
    asked = params.get("prompt") or params["messages"][-1]["content"]
    return f"{asked} … {params['prefix']}" if params.get("prefix") else asked


def _figures(listener: Listener) -> str:
    counts = listener.counts
    return (
        f"{counts['written_tokens']:.0f} tokens, first after {listener.first:.2f} s, "
        f"{counts.get('tokens_per_second', 0):.1f} tokens/s"
    )


if __name__ == "__main__":
    sys.exit(main())
