"""The loop that every stage of a training runs in: steps, checkpoints, progress, a stop within a step.

All chance in a step is drawn from a generator seeded by the recipe's seed and the number of the step, so a run that was
killed and taken up again goes the way the unbroken one would have gone, bit by bit.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import safe_open
from torch import nn

from studio.core.errors import AtelierError
from studio.training.recipe import Schedule
from studio.training.tensors import write_tensors

CHECKPOINT_SECONDS = 180.0
_TELL_SECONDS = 5.0
_MOST_GRADIENT = 1.0
_log = logging.getLogger(__name__)


Batch = Sequence[torch.Tensor]


class Learner(Protocol):
    """A stage: its name, the nets it trains, what a step looks at (tensors of one length) and the mean loss of that."""

    name: str
    nets: nn.ModuleDict

    def draw(self, count: int, generator: torch.Generator) -> Batch: ...

    def loss(self, batch: Batch) -> tuple[torch.Tensor, Mapping[str, float]]: ...


@dataclass(frozen=True)
class Hands:
    """What a stage is given from outside: `tell(event)` reports progress, `check()` raises `Cancelled` when the user
    wants to stop."""

    tell: Callable[[Mapping[str, Any]], None]
    check: Callable[[], None]


class Run:
    """One stage being trained in `folder`. `average` is the averaged copy of the weights, by name."""

    def __init__(self, learner: Learner, schedule: Schedule, seed: int, folder: Path, lanes: int, hands: Hands) -> None:
        self._learner, self._schedule, self._seed, self._hands = learner, schedule, seed, hands
        self._lanes = ThreadPoolExecutor(lanes, "lane", torch.set_num_threads, (1,)) if lanes > 1 else None
        self._lane_count = lanes
        self._file = folder / f"{learner.name}.safetensors"
        self._weights = dict(learner.nets.named_parameters())
        self._optimiser = torch.optim.AdamW(
            self._weights.values(), lr=0.0, betas=(0.9, 0.99), weight_decay=schedule.weight_decay, fused=True
        )
        self.average = {name: weight.detach().clone() for name, weight in self._weights.items() if schedule.ema}
        self.step = 0

    def finish(self) -> None:
        """Train from the last checkpoint to the end; the averaged weights, if any, are then the nets' own."""
        self._hands.tell({"event": "stage", "stage": self._learner.name})
        self._resume()
        self._learner.nets.train()
        begun = self.step
        try:
            self._steps()
        finally:
            if self.step > begun:
                self._save()
            if self._lanes:
                self._lanes.shutdown()
        with torch.no_grad():
            for name, value in self.average.items():
                self._weights[name].copy_(value)
        self._learner.nets.eval()

    def _steps(self) -> None:
        saved = told = time.monotonic()
        told_step = self.step
        losses: dict[str, float] = {}
        while self.step < self._schedule.steps:
            self._hands.check()
            loss, parts = self._one_step()
            for name, value in {"loss": loss, **parts}.items():
                losses[name] = value if name not in losses else 0.98 * losses[name] + 0.02 * value
            self.step += 1
            now = time.monotonic()
            if now - told > _TELL_SECONDS or self.step == self._schedule.steps:
                self._tell(losses, (self.step - told_step) / (now - told))
                told, told_step = now, self.step
            if now - saved > CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()

    def _one_step(self) -> tuple[float, Mapping[str, float]]:
        generator = torch.Generator().manual_seed((self._seed << 32) + self.step)
        for group in self._optimiser.param_groups:
            group["lr"] = self._schedule.rate(self.step)
        value, parts = self._gradients(self._learner.draw(self._schedule.batch, generator))
        if not math.isfinite(value):
            raise AtelierError("training-diverged", {"stage": self._learner.name, "step": self.step})
        nn.utils.clip_grad_norm_(self._weights.values(), _MOST_GRADIENT)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        if self.average:
            # Early on the average follows quickly, so that it is not held back by where the weights began.
            keep = min(self._schedule.ema, (1 + self.step) / (10 + self.step))
            with torch.no_grad():
                for name, average in self.average.items():
                    average.lerp_(self._weights[name], 1.0 - keep)
        return value, parts

    def _gradients(self, batch: Batch) -> tuple[float, Mapping[str, float]]:
        """Set the weights' gradients for `batch`. Each lane, a thread of one processor, works on its share of it, which
        is several times faster than all processors on every single product; the shares are added in their order."""
        if self._lanes is None:
            shares = [self._share(batch)]
        else:
            split = zip(*(tensor.chunk(self._lane_count) for tensor in batch), strict=True)
            shares = list(self._lanes.map(self._share, split))
        count = len(shares)
        for weight, first, *others in zip(self._weights.values(), *(share[2] for share in shares), strict=True):
            for other in others:
                first.add_(other)
            weight.grad = _laid_out(first.div_(count), weight)
        mean = {name: sum(parts[name] for _value, parts, _ in shares) / count for name in shares[0][1]}
        return sum(value for value, _parts, _ in shares) / count, mean

    def _share(self, batch: Batch) -> tuple[float, Mapping[str, float], Sequence[torch.Tensor]]:
        loss, parts = self._learner.loss(batch)
        gradients = torch.autograd.grad(loss, list(self._weights.values()))
        return loss.item(), parts, gradients

    def _tell(self, losses: Mapping[str, float], pace: float) -> None:
        left = (self._schedule.steps - self.step) / pace if pace else -1.0
        self._hands.tell(
            {
                "event": "progress",
                "stage": self._learner.name,
                "step": self.step,
                "steps": self._schedule.steps,
                "samples_per_second": round(pace * self._schedule.batch, 2),
                "seconds_left": round(left),
                **{name: round(value, 5) for name, value in losses.items()},
            }
        )

    def _save(self) -> None:
        tensors: dict[str, torch.Tensor] = {}
        for name, weight in self._weights.items():
            tensors[f"weight.{name}"] = weight.detach()
            if self.average:
                tensors[f"average.{name}"] = self.average[name]
            state = self._optimiser.state.get(weight, {})
            tensors |= {f"{key}.{name}": value for key, value in state.items()}
        write_tensors(self._file, tensors, {"step": str(self.step)})
        self._hands.tell({"event": "saved", "stage": self._learner.name, "step": self.step})

    def _resume(self) -> None:
        if not self._file.is_file():
            return
        try:
            with safe_open(self._file, "pt") as stored, torch.no_grad():
                for name, weight in self._weights.items():
                    weight.copy_(stored.get_tensor(f"weight.{name}"))
                    if self.average:
                        self.average[name].copy_(stored.get_tensor(f"average.{name}"))
                    self._optimiser.state[weight] = {
                        "step": stored.get_tensor(f"step.{name}"),
                        "exp_avg": _laid_out(stored.get_tensor(f"exp_avg.{name}"), weight),
                        "exp_avg_sq": _laid_out(stored.get_tensor(f"exp_avg_sq.{name}"), weight),
                    }
                self.step = int(stored.metadata()["step"])
        except Exception as error:  # whatever the reader raises for a file that another recipe or a bad disk wrote
            raise AtelierError("training-not-resumable", {"path": str(self._file)}, details=repr(error)) from error
        _log.info("%s goes on at step %d", self._learner.name, self.step)
        self._hands.tell({"event": "resumed", "stage": self._learner.name, "step": self.step})


def _laid_out(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`values` in the memory layout of `weight`: the fused optimiser pairs numbers by their place in memory."""
    if values.stride() == weight.stride() and values.device == weight.device:
        return values
    return torch.empty_like(weight).copy_(values)
