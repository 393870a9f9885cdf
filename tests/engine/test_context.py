"""What a running family may do with its context, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.core.errors import AtelierError, Cancelled
from studio.core.jobs import Blob, Request
from studio.core.messages import Message, Progress, Run, Usage
from studio.core.protocols import ModelFiles
from studio.engine.context import JobContext
from tests.fakes import stub_family as stub


class Heard:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.signs = 0

    def sign(self) -> None:
        self.signs += 1


@pytest.fixture
def heard() -> Heard:
    return Heard()


def context(heard: Heard, staging: Path, request: Request | None = None, **blobs: str) -> JobContext:
    return JobContext(Run("a", request or stub.request(), str(staging), blobs), heard.messages.append, heard.sign)


def test_every_word_is_a_sign_of_life(heard: Heard, tmp_path: Path) -> None:
    ctx = context(heard, tmp_path)
    ctx.check_cancel()
    ctx.progress(1, 2)
    ctx.text("a")
    ctx.text("")
    ctx.usage(written_tokens=1)
    ctx.preview(b"", "image/png")
    ctx.audio(b"", 8000, 1)
    assert heard.signs == 7
    assert len(heard.messages) == 5


def test_a_cancel_is_raised_at_the_next_step(heard: Heard, tmp_path: Path) -> None:
    ctx = context(heard, tmp_path)
    ctx.cancelled.set()
    with pytest.raises(Cancelled):
        ctx.check_cancel()


def test_progress_never_runs_backwards(heard: Heard, tmp_path: Path) -> None:
    ctx = context(heard, tmp_path)
    for step, steps in ((3, 0), (1, 10), (5, 10), (4, 10), (2, 5), (10, 20), (9, 20), (20, 20)):
        ctx.progress(step, steps)
    steps_told = [(event.step, event.steps) for event in heard.messages if isinstance(event, Progress)]
    assert steps_told == [(3, 0), (1, 10), (5, 10), (10, 20), (20, 20)]


def test_figures_add_up_to_one_picture(heard: Heard, tmp_path: Path) -> None:
    ctx = context(heard, tmp_path)
    ctx.usage(prompt_tokens=3, context_tokens=100)
    ctx.usage(written_tokens=1)
    assert heard.messages[-1] == Usage("a", 0, counts={"prompt_tokens": 3, "context_tokens": 100, "written_tokens": 1})


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "../out.txt"])
def test_a_result_stays_in_its_folder(heard: Heard, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a file"):
        context(heard, tmp_path).write(name, b"x", "text/plain", {})
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_cannot_be_written_says_why(heard: Heard, tmp_path: Path) -> None:
    with pytest.raises(AtelierError) as error:
        context(heard, tmp_path / "missing").write("text.txt", b"x", "text/plain", {})
    assert error.value.code in ("folder-missing", "file-missing")


def test_a_result_that_is_not_kept_is_only_described(heard: Heard, tmp_path: Path) -> None:
    ctx = context(heard, tmp_path, stub.request(keep=False))
    artifact = ctx.write("text.txt", b"words", "text/plain", {"words": 1})
    assert (artifact.blob.size, ctx.artifacts, list(tmp_path.iterdir())) == (5, [], [])


def test_an_input_that_is_gone_says_so(heard: Heard, tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(b"picture")
    blob = Blob.of(source)
    request = Request.from_json({**stub.request().to_json(), "inputs": {"image": vars(blob)}})
    assert context(heard, tmp_path, request, **{blob.sha256: str(source)}).input("image") == source
    source.unlink()
    for ctx in (context(heard, tmp_path, request, **{blob.sha256: str(source)}), context(heard, tmp_path)):
        with pytest.raises(AtelierError) as error:
            ctx.input("image")
        assert error.value.code == "file-missing"


def test_other_models_are_found_by_their_ids(heard: Heard, tmp_path: Path) -> None:
    files = ModelFiles("imported/ink", "lora", tmp_path, {})
    run = Run("a", stub.request(), str(tmp_path), {})
    ctx = JobContext(run, heard.messages.append, heard.sign, {files.id: files}.__getitem__)
    assert ctx.files("imported/ink") is files
    with pytest.raises(AtelierError) as refused:
        context(heard, tmp_path).files("imported/ink")
    assert refused.value.code == "model-not-installed"
