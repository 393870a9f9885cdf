"""A whole training, from a folder of pictures to a model that can be used: every stage, each resumable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from studio.core import paths
from studio.core.errors import AtelierError, InvalidInput, from_os_error
from studio.training import assemble, autoencoder, denoiser, device, examples, pictures, text
from studio.training.autoencoder import AutoencoderLearner
from studio.training.denoiser import DenoiserLearner
from studio.training.loop import Hands, Run
from studio.training.recipe import Recipe


@dataclass(frozen=True)
class Order:
    """What is to be trained. `output` is the folder of the finished model; what is needed to go on lies beside it, in
    `work`. `device` is "" for the best there is."""

    recipe: Recipe
    data: Path
    output: Path
    text_encoder: Path
    device: str = ""
    resume: bool = False

    @property
    def work(self) -> Path:
        return self.output.with_name(f"{self.output.name}.training")


def train(order: Order, hands: Hands) -> Path:
    """Train, and return the folder of the finished model. Raises `AtelierError` in words, or `Cancelled` when
    `hands.check()` does; what was learned is then kept for a run with `resume`."""
    recipe, work = order.recipe, _work_folder(order)
    place = device.find(order.device)
    encoder, tokenizer = text.load_text_encoder(order.text_encoder, recipe.tokens)
    hands.tell({"event": "stage", "stage": "pictures", "device": str(place.device), "bfloat16": place.bfloat16})
    known = pictures.prepare(order.data, work, recipe.size, hands.check)
    shown = torch.from_numpy(known.array)

    torch.manual_seed(recipe.seed)
    part = recipe.autoencoder
    net = autoencoder.build(part.shape)
    learner = AutoencoderLearner(net, shown, part.crop, part.noise, place)
    Run(learner, part.schedule, recipe.seed, work, place.lanes, hands).finish()

    described = examples.describe(known.concepts, recipe.hold_out, recipe.colours, recipe.seed)
    hands.tell({"event": "stage", "stage": "words", "captions": len(described.words)})
    encoder.to(place.device)  # type: ignore[arg-type]
    words = text.embed(described.words, encoder, tokenizer, work, hands.check)
    hands.tell({"event": "stage", "stage": "latents", "examples": len(described.examples)})
    latents = examples.make_latents(described, known, net, place, work, hands.check)

    torch.manual_seed(recipe.seed + 1)
    unet = denoiser.build(recipe.denoiser.shape, latents.shape[1], latents.shape[2], words.shape[2])
    teacher = DenoiserLearner(unet, described, latents, words, recipe, place)
    run = Run(teacher, recipe.denoiser.schedule, recipe.seed + 1, work, place.lanes, hands)
    run.finish()

    last = recipe.decoder
    polish = AutoencoderLearner(net, shown, last.crop, last.noise, place, only_decoder=True)
    Run(polish, last.schedule, recipe.seed + 2, work, place.lanes, hands).finish()

    hands.tell({"event": "stage", "stage": "writing"})
    measured: dict[str, Any] = {
        "concepts": len(known.concepts),
        "examples": len(described.examples),
        "held_out": [f"{colour} {name}" for colour, name in described.held_out],
        "reconstruction_psnr": round(autoencoder.reconstruction(net, shown, place, hands.check), 2),
        "denoiser_epochs": round(run.step * recipe.denoiser.schedule.batch / len(known.concepts), 1),
        "denoiser_parameters": sum(weight.numel() for weight in unet.parameters()),
    }
    made = assemble.pipeline(net.cpu(), unet.cpu(), encoder.cpu(), tokenizer)  # type: ignore[arg-type]
    assemble.write_repository(made, recipe, measured, order.output)
    return order.output


def output_folder(name: str) -> Path:
    """Where the model called `name` goes: among the imported models, or at `name` itself if it is a path."""
    if not name.strip(" ./\\"):
        raise InvalidInput("name-empty", {"parameter": "output"})
    if "/" in name or "\\" in name:
        return Path(name).expanduser().absolute()
    return paths.models_dir() / "imported" / name


def _work_folder(order: Order) -> Path:
    begun = order.work.is_dir() and any(order.work.iterdir())
    if order.output.exists() and not order.resume:
        raise InvalidInput("training-name-taken", {"path": str(order.output), "parameter": "output"})
    if begun and not order.resume:
        raise InvalidInput("training-begun", {"path": str(order.work), "parameter": "output"})
    if order.resume and not begun:
        raise InvalidInput("training-not-begun", {"path": str(order.work), "parameter": "output"})
    try:
        return paths.ensure(order.work)
    except OSError as error:
        raise from_os_error(error, order.work) from error


def find_text_encoder(recipe: Recipe, given: str) -> Path:
    """The folder of the recipe's text encoder. Raises `AtelierError` where it is not on this computer."""
    folder = Path(given).expanduser() if given else paths.models_dir() / "starter" / recipe.text_encoder
    if not (folder / "config.json").is_file():
        raise AtelierError("training-no-text-encoder", {"path": str(folder)})
    return folder
