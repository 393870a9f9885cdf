"""The sound of a finished reading: `python -m tests.quality.speech_sound`.

Each installed voice's model reads ten sentences into a file. Told are its loudness and true peak, the largest step at a
border of two sentences, and how far the sound of a sentence begins from its subtitle.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from studio import families
from studio.core.jobs import Medium, Request, Task
from studio.core.protocols import Device
from studio.media import audio, subtitles
from studio.model_manager.catalogue import Catalogue
from tests.quality import speech_tools as ears

ONSET = 10 ** (-40 / 20)


def main() -> int:
    print("| model | LUFS | dBTP | step at borders, dBFS | onset after its subtitle, s |\n|---|---|---|---|---|")
    for info in Catalogue().list():
        if info.medium != Medium.SPEECH or not info.usable:
            continue
        family = families.get(info.family)
        model = family.load(Catalogue().files(info.id), Device("cpu", 0, 2, 8 << 30))
        lines = ears.sentences("harvard.txt" if "zh" not in info.languages else "mandarin.txt")[:10]
        with tempfile.TemporaryDirectory() as folder:
            params = {"text": "\n".join(lines), "seed": 1}
            request = Request(Medium.SPEECH, info.family, info.id, Task.SPEAK, params)
            (artifact,) = family.run(model, request, ears.Listener(Path(folder)))
            sound = audio.read(Path(folder) / artifact.name)
        mono, rate = sound.samples[:, 0], sound.sample_rate
        cues = subtitles.cues(artifact.metadata["sentences"])
        borders = [round(time * rate) for cue in cues for time in (cue.start, cue.end)]
        step = max(np.abs(np.diff(mono[max(0, place - 2) : place + 2])).max(initial=0.0) for place in borders)
        late = [np.flatnonzero(np.abs(mono[round(cue.start * rate) :]) > ONSET)[0] / rate for cue in cues]
        figures = f"{audio.loudness(sound):.2f} | {audio.true_peak(sound):.2f} | {20 * np.log10(step + 1e-9):.0f}"
        print(f"| {info.title} | {figures} | {min(late):.3f} … {max(late):.3f} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
