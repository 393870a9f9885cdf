"""Schedulers by their names in diffusers: those that suit the UNet models, and making one for a job."""

from __future__ import annotations

import inspect
from typing import Any

from studio.core.errors import InvalidInput

UNET = (
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "UniPCMultistepScheduler",
    "DEISMultistepScheduler",
    "DDIMScheduler",
    "DDPMScheduler",
    "HeunDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "LCMScheduler",
    "TCDScheduler",
)
# Those that can be begun in the middle of a flow, as pictures from pictures ask for.
FLOW = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler")
# For models of flows whose own scheduler is one of these.
FLOW_SOLVERS = ("DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "DEISMultistepScheduler")
_ZERO_SNR = "rescale_betas_zero_snr"


def make(own: Any, name: str, choices: tuple[str, ...] = UNET) -> Any:
    """A fresh scheduler: of the model's `own` kind for "", else of the class `name` with the model's settings. Raises
    `InvalidInput("scheduler-not-suitable")` for one that would not give this model's pictures."""
    if not name or name == type(own).__name__:
        return type(own).from_config(own.config)
    import diffusers

    kind = getattr(diffusers, name)
    if not suits(own, kind):
        fitting = [other for other in choices if suits(own, getattr(diffusers, other))]
        arguments = {"parameter": "scheduler", "scheduler": name, "choices": fitting}
        raise InvalidInput("scheduler-not-suitable", arguments)
    # The four-fold first steps of the first PNDM were given up by every model that uses it, and fail with few steps.
    return kind.from_config({**own.config, "skip_prk_steps": True})


def suits(own: Any, kind: type) -> bool:
    """Whether `kind` can follow the noise schedule that the model of `own` was trained on."""
    accepted = inspect.signature(kind.__init__).parameters
    if "FlowMatch" in type(own).__name__:
        return kind.__name__ in FLOW
    if kind.__name__.startswith("FlowMatch"):
        return False
    # One that ends in pure noise is drawn wrongly by a scheduler that does not know of it.
    return not own.config.get(_ZERO_SNR) or _ZERO_SNR in accepted
