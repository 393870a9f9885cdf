"""What is added to a model for a job: LoRAs, ControlNets and IP-Adapters, each made for one architecture."""

from __future__ import annotations

import contextlib
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.core.jobs import Request
from studio.core.protocols import Context, ModelFiles
from studio.families.diffusion import headers, inputs, ladder, loading

# The architectures by the names under which their files are told apart, and their own names.
NAMES = {
    "stable-diffusion-1": "Stable Diffusion 1",
    "stable-diffusion-2": "Stable Diffusion 2",
    "stable-diffusion-xl": "Stable Diffusion XL",
    "stable-diffusion-xl-refiner": "Stable Diffusion XL Refiner",
    "stable-diffusion-3": "Stable Diffusion 3",
    "flux-1": "FLUX.1",
    "flux-2": "FLUX.2",
    "qwen-image": "Qwen-Image",
    "z-image": "Z-Image",
}
# How wide the text is that each UNet looks at.
BY_WIDTH = {768: "stable-diffusion-1", 1024: "stable-diffusion-2", 2048: "stable-diffusion-xl"}
_KEPT = 2  # ControlNets that stay loaded


@dataclass
class Additions:
    """What is added to one painter now. LoRAs and ControlNets stay until other ones are asked for."""

    painter: Any
    _loras: tuple[tuple[str, str], ...] = ()
    _controls: OrderedDict[tuple[str, str], Any] = field(default_factory=OrderedDict)

    def loras(self, rows: Sequence[Mapping[str, Any]], ctx: Context) -> tuple[Any, ...]:
        """Make these LoRAs, and no others, act on the model. Gives what tells this state from any other."""
        if not rows and not self._loras:
            return ()
        found = [(ctx.files(row["model"]), row.get("weight", 1.0)) for row in rows]
        for files, _weight in found:
            self._check(files, str(files.config.get("lora") or ""), "loras")
        wanted = tuple((files.id, files.revision) for files, _weight in found)
        pipeline = self.painter.base
        if not hasattr(pipeline, "load_lora_weights") and found:
            raise not_possible(found[0][0], "loras")
        if wanted != self._loras:
            self.painter.placement.clear()  # hooks would keep hold of what is replaced
            pipeline.unload_lora_weights()
            self._loras = ()
            for index, (files, _weight) in enumerate(found):
                self._load_lora(pipeline, files, f"addition{index}")
            self._loras = wanted
        if found:
            pipeline.set_adapters([f"addition{index}" for index in range(len(found))], [each[1] for each in found])
        return tuple((files.id, weight) for files, weight in found)

    def controls(self, rows: Sequence[Mapping[str, Any]], ctx: Context) -> list[Any]:
        """The ControlNets of these rows, loaded."""
        import torch
        from diffusers.models.controlnets.controlnet import ControlNetModel as kind

        made = []
        for row in rows:
            files = ctx.files(row["model"])
            key = (files.id, files.revision)
            if key not in self._controls:
                self._check(files, control_base(files.config), "controls")
                with _readable(files, "controls"):
                    self._controls[key] = kind.from_pretrained(
                        loading.folder(files),
                        dtype=getattr(torch, self.painter.precision),
                        use_safetensors=True,
                        local_files_only=True,
                        variant=headers.variant([f"control/{name}" for name in files.paths]),
                    )
            self._controls.move_to_end(key)
            made.append(self._controls[key])
        while len(self._controls) > max(_KEPT, len(rows)):
            self._controls.popitem(last=False)
        return made

    @contextlib.contextmanager
    def references(
        self, rows: Sequence[Mapping[str, Any]], request: Request, ctx: Context, guided: bool
    ) -> Iterator[dict[str, Any]]:
        """Inside the block IP-Adapters act on the model; gives the pipelines' arguments. One encoder looks at all the
        pictures and then leaves the device."""
        if not rows:
            yield {}
            return
        found = [ctx.files(row["model"]) for row in rows]
        pipeline = self.painter.base
        if not hasattr(pipeline, "load_ip_adapter"):
            raise not_possible(found[0], "references")
        pictures = [inputs.picture(request, ctx, f"reference{index}") for index in range(len(rows))]
        weights = [adapter_file(files) for files in found]
        for files, path in zip(found, weights, strict=True):
            self._check(files, adapter_base(path), "references")
        self.painter.placement.clear()
        try:
            with _readable(found[0], "references"):
                pipeline.register_modules(image_encoder=self._image_encoder(found))
                pipeline.load_ip_adapter(
                    [str(path.parent) for path in weights],
                    subfolder=[""] * len(weights),
                    weight_name=[path.name for path in weights],
                    image_encoder_folder=None,
                    local_files_only=True,
                )
                pipeline.set_ip_adapter_scale([row.get("weight", 0.6) for row in rows])
                embeds = self._look(pipeline, pictures, guided)
            pipeline.register_modules(image_encoder=None)
            yield {"ip_adapter_image_embeds": embeds}
        finally:
            self.painter.placement.clear()
            pipeline.unload_ip_adapter()

    def _look(self, pipeline: Any, pictures: Sequence[Any], guided: bool) -> Any:
        import torch

        device = ladder.target(self.painter.device)
        pipeline.image_encoder.to(device)
        with torch.no_grad():
            return pipeline.prepare_ip_adapter_image_embeds(list(pictures), None, device, 1, guided)

    def _image_encoder(self, found: Sequence[ModelFiles]) -> Any:
        import torch
        from transformers import CLIPVisionModelWithProjection

        for files in found:
            config = next(
                (path for name, path in files.paths.items() if name.endswith("image_encoder/config.json")), None
            )
            if config is not None:
                return CLIPVisionModelWithProjection.from_pretrained(
                    config.parent,
                    dtype=getattr(torch, self.painter.precision),
                    use_safetensors=True,
                    local_files_only=True,
                )
        raise FileNotFoundError("image_encoder/config.json")

    def _load_lora(self, pipeline: Any, files: ModelFiles, name: str) -> None:
        path = files.only(".safetensors")
        try:
            with _readable(files, "loras"), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that there are several is meant
                pipeline.load_lora_weights(
                    str(path.parent), weight_name=path.name, adapter_name=name, local_files_only=True
                )
                if not any(name in names for names in pipeline.get_list_adapters().values()):
                    raise ValueError("nothing in the file belongs to this model")
        except BaseException:
            pipeline.unload_lora_weights()
            raise

    def _check(self, files: ModelFiles, its: str, parameter: str) -> None:
        own = self.painter.architecture
        if its and its != own:
            base = NAMES.get(own, "") or self.painter.files.title
            arguments = {"parameter": parameter, "name": files.title or files.id, "its": NAMES.get(its, its)}
            raise InvalidInput("addition-not-suitable", {**arguments, "base": base})


