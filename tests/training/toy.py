"""A net of a few weights that learns to double a number; run as a program it trains until it is killed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from studio.training import loop
from studio.training.loop import Batch, Hands, Run
from studio.training.recipe import Schedule

SCHEDULE = Schedule(steps=60, batch=8, learning_rate=0.05, warm_up=3, decay=0.5, ema=0.9)


class Doubling:
    name = "doubling"

    def __init__(self, fault_at: int = -1) -> None:
        torch.manual_seed(1)
        self.nets = nn.ModuleDict({"net": nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))})
        self._fault_at, self._drawn = fault_at, 0

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        self._drawn += 1
        return (torch.randn(count, 1, generator=generator),)

    def loss(self, batch: Batch) -> tuple[torch.Tensor, Mapping[str, float]]:
        (numbers,) = batch
        loss = (self.nets["net"](numbers) - 2 * numbers).pow(2).mean()
        return loss / 0.0 if self._drawn == self._fault_at else loss, {"size": float(numbers.abs().mean())}


def run(folder: Path, hands: Hands, learner: Doubling | None = None, schedule: Schedule = SCHEDULE) -> Doubling:
    """Train to the end."""
    learner = learner or Doubling()
    Run(learner, schedule, 7, folder, 2, hands).finish()
    return learner


if __name__ == "__main__":
    loop.CHECKPOINT_SECONDS = 0.0
    endless = Schedule(**{**SCHEDULE.__dict__, "steps": 10**6, "decay": 1e-9})
    hands = Hands(lambda event: print(event["event"], event.get("step"), flush=True), lambda: None)
    run(Path(sys.argv[1]), hands, None, endless)
