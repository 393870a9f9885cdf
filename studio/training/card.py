"""The card of a trained model: what it was made from, how, and how well it measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.training.recipe import Recipe, Schedule


def card(recipe: Recipe, measured: Mapping[str, Any]) -> str:
    """Markdown. `measured` holds what `stages.train` measured."""
    licences = sorted({source.licence for source in recipe.sources})
    head = ["---", "library_name: diffusers", "pipeline_tag: text-to-image"]
    if licences:
        head.append(f"license: {' AND '.join(licences)}")
    head.append("---")
    stages = (
        ("Autoencoder", recipe.autoencoder.schedule),
        ("Denoiser", recipe.denoiser.schedule),
        ("Decoder alone", recipe.decoder.schedule),
    )
    shape = recipe.denoiser.shape
    return "\n".join(
        [
            *head,
            f"# {recipe.title}",
            "",
            f"Draws pictures of {recipe.size} × {recipe.size} pixels on white from a few English words. "
            "An ordinary `StableDiffusionPipeline` of diffusers.",
            "",
            "## Made from",
            *(f"- {source.name}: {source.what} ({source.licence})" for source in recipe.sources),
            f"- {measured['concepts']} things, {measured['examples']} pictures with those painted in other colours.",
            "",
            "## Recipe",
            f"- Seed {recipe.seed}; captions up to {recipe.tokens} tokens; {recipe.dropout:.0%} of them left out.",
            f"- UNet of {measured['denoiser_parameters'] / 1e6:.1f} M parameters, channels {list(shape.channels)}; "
            "v-prediction with zero terminal signal-to-noise.",
            *(f"- {name}: {_words(schedule)}." for name, schedule in stages),
            "",
            "## Measured",
            f"- Pictures through the autoencoder and back: PSNR {measured['reconstruction_psnr']} dB.",
            f"- The denoiser saw the data {measured['denoiser_epochs']} times.",
            f"- {len(measured['held_out'])} pairs of colour and thing were never shown (`recipe.json` names them).",
            "",
            "## Limits",
            "It knows the things it was shown and their colours. Other words are drawn as the nearest it knows; "
            "it writes no text and composes no scenes.",
            "",
        ]
    )


def _words(schedule: Schedule) -> str:
    return f"{schedule.steps} steps of {schedule.batch} at a learning rate of {schedule.learning_rate:g}"
