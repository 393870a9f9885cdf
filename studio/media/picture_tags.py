"""Settings in the manner of other studios: A1111's "parameters" text, written and read; ComfyUI's graphs, read.

What is read becomes a recipe of our own as far as it can: a model is only ever a name, no path is opened.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from studio.core.errors import InvalidInput
from studio.core.jobs import Medium, Task
from studio.core.params import SEED_MAX, clean_text
from studio.core.recipe import Recipe

# Names of samplers: A1111's and ComfyUI's, then the class of diffusers
_SAMPLERS = (
    ("Euler a", "euler_ancestral", "EulerAncestralDiscreteScheduler"),
    ("Euler", "euler", "EulerDiscreteScheduler"),
    ("LMS", "lms", "LMSDiscreteScheduler"),
    ("Heun", "heun", "HeunDiscreteScheduler"),
    ("DPM2", "dpm_2", "KDPM2DiscreteScheduler"),
    ("DPM2 a", "dpm_2_ancestral", "KDPM2AncestralDiscreteScheduler"),
    ("DPM++ 2S a", "dpmpp_2s_ancestral", "DPMSolverSinglestepScheduler"),
    ("DPM++ 2M", "dpmpp_2m", "DPMSolverMultistepScheduler"),
    ("DPM++ SDE", "dpmpp_sde", "DPMSolverSDEScheduler"),
    ("DDIM", "ddim", "DDIMScheduler"),
    ("DDPM", "ddpm", "DDPMScheduler"),
    ("PLMS", "ipndm", "PNDMScheduler"),
    ("UniPC", "uni_pc", "UniPCMultistepScheduler"),
    ("LCM", "lcm", "LCMScheduler"),
)
_SCHEDULES = ("karras", "exponential", "polyexponential", "automatic", "uniform")
_PAIR = re.compile(r'([A-Za-z][A-Za-z0-9 _-]{0,60}):[ ]?("(?:[^"\\]|\\.)*"|[^,]*)(?:,[ ]?|$)')
_LORA = re.compile(r"<lora:([^:<>]{1,200})(?::(-?[0-9.]{1,10}))?[^<>]{0,60}>")
_SETTINGS = 20_000  # characters of the line of settings
_NODES = 5_000
_TEXT = 200_000
# What ComfyUI's own editor keeps of a node: values in this order
_WIDGETS: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
}


def parameters(recipe: Recipe) -> str:
    """The text that other studios show and restore; "" for a picture that was not made from words."""
    params = recipe.params
    prompt = str(params.get("prompt", ""))
    if not prompt:
        return ""
    for row in params.get("loras") or []:
        prompt += f" <lora:{PurePosixPath(str(row.get('model', ''))).stem}:{row.get('weight', 1.0):g}>"
    lines = [prompt]
    if params.get("negative_prompt"):
        lines.append(f"Negative prompt: {params['negative_prompt']}")
    sampler = next((theirs for theirs, _name, ours in _SAMPLERS if ours == params.get("scheduler")), "")
    size = f"{params['width']}x{params['height']}" if params.get("width") and params.get("height") else ""
    strength = params.get("strength", "") if recipe.task in (Task.IMAGE_TO_IMAGE, Task.INPAINT) else ""
    skipped = params.get("clip_skip") or 0
    settings = {
        "Steps": params.get("num_inference_steps", ""),
        "Sampler": sampler,
        "CFG scale": params.get("guidance_scale", ""),
        "Seed": params.get("seed", ""),
        "Size": size,
        "Model": json.dumps(recipe.model, ensure_ascii=False) if set(recipe.model) & set(',:"') else recipe.model,
        "Denoising strength": strength,
        "Clip skip": skipped + 1 if skipped else "",
        "Version": f"Atelier {recipe.app}".strip(),
    }
    lines.append(", ".join(f"{name}: {value}" for name, value in settings.items() if value not in ("", None)))
    return "\n".join(lines)


def from_foreign(texts: Mapping[str, str]) -> Recipe:
    """The recipe in texts that another studio wrote, by the name it gave them. `family` is "": whoever restores it
    chooses one; `extra` has "source". Raises `ValueError` where there is none."""
    for name in ("parameters", "prompt", "workflow"):
        if texts.get(name, "").strip():
            found = _from_parameters(texts[name]) if name == "parameters" else _from_graph(_graph(texts[name]))
            if found.params:
                return found.recipe()
    raise ValueError("no settings that are known")


class _Found:
    """Settings as they are found; what is out of range or of another kind is left out."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.model = ""
        self.task = Task.TEXT_TO_IMAGE
        self.params: dict[str, Any] = {}

    def text(self, name: str, value: Any) -> None:
        if isinstance(value, str) and value.strip():
            try:
                self.params[name] = clean_text(value[:_TEXT]).strip()
            except InvalidInput:
                kept = "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in value[:_TEXT])
                self.params[name] = kept.strip()

    def number(self, name: str, value: Any, low: float, high: float, whole: bool = True) -> None:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return
        if math.isfinite(number) and low <= number <= high:
            self.params[name] = int(number) if whole else number

    def sampler(self, name: Any) -> None:
        words = str(name).strip().casefold()
        for schedule in _SCHEDULES:
            words = words.removesuffix(f" {schedule}")
        for theirs, node, ours in _SAMPLERS:
            if words in (theirs.casefold(), node):
                self.params["scheduler"] = ours

    def lora(self, name: str, weight: Any) -> None:
        rows = self.params.setdefault("loras", [])
        try:
            number = float(weight)
        except (TypeError, ValueError):
            number = 1.0
        if len(rows) < 16 and abs(number) <= 4:
            rows.append({"model": _stem(name), "weight": number})

    def common(self, values: Mapping[str, Any]) -> None:
        self.number("num_inference_steps", values.get("steps"), 1, 150)
        self.number("guidance_scale", values.get("cfg"), 0, 30, whole=False)
        self.number("seed", values.get("seed"), 0, SEED_MAX)
        self.number("width", values.get("width"), 64, 4096)
        self.number("height", values.get("height"), 64, 4096)
        self.sampler(values.get("sampler", ""))

    def recipe(self) -> Recipe:
        extra = {"source": self.source}
        return Recipe(Medium.IMAGE, "", 1, self.model, self.task, self.params, extra=extra)


