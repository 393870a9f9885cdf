"""A pose as a control picture, with a tiny ViTPose of the real class, and with joints at known places."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio import families
from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.core.jobs import Task
from studio.core.protocols import Device, ModelFiles
from studio.families.image import pose
from tests.families.image.drawing import Easel, Loaded, load


def build(folder: Path, joints: int = 17) -> ModelFiles:
    import torch
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation

    sizes: dict[str, Any] = {"image_size": [256, 192], "patch_size": [16, 16], "out_indices": [2]}
    backbone = VitPoseBackboneConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, **sizes)
    labels: dict[str, Any] = {"num_labels": joints, "use_simple_decoder": True}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, **labels)).save_pretrained(folder)
    read = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    paths = {name: folder / name for name in ("config.json", "model.safetensors")}
    return ModelFiles("tiny/pose", "vitpose", folder, paths, read, title="Tiny")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(build(tmp_path_factory.mktemp("model") / "tiny"), threshold=0.01)


def picture(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_a_skeleton_of_the_pictures_size(loaded: Loaded, tmp_path: Path) -> None:
    person = picture(Image.radial_gradient("L").resize((120, 160)))
    mask = Image.new("L", (120, 160))
    mask.paste(255, (20, 30, 60, 150))
    pictures = []
    for number, inputs in enumerate(({"image": person}, {"image": person}, {"image": person, "mask": picture(mask)})):
        folder = tmp_path / str(number)
        folder.mkdir()
        ctx, (artifact,) = loaded.draw(folder, Task.CONTROL_IMAGE, inputs)
        assert ctx.picture().size == (120, 160) and artifact.metadata["kind"] == "pose"
        pictures.append((folder / artifact.name).read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_the_highest_place_is_found_where_it_is(loaded: Loaded, tmp_path: Path) -> None:
    from studio.media.pictures import Picture

    class Network:
        def __init__(self) -> None:
            self.config = loaded.model._network.config

        def modules(self) -> list[Any]:
            return []

        def __call__(self, pixel_values: Any) -> Any:
            import torch

            maps = torch.zeros(1, 17, 64, 48)
            grey = pixel_values[0, 1]
            y, x = divmod(int(grey.argmax()), grey.shape[1])
            maps[0, :, y // 4, x // 4] = 0.9
            return type("Made", (), {"heatmaps": maps})

    dark = Image.new("RGB", (300, 200))
    dark.paste((255, 255, 255), (220, 96, 226, 102))
    viewer = pose.Viewer(Network(), Device())
    for box in ((0, 0, 300, 200), (150, 20, 290, 180)):
        joints = viewer.joints(Picture(np.asarray(dark)), box, Easel(tmp_path))
        assert joints[0] == pytest.approx([223, 99, 0.9], abs=8)


def test_drawn_as_openpose_does() -> None:
    joints = np.array([[10.0 + 5 * index, 20.0 + 4 * index, 1.0] for index in range(17)])
    whole = np.asarray(pose.skeleton(joints, np.ones(17, bool), 128, 128))
    assert whole[20, 10].tolist() == [255, 0, 0]  # the nose, over all limbs
    assert whole[84, 90].tolist() == [0, 170, 255]  # the right ankle
    none = np.asarray(pose.skeleton(joints, np.zeros(17, bool), 128, 128))
    assert not none.any()


def test_cancel_bad_input_and_other_joints(loaded: Loaded, tmp_path: Path) -> None:
    person = picture(Image.new("RGB", (50, 50)))
    with pytest.raises(Cancelled):
        loaded.family.run(
            loaded.model, loaded.request(Task.CONTROL_IMAGE, {"image": person}), Easel(tmp_path, {"image": person}, 1)
        )
    with pytest.raises(InvalidInput):
        loaded.family.run(loaded.model, loaded.request(Task.CONTROL_IMAGE), Easel(tmp_path))
    with pytest.raises(InvalidInput) as caught:
        loaded.draw(tmp_path, Task.CONTROL_IMAGE, {"image": person, "mask": picture(Image.new("L", (9, 9), 255))})
    assert caught.value.code == "mask-size"
    with pytest.raises(AtelierError) as failed:
        pose.load(build(tmp_path / "other", joints=133), Device())
    assert failed.value.code == "model-not-readable"


def test_family(loaded: Loaded) -> None:
    assert families.recognise(loaded.files.config) == "vitpose" and not pose.recognises({})
    assert pose.wanted(["config.json", "model.safetensors", "x.bin"]) == ("config.json", "model.safetensors")
    assert pose.wanted(["config.json"]) == () and pose.upgrade({"a": 1}, 1) == {"a": 1}
    assert pose.expected(0, 0, Device()) == 0 < pose.estimate(loaded.files, Device())
