"""Pictures and their descriptions: found, named by colour, painted, captioned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.core.errors import AtelierError, InvalidInput
from studio.training import captions, colours, examples, pictures
from tests.training import tiny


def _flat(colour: str) -> np.ndarray:
    image = Image.new("RGB", (32, 32), "white")
    image.paste(Image.new("RGB", (20, 20), colour), (6, 6))
    return np.asarray(image)


@pytest.mark.parametrize(
    ("paint", "name"),
    [("red", "red"), ("#ffd000", "yellow"), ("#ff8000", "orange"), ("#20a040", "green"), ("#2060f0", "blue"),
     ("#8030d0", "purple"), ("#ff80b0", "pink"), ("#804020", "brown")],
)  # fmt: skip
def test_the_colour_that_dominates_is_named(paint: str, name: str) -> None:
    found = colours.dominant(_flat(paint))
    assert found and found.name == name and found.share > 0.9


def test_gray_has_no_colour() -> None:
    assert colours.dominant(_flat("#808080")) is None and colours.dominant(_flat("white")) is None


@pytest.mark.parametrize("colour", ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"])
def test_what_is_painted_in_a_colour_is_seen_in_it(colour: str) -> None:
    picture = _flat("#20a040")
    found = colours.dominant(picture)
    assert found
    painted = colours.paint(picture, found.hue, colour)
    again = colours.dominant(painted)
    assert again and again.name == colour
    assert (painted[0] == 255).all()


def test_black_gray_and_white_have_no_hue_left() -> None:
    picture = _flat("#2060f0")
    means = [colours.paint(picture, 222.0, name)[16, 16].astype(int) for name in ("black", "gray", "white")]
    assert all(np.ptp(mean) < 20 for mean in means)
    assert means[0].mean() < 90 < means[1].mean() < 200 < means[2].mean()


def test_pictures_are_read_once_and_always_alike(tmp_path: Path) -> None:
    data = tiny.write_pictures(tmp_path)
    (data / "broken.png").write_bytes(b"no picture")
    kept = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        found = pictures.prepare(data, folder, 32, lambda: None)
        assert [concept.label for concept in found.concepts] == list(tiny.THINGS)
        assert found.array.shape == (8, 32, 32, 3) and (found.array[:, 0, 0] == 255).all()
        kept.append([(folder / file).read_bytes() for file in ("pictures.npy", "concepts.json")])
    assert kept[0] == kept[1]
    (data / "0.png").unlink()
    assert len(pictures.prepare(data, tmp_path / "one", 32, lambda: None).concepts) == 8


def test_an_emoji_list_names_pictures_by_their_code_points_and_leaves_flags_out(tmp_path: Path) -> None:
    data = tiny.write_pictures(tmp_path)
    tiny.write_list(data)
    found = pictures.prepare(data, tmp_path, 32, lambda: None)
    assert [concept.label for concept in found.concepts] == [name for name in tiny.THINGS if name != "drum"]
    assert found.concepts[0].tags == ("thing", "toy", "apple") and found.concepts[0].colour == "red"


def test_bad_folders_are_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        pictures.prepare(tmp_path / "nowhere", tmp_path, 32, lambda: None)
    assert caught.value.code == "folder-missing"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput) as caught:
        pictures.prepare(tmp_path / "empty", tmp_path, 32, lambda: None)
    assert caught.value.code == "training-no-pictures"
    (tmp_path / "empty" / "data.json").write_text("{", encoding="utf-8")
    with pytest.raises(AtelierError) as failed:
        pictures.prepare(tmp_path / "empty", tmp_path, 32, lambda: None)
    assert failed.value.code == "file-unreadable"


def test_captions_use_label_tags_and_colour() -> None:
    tags = ["fruit", "ripe", "food", "red"]
    written = captions.captions("red apple", tags, ["ripe"], "red", "seed")
    assert written.count("red apple") == 2 and "a red apple" in written and "a ripe" in written
    assert any(text.startswith("red apple, ") for text in written)
    assert written == captions.captions("red apple", tags, ["ripe"], "red", "seed")
    assert "an orange boat" in captions.captions("boat", [], [], "orange", "seed")
    ways = {captions.colour_captions("red apple", ["pome"], "blue", str(seed))[0] for seed in range(30)}
    assert ways == {"blue apple", "a blue apple", "a blue pome"}
    assert captions.noun("red") == "red"


def test_a_tag_that_many_share_does_not_stand_alone() -> None:
    assert captions.telling_tags([["car", "toy"], *[["toy"]] * 6, ["!"]]) == [["car"], *[[]] * 7]


def test_held_out_pairs_are_never_shown(tmp_path: Path) -> None:
    found = pictures.prepare(tiny.write_pictures(tmp_path), tmp_path, 32, lambda: None)
    described = examples.describe(found.concepts, 0.3, True, 0)
    assert described.plain == 8 and described.words[0] == ""
    shown = {(each.colour, found.concepts[each.concept].label) for each in described.examples[8:]}
    assert shown and described.held_out and not shown & set(described.held_out)
    assert not {f"a {colour} {name}" for colour, name in described.held_out} & set(described.words)
    own = {(concept.colour, concept.label) for concept in found.concepts}
    assert len(shown) + len(described.held_out) == 8 * len(colours.COLOURS) - len(own)
    assert len(examples.describe(found.concepts, 0.3, False, 0).examples) == 8