def _from_parameters(text: str) -> _Found:
    found = _Found("A1111")
    body, _line, last = text[: 4 * _TEXT].strip().rpartition("\n")
    if not re.search(r"\bSteps: ?\d", last[:_SETTINGS]):
        body, last = text[: 4 * _TEXT].strip(), ""
    prompt, _mark, negative = body.partition("\nNegative prompt:")
    if prompt.startswith("Negative prompt:"):
        prompt, negative = "", prompt.removeprefix("Negative prompt:")
    for name, weight in _LORA.findall(prompt):
        found.lora(name, weight or 1.0)
    found.text("prompt", _LORA.sub("", prompt))
    found.text("negative_prompt", negative)
    settings = {name.casefold(): _unquoted(value) for name, value in _PAIR.findall(last[:_SETTINGS])}
    width, _x, height = settings.get("size", "").partition("x")
    found.common(
        {
            "steps": settings.get("steps"),
            "cfg": settings.get("cfg scale"),
            "seed": settings.get("seed"),
            "width": width,
            "height": height,
            "sampler": settings.get("sampler", ""),
        }
    )
    if "denoising strength" in settings:
        second = "hires upscale" in settings or "hires upscaler" in settings
        found.number("hires_strength" if second else "strength", settings["denoising strength"], 0.01, 1, whole=False)
        if second:
            found.params["hires"] = True
            found.number("hires_scale", settings.get("hires upscale"), 1, 4, whole=False)
        elif "strength" in found.params:
            found.task = Task.IMAGE_TO_IMAGE
    if settings.get("clip skip", "").isdecimal():
        found.number("clip_skip", int(settings["clip skip"][:3]) - 1, 1, 11)
    if settings.get("tiling", "").casefold() == "true":
        found.params["seamless"] = "both"
    found.model = _stem(settings.get("model", ""))
    return found


def _unquoted(value: str) -> str:
    value = value.strip()
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except ValueError:
            return value.strip('"')
    return value


@dataclass(frozen=True)
class _Node:
    """A node of a graph: its kind, its plain values, and the nodes that its inputs come from."""

    kind: str
    values: Mapping[str, Any]
    links: Mapping[str, str]


_Graph = Mapping[str, _Node]


def _graph(text: str) -> _Graph:
    """ComfyUI's graph from JSON: as it is run ("prompt") or as its editor keeps it ("workflow")."""
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(data, dict):
        raise ValueError("no graph")
    if isinstance(data.get("nodes"), list):
        return _edited(data)
    nodes = {}
    for name, node in list(data.items())[:_NODES]:
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if not isinstance(inputs, dict):
            continue
        links = {key: str(value[0]) for key, value in inputs.items() if isinstance(value, list) and value}
        plain = {key: value for key, value in inputs.items() if isinstance(value, str | int | float)}
        nodes[str(name)] = _Node(str(node.get("class_type", "")), plain, links)
    return nodes