def control_base(config: Mapping[str, Any]) -> str:
    """The architecture that a ControlNet's config.json, or what was found out of its single file, says."""
    single = str(config.get("single_file") or "")
    return single.removeprefix("controlnet-") or BY_WIDTH.get(config.get("cross_attention_dim") or 0, "")


def adapter_file(files: ModelFiles) -> Path:
    """The weights of an IP-Adapter, without those of the encoder beside them."""
    names = [name for name in files.paths if name.endswith(".safetensors") and "image_encoder" not in name]
    if len(names) != 1:
        raise unreadable(files, "references", f"{len(names)} files of weights")
    return files.paths[names[0]]


def adapter_base(path: Path) -> str:
    """The architecture of an IP-Adapter's weights, by how wide the text is that they stand beside."""
    try:
        shapes = [shape for name, (_kind, shape) in headers.tensors(path).items() if name.endswith("to_k_ip.weight")]
    except (OSError, ValueError):
        return ""
    return BY_WIDTH.get(shapes[0][-1], "") if shapes else ""


def not_possible(files: ModelFiles, parameter: str) -> InvalidInput:
    return InvalidInput("addition-not-possible", {"parameter": parameter, "name": files.title or files.id})


def unreadable(files: ModelFiles, parameter: str, details: str) -> InvalidInput:
    return InvalidInput("addition-unreadable", {"parameter": parameter, "name": files.title or files.id}, details)


@contextlib.contextmanager
def _readable(files: ModelFiles, parameter: str) -> Iterator[None]:
    """A library's many ways of not taking a file, in words."""
    try:
        yield
    except (AtelierError, Cancelled):
        raise
    except Exception as error:
        if ladder.is_out_of_memory(error):
            raise
        raise unreadable(files, parameter, repr(error)) from error
