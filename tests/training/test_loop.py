"""The loop that every stage runs in: repeatable, killed and taken up again, stopped, faulty."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core.errors import AtelierError, Cancelled
from studio.training import loop, tensors
from studio.training.loop import Hands
from studio.training.recipe import Schedule
from tests.training.toy import SCHEDULE, Doubling, run

IDLE = Hands(lambda _event: None, lambda: None)


def _stop_after(steps: int) -> Hands:
    left = iter(range(steps))

    def check() -> None:
        if next(left, None) is None:
            raise Cancelled

    return Hands(lambda _event: None, check)


def _weights(learner: Doubling) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in learner.nets.state_dict().items()}


def _same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_seed_gives_the_same_weights_and_the_loss_falls(tmp_path: Path) -> None:
    told: list[Mapping[str, Any]] = []
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    first = run(folders[0], Hands(told.append, lambda: None))
    second = run(folders[1], IDLE)
    assert _same(_weights(first), _weights(second))
    numbers = (torch.linspace(-2, 2, 9)[:, None],)
    assert first.loss(numbers)[0] < 0.1 * Doubling().loss(numbers)[0]
    progress = [event for event in told if event["event"] == "progress"][-1]
    assert progress["step"] == progress["steps"] == 60 and progress["samples_per_second"] > 0


def test_a_stopped_run_goes_on_bit_by_bit(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    unbroken = run(whole, IDLE)
    with pytest.raises(Cancelled):
        run(broken, _stop_after(0))
    assert not list(broken.iterdir())
    for _again in range(2):
        with pytest.raises(Cancelled):
            run(broken, _stop_after(20))
    assert _same(_weights(run(broken, IDLE)), _weights(unbroken))
    assert _same(load_file(broken / "doubling.safetensors"), load_file(whole / "doubling.safetensors"))


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.training.toy", str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    with process, process.stdout:
        for line in process.stdout:
            if line == "saved 25\n":
                process.kill()
                break
    state = load_file(tmp_path / "doubling.safetensors")
    steps = int(state["step.net.0.weight"])
    assert steps >= 25
    whole = tmp_path / "whole"
    whole.mkdir()
    longer = Schedule(**{**SCHEDULE.__dict__, "steps": steps + 5, "decay": 1e-9})
    assert _same(_weights(run(tmp_path, IDLE, None, longer)), _weights(run(whole, IDLE, None, longer)))


def test_numbers_out_of_bounds_are_said_and_the_good_weights_kept(tmp_path: Path) -> None:
    with pytest.raises(AtelierError) as caught:
        run(tmp_path, IDLE, Doubling(fault_at=31))
    assert caught.value.code == "training-diverged" and caught.value.arguments == {"stage": "doubling", "step": 30}
    state = load_file(tmp_path / "doubling.safetensors")
    assert all(value.isfinite().all() for value in state.values())
    run(tmp_path, IDLE)


def test_a_checkpoint_of_another_net_is_refused(tmp_path: Path) -> None:
    save_file({"weight.net.0.weight": torch.zeros(3, 3)}, tmp_path / "doubling.safetensors", {"step": "4"})
    with pytest.raises(AtelierError) as caught:
        run(tmp_path, IDLE)
    assert caught.value.code == "training-not-resumable"


def test_a_full_disk_is_said_and_the_old_checkpoint_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Cancelled):
        run(tmp_path, _stop_after(10))
    before = (tmp_path / "doubling.safetensors").read_bytes()

    def full(_tensors: object, path: Path, _metadata: object) -> None:
        path.write_bytes(b"half")
        raise tensors.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(tensors, "save_file", full)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(AtelierError) as caught:
        run(tmp_path, IDLE)
    assert caught.value.code == "disk-full" and errno.ENOSPC == 28
    assert (tmp_path / "doubling.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["doubling.safetensors"]
