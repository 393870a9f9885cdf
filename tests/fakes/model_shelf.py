"""The models of `tests.fakes.models`: names and figures are samples."""

from __future__ import annotations

from typing import Any

from studio.core.jobs import Medium, Task
from studio.core.models import ModelInfo, ModelState, Voice

MB, GB, GIB = 1_000_000, 1_000_000_000, 1 << 30
FREE, TOTAL = 48 * GB, 256 * GB
DAY = 86_400
NOW = 1_780_000_000
LAST_USED = {"smollm2-135m-instruct": NOW - DAY, "kokoro-82m": NOW - 3 * DAY, "sdxl": NOW - 90 * DAY}
FILES = {
    "diffusion": ("model_index.json", "text_encoder/model.safetensors", "unet/model.safetensors"),
    "gguf": ("model-q4_k_m.gguf",),
}
_TASKS = {
    Medium.TEXT: (Task.CONTINUE, Task.INSTRUCT, Task.CHAT),
    Medium.SPEECH: (Task.SPEAK,),
    Medium.IMAGE: (Task.TEXT_TO_IMAGE,),
}


def model(id: str, title: str, medium: Medium, size: float, memory: float, **more: Any) -> ModelInfo:
    """`size` in bytes, `memory` in GiB."""
    values: dict[str, Any] = {
        "family": {"image": "diffusion", "text": "gguf", "speech": "kokoro"}.get(medium, str(medium)),
        "tasks": _TASKS.get(medium, ()),
        "state": ModelState.NOT_INSTALLED,
        "license": "Apache-2.0",
        "repository": f"example/{id}",
        "revision": "6a1f0c2e9b7d4853a1c0e2f4b6d8907153a2c4e6",
        **more,
    }
    return ModelInfo(id=id, title=title, medium=medium, size=int(size), memory=int(memory * GIB), **values)


STARTER = {"origin": "starter", "state": ModelState.INSTALLED}
INSTALLED = {"origin": "hub", "state": ModelState.INSTALLED}
CATALOGUE = (
    model("sticker", "Atelier Sticker", Medium.IMAGE, 210 * MB, 0.9, **STARTER, description="Stickers in one style."),
    model("sd15", "Stable Diffusion 1.5", Medium.IMAGE, 4.2 * GB, 4, license="CreativeML-OpenRAIL-M"),
    model(
        "sd35-medium",
        "Stable Diffusion 3.5 Medium",
        Medium.IMAGE,
        15.8 * GB,
        10,
        license="Stability-Community",
        gated=True,
        description="Pictures from a description, with lettering that can be read.",
    ),
    model("sdxl", "Stable Diffusion XL", Medium.IMAGE, 6.9 * GB, 8, license="CreativeML-OpenRAIL++-M", **INSTALLED),
    model(
        "kokoro-82m",
        "Kokoro 82M",
        Medium.SPEECH,
        92 * MB,
        0.3,
        **STARTER,
        languages=("zh", "ja", "en"),
        description="Reads Chinese, Japanese and English, also mixed.",
        voices=(Voice("jm_kumo", "Kumo", ("en", "zh", "ja"), "male", "Deep, calm"),),
    ),
    model(
        "smollm2-135m-instruct",
        "SmolLM2 135M",
        Medium.TEXT,
        97 * MB,
        0.25,
        **STARTER,
        languages=("en",),
        context=8192,
        description="Small and quick: short stories, dialogue, drafts and ideas in English.",
    ),
    model("chorale", "Atelier Chorale", Medium.MUSIC, 24 * MB, 0.1, **STARTER),
    model("animatediff", "AnimateDiff", Medium.ANIMATION, 1.8 * GB, 8),
    model("qwen3-4b", "Qwen3 4B", Medium.TEXT, 2.5 * GB, 4.1, languages=("zh", "en", "ja", "fr"), context=32768),
    model("hibari-heart", "Hibari", Medium.SPEECH, 14 * MB, 0.06, **STARTER, languages=("en",)),
    model("smollm3-3b", "SmolLM3 3B", Medium.TEXT, 1.9 * GB, 3.1, languages=("en", "fr", "de", "es"), context=65536),
    model(
        "llama32-3b",
        "Llama 3.2 3B",
        Medium.TEXT,
        6.4 * GB,
        7.2,
        license="Llama-3.2",
        gated=True,
        languages=("en", "de"),
    ),
    model("gemma3-4b", "Gemma 3 4B", Medium.TEXT, 8.6 * GB, 9.4, license="Gemma", gated=True, languages=("en", "zh")),
    model("phi4-mini", "Phi-4-mini", Medium.TEXT, 2.5 * GB, 4.0, license="MIT", languages=("en",), context=131072),
    model("mms-deu", "MMS German", Medium.SPEECH, 145 * MB, 0.4, license="CC-BY-NC-4.0", languages=("de",)),
    model("mms-fra", "MMS French", Medium.SPEECH, 145 * MB, 0.4, license="CC-BY-NC-4.0", languages=("fr",)),
    model("speecht5", "SpeechT5", Medium.SPEECH, 640 * MB, 0.9, license="MIT", languages=("en",)),
    model("qwen3-32b", "Qwen3 32B", Medium.TEXT, 19.8 * GB, 22, languages=("zh", "en")),
    model("mistral-7b", "Mistral 7B", Medium.TEXT, 4.4 * GB, 5.6, languages=("en", "fr"), **INSTALLED),
)
HUB = (
    model("example/lantern-7b", "lantern-7b", Medium.TEXT, 4.1 * GB, 5.2, license="MIT", languages=("en",)),
    model("example/lantern-1b", "lantern-1b", Medium.TEXT, 0.8 * GB, 1.2, languages=("en", "zh")),
    model("example/paper-lantern", "paper-lantern", Medium.IMAGE, 2.1 * GB, 4, license=""),
)