def _edited(data: Mapping[str, Any]) -> _Graph:
    origins: dict[Any, str] = {}
    links = data.get("links")
    for link in links[: 10 * _NODES] if isinstance(links, list) else ():
        if isinstance(link, list) and len(link) > 1 and isinstance(link[0], int):
            origins[link[0]] = str(link[1])
    nodes = {}
    for node in data["nodes"][:_NODES]:
        if not isinstance(node, dict):
            continue
        kind, values, inputs = str(node.get("type", "")), node.get("widgets_values"), node.get("inputs")
        plain = dict(zip(_WIDGETS.get(kind, ()), values if isinstance(values, list) else (), strict=False))
        came = {}
        for entry in inputs[:100] if isinstance(inputs, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("link"), int) and entry["link"] in origins:
                came[str(entry.get("name", ""))] = origins[entry["link"]]
        nodes[str(node.get("id", ""))] = _Node(kind, plain, came)
    return nodes


def _from_graph(graph: _Graph) -> _Found:
    found = _Found("ComfyUI")
    samplers = [name for name, node in graph.items() if _samples(node)]
    if not samplers:
        return found
    # Of several, the one that others go on from made the picture; a second pass only refines it.
    begin = next((name for name in samplers if not any(_samples(n) for n in list(_upstream(graph, name))[1:])), "")
    begin = begin or samplers[0]
    above = list(_upstream(graph, begin))
    values: dict[str, Any] = {}
    for node in above:
        for key, name in (("noise_seed", "seed"), ("sampler_name", "sampler")):
            if key in node.values:
                values.setdefault(name, node.values[key])
        for key in ("seed", "steps", "cfg", "width", "height", "guidance", "denoise", "stop_at_clip_layer"):
            if key in node.values and ("width" in node.values or key not in ("width", "height")):
                values.setdefault(key, node.values[key])
        if isinstance(name := node.values.get("lora_name"), str):
            found.lora(name, node.values.get("strength_model", 1.0))
        model = node.values.get("ckpt_name") or node.values.get("unet_name")
        if isinstance(model, str) and not found.model:
            found.model = _stem(model)
    values["cfg"] = values.get("guidance", values.get("cfg"))
    found.common(values)
    layer = values.get("stop_at_clip_layer")
    found.number("clip_skip", -layer - 1 if isinstance(layer, int) else None, 1, 11)
    if any(node.kind.startswith("VAEEncode") for node in above):
        found.task = Task.IMAGE_TO_IMAGE
        found.number("strength", values.get("denoise"), 0.01, 1, whole=False)
    guides = [node for node in above if "positive" in node.links or "conditioning" in node.links]
    for role, name in (("positive", "prompt"), ("conditioning", "prompt"), ("negative", "negative_prompt")):
        start = next((node.links[role] for node in guides if role in node.links), "")
        words = next((text for node in _upstream(graph, start) if (text := _words(graph, node))), "")
        if name not in found.params:
            found.text(name, words)
    return found


def _samples(node: _Node) -> bool:
    return "Sampler" in node.kind and ("positive" in node.links or "guider" in node.links)


def _words(graph: _Graph, node: _Node) -> str:
    """What a node that encodes a text says, itself or by the node that its text comes from."""
    for key in ("text", "text_g", "t5xxl", "prompt"):
        if isinstance(words := node.values.get(key), str) and words.strip():
            return words
        source = graph.get(node.links.get(key, ""))
        words = next((value for value in source.values.values() if isinstance(value, str)), "") if source else ""
        if words.strip():
            return words
    return ""


def _upstream(graph: _Graph, start: str) -> Iterator[_Node]:
    """The node called `start` and all that it depends on, the nearest first, each once."""
    seen, waiting = {start}, [start]
    while waiting:
        node = graph.get(waiting.pop(0))
        if node is None:
            continue
        yield node
        for name in node.links.values():
            if name not in seen:
                seen.add(name)
                waiting.append(name)


def _stem(name: str) -> str:
    """The name of a file without folders and ending."""
    last = re.split(r"[/\\]", name[:300].strip())[-1]
    return re.sub(r"\.(safetensors|ckpt|pt|pth|gguf|sft)$", "", last)
