"""What is heard of what the voices say: `python -m tests.quality.speech_words [--voices] [--show]`.

The 30 Harvard sentences by the English voice and by Kokoro's usual one, the 20 Chinese sentences by Kokoro's: word
error rate (Whisper's normaliser), character error rate, and DNSMOS. With `--voices` every voice that is installed
reads both lists.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from studio import families
from studio.core.jobs import Medium, Request, Task
from studio.core.models import ModelInfo
from studio.core.protocols import Device
from studio.model_manager.catalogue import Catalogue
from tests.quality import speech_tools as ears

LISTS = {"en": ("harvard.txt", ears.english_words), "zh": ("mandarin.txt", ears.chinese_signs)}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--voices", action="store_true")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    folder = ears.tools()
    whisper, dnsmos = ears.Whisper(folder / "whisper-base"), ears.Dnsmos(folder / "dnsmos")
    print("| model | voice | language | error rate | SIG | BAK | OVRL |\n|---|---|---|---|---|---|---|")
    for info in Catalogue().list():
        if info.medium != Medium.SPEECH or not info.usable:
            continue
        model = families.get(info.family).load(Catalogue().files(info.id), Device("cpu", 0, 2, 8 << 30))
        for voice in info.voices if options.voices else info.voices[:1]:
            for language, (name, units) in LISTS.items():
                if language not in {code.split("-")[0] for code in voice.languages}:
                    continue
                lines = ears.sentences(name)
                heard = _read(info, model, voice.id, lines)
                wrong = total = 0
                for line, (index, start, end, _text) in zip(lines, heard.segments, strict=True):
                    text = whisper(heard.sound.part(start, end), language)
                    said, got = units(line), units(text)
                    wrong, total = wrong + ears.errors(said, got), total + len(said)
                    if options.show and said != got:
                        print(f"  {index}: {line} | {text}")
                mos = dnsmos(heard.sound)
                figures = " | ".join(f"{mos[name]:.2f}" for name in ("sig", "bak", "ovrl"))
                print(f"| {info.title} | {voice.name} | {language} | {wrong / total:.3f} | {figures} |", flush=True)
    return 0


def _read(info: ModelInfo, model: Any, voice: str, lines: list[str]) -> ears.Listener:
    with tempfile.TemporaryDirectory() as folder:
        heard = ears.Listener(Path(folder))
        params = {"script": [{"text": line} for line in lines], "voice": voice, "seed": 1}
        request = Request(Medium.SPEECH, info.family, info.id, Task.SPEAK, params, keep=False)
        families.get(info.family).run(model, request, heard)
        return heard


if __name__ == "__main__":
    raise SystemExit(main())
