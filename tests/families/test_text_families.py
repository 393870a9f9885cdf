"""What is particular to each of the two families that write text."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from studio import families
from studio.core.errors import AtelierError, Cancelled
from studio.core.jobs import Medium, Request, Task
from studio.core.protocols import Device, ModelFiles
from studio.families import llama_link, writing
from studio.families.text import causal_lm, gguf
from tests.fakes.tiny_models import build_gguf, build_llama
from tests.families.recorder import Recorder

DEVICE = Device("cpu", 0, 2, 4 << 30)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def ask(family: str, task: Task = Task.CONTINUE, keep: bool = True, **params: Any) -> Request:
    return Request(Medium.TEXT, family, "tiny", task, {"seed": 5, "max_new_tokens": 24, **params}, keep=keep)


@pytest.fixture(scope="module")
def gguf_model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return gguf.load(build_gguf(tmp_path_factory.mktemp("gguf")), DEVICE)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return causal_lm.load(build_llama(tmp_path_factory.mktemp("llama")), DEVICE)


def write(family: Any, model: Any, request: Request, folder: Path) -> str:
    ctx = Recorder(folder)
    family.run(model, request, ctx)
    return ctx.text_so_far


@pytest.mark.parametrize(("family", "field"), [(gguf, "stop"), (causal_lm, "stop_strings")])
def test_stop_strings_end_the_text_before_them(
    family: Any, field: str, gguf_model: Any, llama: Any, tmp_path: Path
) -> None:
    model = gguf_model if family is gguf else llama
    name = family.SPEC.id
    whole = write(family, model, ask(name, prompt="Once", max_new_tokens=60), tmp_path)
    stop = whole[12:15]
    request = ask(name, prompt="Once", max_new_tokens=60).with_params(**{field: f"never in it\n{stop}"})
    ctx = Recorder(tmp_path)
    (artifact,) = family.run(model, request, ctx)
    assert ctx.text_so_far == whole[: whole.index(stop)]
    assert artifact.metadata["finish"] == "stop"


@pytest.mark.parametrize("family", [gguf, causal_lm])
def test_the_beginning_of_the_answer_ends_the_prompt(family: Any, gguf_model: Any, llama: Any) -> None:
    model = gguf_model if family is gguf else llama
    request = ask(family.SPEC.id, Task.INSTRUCT, prompt="Write a letter.", system="Be kind.", prefix="Dear ")
    made = model.prompt_of(request, request.params)
    prompt = made if isinstance(made, str) else made[0]
    assert prompt == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nWrite a letter.<|im_end|>\n"
        "<|im_start|>assistant\nDear "
    )


@pytest.mark.parametrize(("family", "build"), [(gguf, build_gguf), (causal_lm, build_llama)])
def test_a_template_without_a_system_role_still_gets_the_system_text(family: Any, build: Any, tmp_path: Path) -> None:
    model = family.load(build(tmp_path / "model", NO_SYSTEM), DEVICE)
    request = ask(family.SPEC.id, Task.INSTRUCT, prompt="Write a letter.", system="Be kind.", prefix="Dear")
    made = model.prompt_of(request, {**request.params})
    prompt = made if isinstance(made, str) else made[0]
    assert "user\nBe kind." in prompt
    assert "Write a letter.<|im_end|>" in prompt
    assert prompt.endswith("assistant\nDear")
    assert write(family, model, request, tmp_path)


def test_characters_of_several_tokens_arrive_whole(llama: Any, gguf_model: Any, tmp_path: Path) -> None:
    """Random weights write broken UTF-8 all the time: no piece may end inside a character that the next completes."""
    for family, model in ((gguf, gguf_model), (causal_lm, llama)):
        ctx = Recorder(tmp_path)
        family.run(model, ask(family.SPEC.id, prompt="山里有庙", max_new_tokens=200, temperature=1.5), ctx)
        assert any(len(piece.encode()) > 1 for piece in ctx.pieces)
        assert not any("\ud800" <= character <= "\udfff" for character in ctx.text_so_far)
        assert not set(ctx.text_so_far) & set(map(chr, [*range(9), 11, 12, 13, *range(14, 32), *range(127, 160)]))


def test_words_are_decoded_with_the_spaces_between_them(llama: Any) -> None:
    """What the writer passes on, token by token, is what decoding everything at once gives."""
    text = "Once upon a time a small red fox. 从前有一座山，山里有一座庙。"

    ctx = Recorder(Path())
    writer = causal_lm._Writer(llama, ctx, 0, 500, "", trim=False)
    import torch

    writer.put(torch.tensor([[0]]))
    for token in llama.encode((text, False)):
        writer.put(torch.tensor([token]))
    writer.finish()
    assert ctx.text_so_far == text
    assert len(ctx.pieces) > 10


def test_temperature_zero_takes_the_likeliest_word(gguf_model: Any, llama: Any, tmp_path: Path) -> None:
    for family, model in ((gguf, gguf_model), (causal_lm, llama)):
        texts = {write(family, model, ask(family.SPEC.id, prompt="A", temperature=0, seed=n), tmp_path) for n in (1, 2)}
        assert len(texts) == 1


def test_tokens_can_be_counted_while_writing(gguf_model: Any, tmp_path: Path) -> None:
    counted: list[int] = []

    class Counting(Recorder):
        def text(self, piece: str) -> None:
            super().text(piece)
            thread = threading.Thread(target=lambda: counted.append(gguf_model.count("Once upon a time")))
            thread.start()
            thread.join(5)

    gguf.run(gguf_model, ask("gguf", prompt="Once"), Counting(tmp_path))
    assert len(set(counted)) == 1
    assert len(counted) > 3


def test_llama_cpp_listens_on_no_network(gguf_model: Any) -> None:
    import psutil

    assert gguf_model.server.listening_address.startswith("unix://")
    mine = [c for c in psutil.Process().net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert mine == []


def test_the_socket_is_private_needs_the_key_and_goes_away(tmp_path: Path) -> None:
    model = gguf.load(build_gguf(tmp_path), DEVICE)
    folder = Path(model.server.listening_address.removeprefix("unix://")).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    model._link.key = "guessed"
    with pytest.raises(RuntimeError, match="401"):
        model.count("Once")
    del model
    assert not folder.exists()


def test_sockets_of_killed_engines_are_cleared_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(llama_link.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(llama_link, "_LONGEST", 1000)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead = tmp_path / f"{llama_link.PREFIX}{child.pid}-abc"
    alive = tmp_path / f"{llama_link.PREFIX}{os.getpid()}-abc"
    strange = tmp_path / f"{llama_link.PREFIX}notes"
    for folder in (dead, alive, strange):
        folder.mkdir()
    new = llama_link._new_folder()
    assert new
    assert new.parent == tmp_path
    assert not dead.exists()
    assert alive.is_dir()
    assert strange.is_dir()


def test_cancel_works_between_two_layers_while_a_prompt_is_read(llama: Any, tmp_path: Path) -> None:
    passed: list[int] = []
    handles = [
        layer.register_forward_hook(lambda *_call, number=number: passed.append(number))
        for number, layer in enumerate(llama.layers)
    ]
    ctx = Recorder(tmp_path, cancel_at_look=3)  # before running, before the first layer, before the second
    with pytest.raises(Cancelled):
        causal_lm.run(llama, ask("causal-lm", prompt="The sea was quiet. " * 20), ctx)
    for handle in handles:
        handle.remove()
    assert passed == [0]
    assert not ctx.pieces
    assert write(causal_lm, llama, ask("causal-lm", prompt="The sea"), tmp_path)


def test_cancel_works_between_two_batches_while_a_prompt_is_read(tmp_path: Path) -> None:
    files = build_gguf(tmp_path / "model")
    model = gguf.load(files, DEVICE)
    whole = Recorder(tmp_path)
    request = ask("gguf", prompt="The sea was quiet. " * 40, max_new_tokens=1)
    gguf.run(model, request, whole)
    assert whole.counts["prompt_tokens"] > 2 * gguf._batch_of(0, DEVICE)
    ctx = Recorder(tmp_path, cancel_at_look=3)  # before running, at the beginning, after the first batch
    with pytest.raises(Cancelled):
        gguf.run(model, request, ctx)
    assert ctx.looks == 3 < whole.looks
    assert not ctx.pieces


def test_prompt_memory_is_used_for_conversations_that_are_not_kept(gguf_model: Any, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    class Spy:
        def handle_completions(self, call: dict[str, Any], hear: Any) -> None:
            seen.append(call)
            gguf_model.server.handle_completions(call, hear)

    model = gguf.Model(Spy(), gguf_model._link, gguf_model.context, gguf_model.has_template)
    talk = [{"role": "user", "content": "Hello"}]
    for keep, wish in ((False, True), (True, True), (False, False)):
        write(gguf, model, ask("gguf", Task.CHAT, keep, messages=talk, cache_prompt=wish), tmp_path)
    assert [call["cache_prompt"] for call in seen] == [True, False, False]


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}, "causal-lm"),
        ({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"}, "causal-lm"),
        ({"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}, "causal-lm"),
        ({"architectures": ["BertForMaskedLM"], "model_type": "bert"}, None),
        ({"architectures": ["EvilForCausalLM"], "model_type": "evil", "auto_map": {"AutoModel": "evil.Evil"}}, None),
        ({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "quantization_config": {"bits": 4}}, None),
        ({"architectures": []}, None),
        ({"architectures": "LlamaForCausalLM", "model_type": "llama"}, None),
        ({"general.architecture": "clip"}, None),
        ({"general.architecture": "bert", "bert.context_length": 512, "tokenizer.ggml.model": "bert"}, None),
        ({"general.architecture": "qwen3", "qwen3.context_length": 512, "tokenizer.ggml.model": "gpt2"}, "gguf"),
    ],
)
def test_what_is_recognised(config: dict[str, Any], family: str | None) -> None:
    assert families.recognise(config) == family


def test_pickled_weights_and_foreign_code_are_never_read(tmp_path: Path) -> None:
    files = build_llama(tmp_path / "llama")
    (files.root / "model.safetensors").unlink()
    mark = tmp_path / "ran"
    (files.root / "pytorch_model.bin").write_bytes(f"cos\nsystem\n(S'touch {mark}'\ntR.".encode())
    with pytest.raises(AtelierError) as refused:
        causal_lm.load(files, DEVICE)
    assert refused.value.code == "model-not-readable"
    assert not mark.exists()


def test_context_keeps_within_the_memory() -> None:
    config = {
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "hidden_size": 4096,
        "max_position_embeddings": 131072,
    }
    files = ModelFiles("m", "causal-lm", Path(), {}, config)
    assert causal_lm._context_of(files, Device()) == 8192
    assert causal_lm._context_of(files, Device(memory=1 << 50)) == 131072
    half = causal_lm._context_of(files, Device(memory=16 << 30))
    assert half == (8 << 30) // (32 * 4096 * 2 * 4)
    assert causal_lm._context_of(files, Device(memory=1 << 20)) == 512
    assert causal_lm._context_of(ModelFiles("m", "causal-lm", Path(), {}, config, context=2048), Device()) == 2048


def test_conversations_as_plain_text() -> None:
    user, answer = {"role": "user", "content": "Hello "}, {"role": "assistant", "content": "Hi"}
    system = {"role": "system", "content": "Be kind."}
    assert writing.plain_prompt([user]) == "Hello\n\n"
    assert writing.plain_prompt([system, user, answer]) == "Be kind.\n\nHello\n\nHi"
    assert writing.plain_prompt([user, answer, user]) == "User: Hello \n\nAssistant: Hi\n\nUser: Hello \n\nAssistant:"
    assert writing.merge_messages([user, user, answer]) == [
        {"role": "user", "content": "Hello \n\nHello "},
        answer,
    ]


def test_a_model_can_be_dropped_as_soon_as_it_is_loaded(tmp_path: Path) -> None:
    """llama.cpp's server waits for ever when it is ended before its loop runs; `load` must not hand it out so early."""
    files = build_gguf(tmp_path)
    began = time.monotonic()
    for _round in range(15):
        gguf.load(files, DEVICE)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("task", "params", "begins"),
    [
        (Task.CONTINUE, {"prompt": "Once"}, False),
        (Task.INSTRUCT, {"prompt": "Write.", "prefix": ""}, True),
        (Task.INSTRUCT, {"prompt": "Write.", "prefix": "Here it is:"}, True),
        (Task.INSTRUCT, {"prompt": "写。", "prefix": "如下：\n"}, True),
        (Task.INSTRUCT, {"prompt": "Write.", "prefix": "Dear"}, False),
        (Task.CHAT, {"messages": [{"role": "user", "content": "Hi"}]}, True),
        (Task.CHAT, {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "He"}]}, False),
    ],
)
def test_white_space_is_left_out_only_where_a_text_begins(task: Task, params: dict[str, Any], begins: bool) -> None:
    assert writing.begins_text(ask("gguf", task), params) is begins


def test_a_stop_text_may_hold_line_ends() -> None:
    assert writing.stop_texts("\nEnd\n\\n\\nI made") == ["End", "\n\nI made"]


def test_a_long_folder_for_temporary_files_is_no_obstacle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 30)
    deep.mkdir()
    monkeypatch.setattr(llama_link.tempfile, "gettempdir", lambda: str(deep))
    model = gguf.load(build_gguf(tmp_path / "model"), DEVICE)
    assert model.count("Once") > 0
    assert not list(deep.iterdir())


def test_without_sockets_in_the_file_system_the_loopback_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on Windows: the key still guards it."""
    monkeypatch.delattr(llama_link.socket, "AF_UNIX")
    model = gguf.load(build_gguf(tmp_path), DEVICE)
    assert model.server.listening_address.startswith("http://127.0.0.1:")
    assert model.count("Once") > 0
    model._link.key = "guessed"
    with pytest.raises(RuntimeError, match="401"):
        model.count("Once")
