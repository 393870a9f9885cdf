"""What every family that speaks must do, with a tiny model of each."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio import families
from studio.core import i18n
from studio.core.errors import AtelierError, Cancelled, InvalidInput
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.models import ModelInfo, ModelState
from studio.core.params import Number
from studio.core.protocols import Device, FamilyModule, ModelFiles
from studio.core.recipe import Recipe
from studio.engine.manifest import recipe_of
from studio.media import audio, carriers
from tests.fakes.tiny_voices import BUILDERS
from tests.families.recorder import Recorder

DEVICE = Device("cpu", 0, 2, 4 << 30)
# Random weights would end a sentence at once.
OWN: dict[str, dict[str, Any]] = {"speecht5": {"minlenratio": 4.0}}
TEXT = "The small red fox ran to the sea. It saw a boat there, and waited.\n\nThen it went home."


@dataclass
class Listener(Recorder):
    """Keeps the sound and the segments, in the order they came; `cancel_after` counts segments."""

    folder: Path
    cancel_after: int = -1
    order: list[str] = field(default_factory=list)
    sounds: list[np.ndarray[Any, Any]] = field(default_factory=list)
    segments: list[tuple[int, float, float, str]] = field(default_factory=list)
    rate: int = 0

    def __post_init__(self) -> None:
        super().__init__(self.folder)

    def check_cancel(self) -> None:
        if 0 <= self.cancel_after <= len(self.segments):
            self.cancelled = self.cancelled or time.monotonic()
            raise Cancelled

    def audio(self, samples: bytes, sample_rate: int, channels: int) -> None:
        assert channels == 1
        self.rate = sample_rate
        self.order.append("audio")
        self.sounds.append(np.frombuffer(samples, "<f4"))

    def segment(self, index: int, start: float, end: float, text: str) -> None:
        assert end * self.rate <= len(self.sound) + 0.5
        self.order.append("segment")
        self.segments.append((index, start, end, text))

    @property
    def sound(self) -> np.ndarray[Any, Any]:
        return np.concatenate([np.zeros(0, "f4"), *self.sounds])


@dataclass(frozen=True)
class Loaded:
    family: FamilyModule
    files: ModelFiles
    model: Any

    def request(self, keep: bool = True, **params: Any) -> Request:
        spec = self.family.SPEC
        values = {**({} if "script" in params else {"text": TEXT}), "seed": 11, **OWN.get(spec.id, {}), **params}
        return Request(spec.medium, spec.id, self.files.id, Task.SPEAK, values, keep=keep)

    def speak(self, folder: Path, keep: bool = True, **params: Any) -> tuple[Listener, list[Artifact]]:
        ctx = Listener(folder)
        return ctx, self.family.run(self.model, self.request(keep, **params), ctx)


@pytest.fixture(scope="module", params=list(BUILDERS))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    family = families.get(request.param)
    files = BUILDERS[request.param](tmp_path_factory.mktemp("model") / "tiny")
    return Loaded(family, files, family.load(files, DEVICE))


def test_every_family_that_speaks_has_a_builder() -> None:
    shipped = {
        name
        for name, family in families.all().items()
        if Task.SPEAK in family.SPEC.tasks and str(getattr(family, "__name__", "")).startswith("studio")
    }
    assert set(BUILDERS) == shipped


def test_its_own_files_are_recognised(loaded: Loaded) -> None:
    assert families.recognise(loaded.files.config) == loaded.family.SPEC.id
    assert not loaded.family.recognises({})


def test_the_file_is_what_was_streamed_at_its_loudness(loaded: Loaded, tmp_path: Path) -> None:
    ctx, (artifact,) = loaded.speak(tmp_path)
    sound = audio.read(tmp_path / artifact.name)
    assert artifact.blob.media_type == "audio/flac"
    assert (sound.sample_rate, sound.channels) == (loaded.model.sample_rate, 1) == (ctx.rate, 1)
    assert len(sound.samples) == len(ctx.sound)
    assert artifact.metadata["seconds"] == pytest.approx(sound.seconds, abs=0.001)
    assert audio.loudness(sound) == pytest.approx(-16, abs=0.5)
    assert audio.true_peak(sound) <= -0.99
    raised = ctx.sound * 10 ** (artifact.metadata["gain"] / 20)
    assert np.median(np.abs(raised - sound.samples[:, 0])) < 0.02  # but for the limiter
    assert [path.name for path in tmp_path.iterdir()] == [artifact.name]


def test_sentences_come_in_order_with_their_times(loaded: Loaded, tmp_path: Path) -> None:
    ctx, (artifact,) = loaded.speak(tmp_path, pause=0.25, paragraph_pause=1.0)
    texts = ["The small red fox ran to the sea.", "It saw a boat there, and waited.", "Then it went home."]
    assert [(index, text) for index, _start, _end, text in ctx.segments] == list(enumerate(texts))
    stored = artifact.metadata["sentences"]
    assert [(item["index"], item["start"], item["end"], item["text"]) for item in stored] == ctx.segments
    (_, first, end_1, _), (_, start_2, end_2, _), (_, start_3, last, _) = ctx.segments
    assert first == 0 and last == pytest.approx(artifact.metadata["seconds"], abs=0.001)
    assert start_2 - end_1 == pytest.approx(0.25, abs=1e-3)
    assert start_3 - end_2 == pytest.approx(1.0, abs=1e-3)
    assert [step for step, _steps in ctx.steps] == [1, 2, 3]
    assert ctx.order[0] == "audio" and ctx.order.count("segment") == 3


def test_borders_have_no_step(loaded: Loaded, tmp_path: Path) -> None:
    ctx, (artifact,) = loaded.speak(tmp_path)
    samples = audio.read(tmp_path / artifact.name).samples[:, 0]
    for _index, start, end, _text in ctx.segments:
        for place in (round(start * ctx.rate), round(end * ctx.rate) - 1):
            near = samples[max(0, place - 1) : place + 2]
            assert np.abs(np.diff(near)).max(initial=0) < 10 ** (-50 / 20)


def test_same_seed_same_bytes(loaded: Loaded, tmp_path: Path) -> None:
    first, _ = loaded.speak(tmp_path, keep=False)
    loaded.speak(tmp_path, keep=False, text="Something else in between.", seed=12)
    again, _ = loaded.speak(tmp_path, keep=False)
    assert np.array_equal(first.sound, again.sound)
    assert not list(tmp_path.iterdir())


def test_a_sentence_sounds_the_same_alone(loaded: Loaded, tmp_path: Path) -> None:
    """So one of many can be made again, and a reading goes on where an engine died."""
    rows = [{"text": text} for text in ("The fox ran.", "It saw a boat.", "It went home.")]
    whole, _ = loaded.speak(tmp_path, keep=False, script=rows)
    rest, _ = loaded.speak(tmp_path, keep=False, script=rows[1:])
    _, start, end, _ = whole.segments[2]
    _, start_rest, end_rest, _ = rest.segments[1]
    one = whole.sound[round(start * whole.rate) : round(end * whole.rate)]
    other = rest.sound[round(start_rest * rest.rate) : round(end_rest * rest.rate)]
    assert len(one) == len(other)
    if loaded.model.level(next(iter(loaded.model.voices))) is not None:
        assert np.array_equal(one, other)
    else:  # the level of such a voice is measured at the first sentence it says
        assert np.corrcoef(one, other)[0, 1] > 0.98


def test_a_script_says_each_line_in_its_own_way(loaded: Loaded, tmp_path: Path) -> None:
    voices = list(loaded.model.voices)
    rows = [
        {"text": "The fox ran to the sea.", "pause": 0.5},
        {"text": "…"},
        {"text": "The fox ran to the sea.", "speed": 2.0, "voice": voices[-1]},
    ]
    ctx, (artifact,) = loaded.speak(tmp_path, script=rows)
    (_, _, end, _), (_, start_1, end_1, _), (_, _, _, _) = ctx.segments
    assert start_1 - end == pytest.approx(0.5, abs=1e-3)
    assert start_1 == end_1  # a line without words is silent and keeps its number
    assert [item["voice"] for item in artifact.metadata["sentences"]] == [voices[0], voices[0], voices[-1]]


def test_speed_makes_it_shorter(loaded: Loaded, tmp_path: Path) -> None:
    seconds = []
    for speed in (0.5, 1.0, 2.0):
        ctx, _ = loaded.speak(tmp_path, keep=False, text="The fox ran to the sea.", speed=speed)
        seconds.append(len(ctx.sound) / ctx.rate)
    assert seconds[0] > 1.4 * seconds[1] > 1.4 * 1.3 * seconds[2]


def test_cancel_keeps_the_finished_sentences(loaded: Loaded, tmp_path: Path) -> None:
    ctx = Listener(tmp_path, cancel_after=1)
    with pytest.raises(Cancelled):
        loaded.family.run(loaded.model, loaded.request(), ctx)
    assert time.monotonic() - ctx.cancelled < 0.5
    (artifact,) = ctx.artifacts
    assert len(artifact.metadata["sentences"]) == 1
    sound = audio.read(tmp_path / artifact.name)
    assert sound.seconds >= ctx.segments[0][2]
    assert loaded.speak(tmp_path)[1]


def test_cancel_before_the_first_word(loaded: Loaded, tmp_path: Path) -> None:
    ctx = Listener(tmp_path, cancel_after=0)
    with pytest.raises(Cancelled):
        loaded.family.run(loaded.model, loaded.request(), ctx)
    assert not ctx.sounds and not ctx.artifacts


def test_a_recipe_makes_it_again(loaded: Loaded, tmp_path: Path) -> None:
    spec = loaded.family.SPEC
    request = spec.check(loaded.request(lexicon={"fox": "dog"}))
    (artifact,) = loaded.family.run(loaded.model, request, Listener(tmp_path))
    path = tmp_path / artifact.name
    sound = path.stat().st_size
    carriers.embed(path, recipe_of(spec, request, device_kind="cpu"))
    assert path.stat().st_size == sound  # there was room for it

    recipe = carriers.extract(path)
    assert recipe.reproducible == "identical"
    params = loaded.family.upgrade(dict(recipe.params), recipe.family_version)
    folder = tmp_path / "again"
    folder.mkdir()
    ctx = Listener(folder)
    loaded.family.run(loaded.model, Request(recipe.medium, spec.id, recipe.model, recipe.task, params), ctx)
    carriers.embed(folder / artifact.name, recipe)
    assert (folder / artifact.name).read_bytes() == path.read_bytes()


def test_recipes_of_every_version_pass_through_upgrade(loaded: Loaded) -> None:
    """`tests/fixtures/recipes/<family>-<version>.json` is a recipe as that version wrote it."""
    spec = loaded.family.SPEC
    for version in range(1, spec.version + 1):
        path = Path(__file__).parents[1] / "fixtures" / "recipes" / f"{spec.id}-{version}.json"
        recipe = Recipe.loads(path.read_text(encoding="utf-8"))
        assert recipe.family_version == version
        params = loaded.family.upgrade(dict(recipe.params), version)
        spec.check(Request(recipe.medium, spec.id, recipe.model, recipe.task, params))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"text": ""}, "prompt-empty"),
        ({"text": " \n"}, "prompt-empty"),
        ({"text": "?!… — 😀"}, "speech-nothing-to-say"),
        ({"text": "x" * 2_000_001}, "text-too-long"),
        ({"script": [{"text": "x" * 20_000}] * 101}, "text-too-long"),
        ({"text": "a\ud800"}, "text-not-clean"),
        ({"script": [{"text": "…"}]}, "speech-nothing-to-say"),
        ({"script": [{"voice": "heart"}]}, "value-wrong-kind"),
        ({"script": [{"text": "a", "tempo": 3}]}, "parameter-unknown"),
        ({"script": "text"}, "value-wrong-kind"),
        ({"speed": 0}, "value-out-of-range"),
        ({"speed": 100}, "value-out-of-range"),
        ({"script": [{"text": "a", "speed": 100}]}, "value-out-of-range"),
        ({"voice": "nobody"}, "voice-unknown"),
        ({"text": "مرحبا بالعالم"}, "voice-language-none"),
        ({"language": "xx"}, "language-unknown"),
        ({"lexicon": {"": "a"}}, "value-wrong-kind"),
        ({"lexicon": {"fox": "[@@@]"}}, "phonemes-unknown"),
        ({"guidance": 3}, "parameter-unknown"),
    ],
)
def test_bad_input_is_refused_in_words_before_anything_is_made(
    loaded: Loaded, tmp_path: Path, wrong: dict[str, Any], code: str
) -> None:
    ctx = Listener(tmp_path)
    with pytest.raises(InvalidInput) as refused:
        loaded.family.run(loaded.model, loaded.request(**wrong), ctx)
    assert refused.value.code == code
    assert not ctx.sounds and not list(tmp_path.iterdir())
    assert str(refused.value)


def test_a_request_is_checked_against_what_the_engine_says_of_the_model(loaded: Loaded) -> None:
    """`verify` finds before a job is written down what `run` would find."""
    spec = loaded.family.SPEC
    voices = tuple(loaded.model.voices.values())
    info = ModelInfo("tiny", spec.id, Medium.SPEECH, "Tiny", spec.tasks, ModelState.INSTALLED, voices=voices)
    verify = getattr(loaded.family, "verify")  # noqa: B009
    verify(spec.check(loaded.request()), info)
    refused: tuple[dict[str, Any], ...] = ({"voice": "nobody"}, {"text": "…"}, {"text": "مرحبا"})
    for wrong in refused:
        with pytest.raises(InvalidInput):
            verify(spec.check(loaded.request(**wrong)), info)


def test_the_library_takes_every_value_that_the_form_offers(loaded: Loaded, tmp_path: Path) -> None:
    for param in loaded.family.SPEC.params:
        if isinstance(param, Number):
            for value in (param.minimum, param.maximum):
                own: dict[str, Any] = {param.id: value}
                ctx, _ = loaded.speak(tmp_path, text="The fox ran.", **own)
                assert np.isfinite(ctx.sound).all() and len(ctx.sound), (param.id, value)


def test_damaged_weights_are_refused_in_words(loaded: Loaded, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name, path in loaded.files.paths.items():
        data = path.read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2] if path.suffix in (".onnx", ".safetensors") else data)
    if (loaded.files.root / "vocoder").is_dir():
        (folder / "vocoder").symlink_to(loaded.files.root / "vocoder")
    paths = {name: folder / name for name in loaded.files.paths}
    files = ModelFiles("damaged", loaded.files.family, folder, paths, loaded.files.config, title="Damaged")
    with pytest.raises(AtelierError) as refused:
        loaded.family.load(files, DEVICE)
    assert refused.value.code == "model-not-readable"
    assert refused.value.arguments == {"model": "Damaged"}


def test_the_estimate_holds_the_weights(loaded: Loaded) -> None:
    weights = [path for path in loaded.files.paths.values() if path.suffix in (".onnx", ".safetensors")]
    size = sum(path.stat().st_size for path in weights)
    assert size < loaded.family.estimate(loaded.files, DEVICE) < size + (1 << 30)


def test_words_of_the_form_are_complete(loaded: Loaded) -> None:
    spec = loaded.family.SPEC
    json.dumps([param.default for param in spec.params])
    assert len({param.id for param in spec.params}) == len(spec.params)
    for param in spec.params:
        assert param.label and param.help
        assert i18n._(param.label) == param.label  # marked, not translated when the module was imported
        assert param.check(param.default) == param.default
