"""Causal language models in transformers' own format: a config.json, a tokenizer and safetensors weights.

Only classes that transformers itself brings are used; a repository's own code is never run, and pickled weights are
never read. Cancelling works between two layers, also while a long prompt is read.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from studio.core.errors import AtelierError
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import Flag, Integer, Messages, Number, Seed, Text
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import repositories
from studio.families.writing import (
    MAX_NEW_TOKENS,
    PREFIX,
    PROMPT,
    SYSTEM,
    begins_text,
    clean_piece,
    merge_messages,
    plain_prompt,
    stop_texts,
    system_into_user,
    write_text,
)

SPEC = Family(
    id="causal-lm",
    version=1,
    medium=Medium.TEXT,
    title=N_("Language model (transformers)"),
    tasks=(Task.INSTRUCT, Task.CONTINUE, Task.CHAT),
    params=(
        PROMPT,
        SYSTEM,
        PREFIX,
        Messages(tasks=(Task.CHAT,)),
        MAX_NEW_TOKENS,
        Number(
            id="temperature",
            label=N_("Freedom"),
            help=N_(
                "Temperature: low stays with the likeliest words, high surprises. 0 always takes the likeliest word."
            ),
            default=0.8,
            maximum=2.0,
        ),
        Flag(
            id="do_sample",
            label=N_("Choose by chance"),
            help=N_("Off: always the likeliest word, whatever the other settings say."),
            default=True,
            advanced=True,
        ),
        Number(
            id="top_p",
            label=N_("Top-p"),
            help=N_("Only the likeliest words that together reach this probability are considered. 1 is off."),
            default=0.95,
            minimum=0.01,
            advanced=True,
        ),
        Integer(
            id="top_k",
            label=N_("Top-k"),
            help=N_("Only this many of the likeliest words are considered. 0 is off."),
            default=50,
            maximum=1000,
            advanced=True,
        ),
        Number(
            id="min_p",
            label=N_("Min-p"),
            help=N_("Words less likely than this share of the likeliest word are left out. 0 is off."),
            default=0.05,
            advanced=True,
        ),
        Number(
            id="typical_p",
            label=N_("Typical-p"),
            help=N_("Prefers words that are about as surprising as the text so far. 1 is off."),
            default=1.0,
            minimum=0.01,
            advanced=True,
        ),
        Number(
            id="epsilon_cutoff",
            label=N_("Epsilon cutoff"),
            help=N_("Words less likely than this are left out. 0 is off; 0.0003 to 0.0009 are usual."),
            maximum=0.1,
            step=0.0001,
            decimals=4,
            advanced=True,
        ),
        Number(
            id="eta_cutoff",
            label=N_("Eta cutoff"),
            help=N_("Like epsilon cutoff, but milder where many words fit. 0 is off; 0.0003 to 0.004 are usual."),
            maximum=0.1,
            step=0.0001,
            decimals=4,
            advanced=True,
        ),
        Number(
            id="repetition_penalty",
            label=N_("Repeat penalty"),
            help=N_("Makes words that were used before less likely. 1 is off."),
            default=1.1,
            minimum=0.5,
            maximum=2.0,
            advanced=True,
        ),
        Integer(
            id="no_repeat_ngram_size",
            label=N_("No repeated phrases"),
            help=N_("No phrase of this many tokens appears twice. 0 is off."),
            maximum=20,
            advanced=True,
            unit=N_("tokens"),
        ),
        Integer(
            id="min_new_tokens",
            label=N_("Least length"),
            help=N_("The model may not end before it has written this much. 0 is off."),
            maximum=4096,
            advanced=True,
            unit=N_("tokens"),
        ),
        Text(
            id="stop_strings",
            label=N_("Stop at"),
            help=N_("Writing ends before any of these, one on each line; \\n stands for a line end."),
            limit=2000,
            advanced=True,
        ),
        Seed(),
    ),
    formats=(".txt", ".md", ".docx", ".html"),
    libraries=("transformers", "torch"),
)

_SAMPLING = ("top_p", "top_k", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx")
_USUAL_CONTEXT = 2048
_LEAST_CONTEXT = 512
_UNKNOWN_MEMORY_CONTEXT = 8192
_EXPECTED_STATE = 2 << 30  # bytes that so many tokens take in models of this size
_LEAST_ROOM = 16  # tokens that must be free for writing
_USAGE_EVERY = 0.25  # seconds
_STORED_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is a config.json. Weights that need another package to be read (GPTQ, AWQ …) are not for us."""
    architectures = config.get("architectures")
    if not isinstance(architectures, list) or not architectures or "quantization_config" in config:
        return False
    known = _known_architectures()
    if known:
        return known.get(str(config.get("model_type"))) == architectures[0]
    return str(architectures[0]).endswith("ForCausalLM") and "auto_map" not in config


class Model:
    """A loaded model with its tokenizer. `context` in tokens. Counting tokens is safe from any thread."""

    def __init__(self, network: Any, tokenizer: Any, context: int, device: Device) -> None:
        self.network = network
        self.context = context
        self.device = device
        self._tokenizer = tokenizer
        self._tokenizer_lock = threading.Lock()  # a tokenizer cannot be used by two threads at once
        modules = [module for module in network.modules() if type(module).__name__ == "ModuleList"]
        self.layers = list(max(modules, key=len, default=[]))

    def prompt_of(self, request: Request, params: Mapping[str, Any]) -> tuple[str, bool]:
        """The text that the model goes on from, and whether the tokenizer still has to add its special tokens."""
        from jinja2 import TemplateError

        if request.task == Task.CONTINUE:
            return params["prompt"], True
        if request.task == Task.CHAT:
            messages = merge_messages(params["messages"])
        else:
            messages = [{"role": "user", "content": params["prompt"]}]
            if params["system"].strip():
                messages.insert(0, {"role": "system", "content": params["system"]})
            if params["prefix"]:
                messages.append({"role": "assistant", "content": params["prefix"]})
        if not self._tokenizer.chat_template:
            return plain_prompt(messages), True
        beginning = messages.pop()["content"] if messages[-1]["role"] == "assistant" and messages[:-1] else ""
        try:
            return self._apply(messages) + beginning, False
        except TemplateError:  # a template's own way of refusing a system text
            if len(messages) < 2 or messages[0]["role"] != "system":
                raise
            return self._apply(system_into_user(messages)) + beginning, False

    def encode(self, prompt: tuple[str, bool]) -> list[int]:
        with self._tokenizer_lock:
            return self._tokenizer(prompt[0], add_special_tokens=prompt[1], verbose=False)["input_ids"]

    def decode(self, tokens: list[int]) -> str:
        with self._tokenizer_lock:
            return self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def _apply(self, messages: list[dict[str, str]]) -> str:
        with self._tokenizer_lock:
            return self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )


def load(files: ModelFiles, device: Device) -> Model:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    if device.kind == "cpu":
        torch.set_num_threads(max(1, device.threads))
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(files.root, **options)
        network = AutoModelForCausalLM.from_pretrained(
            files.root, use_safetensors=True, dtype=getattr(torch, _dtype(device)), **options
        )
    except MemoryError:
        raise
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # a library's many ways of not reading a file
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, details=repr(error)) from error
    network.to(device.id)  # type: ignore[arg-type]
    return Model(network.eval(), tokenizer, _context_of(files, device), device)


def run(model: Model, request: Request, ctx: Context) -> list[Artifact]:
    import torch
    from transformers import GenerationConfig

    params = SPEC.check(request).params
    ctx.check_cancel()
    tokens = model.encode(model.prompt_of(request, params))
    needed = len(tokens) + min(_LEAST_ROOM, params["max_new_tokens"])
    if needed > model.context:
        raise AtelierError("context-full", {"count": needed, "limit": model.context})
    limit = min(params["max_new_tokens"], model.context - len(tokens))
    trim = begins_text(request, params)
    writer = _Writer(model, ctx, len(tokens), limit, params["stop_strings"], trim)
    writer.tell_usage()

    sampled = params["do_sample"] and params["temperature"] > 0
    own = model.network.generation_config
    settings: dict[str, Any] = {
        "max_new_tokens": limit,
        "min_new_tokens": min(params["min_new_tokens"], limit) or None,
        "do_sample": sampled,
        "repetition_penalty": params["repetition_penalty"],
        "no_repeat_ngram_size": params["no_repeat_ngram_size"] or None,
        "bos_token_id": own.bos_token_id,
        "eos_token_id": own.eos_token_id,
        "pad_token_id": own.pad_token_id if own.pad_token_id is not None else _first(own.eos_token_id),
    }
    if sampled:
        settings |= {"temperature": params["temperature"], **{name: params[name] for name in _SAMPLING}}
        settings["min_p"] = params["min_p"] or None
    inputs = torch.tensor([tokens or [_first(own.bos_token_id) or 0]], device=model.network.device)
    devices = [model.device.index] if model.device.kind == "cuda" else []
    with torch.inference_mode(), torch.random.fork_rng(devices), _interruptible(model, ctx, limit, writer):
        torch.manual_seed(params["seed"] or 0)
        model.network.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            generation_config=GenerationConfig(**settings),
            streamer=writer,
            stopping_criteria=[writer],
        )
    writer.finish()
    return write_text(ctx, request, "".join(writer.pieces), tokens=writer.written, finish=writer.finish_reason)


class _Writer:
    """Takes tokens as they are made (as transformers' streamer) and says when to stop (as its stopping criterion).

    A character whose bytes are spread over several tokens is held back until it is whole, and the beginning of a stop
    string until it is clear that it is none.
    """

    def __init__(self, model: Model, ctx: Context, prompt: int, limit: int, stops: str, trim: bool) -> None:
        self.pieces: list[str] = []
        self.written = 0
        self._model, self._ctx, self._prompt, self._limit = model, ctx, prompt, limit
        self._stops = stop_texts(stops)
        self._trim = trim
        self._tokens: list[int] = []
        self._told = 0  # tokens whose text was passed on
        self._context = 0  # the token from which text is decoded, so that spaces between words are right
        self._held = ""
        self._stopped = False
        self._prompt_seen = False
        self._began = self._usage_told = 0.0

    @property
    def finish_reason(self) -> str:
        return "length" if self.written >= self._limit and not self._stopped else "stop"

    def put(self, value: Any) -> None:
        if not self._prompt_seen:  # the first call brings the prompt itself
            self._prompt_seen = True
            return
        self._ctx.check_cancel()
        self.written += 1
        self._began = self._began or time.monotonic()
        self._tokens += value.flatten().tolist()
        self._pass_on(self._new_text(last=False), last=False)
        self._ctx.progress(min(self.written, self._limit), self._limit)
        if time.monotonic() - self._usage_told >= _USAGE_EVERY:
            self.tell_usage()

    def end(self) -> None:
        """Asked for by transformers; `finish` does it, also when generation ended in another way."""

    def finish(self) -> None:
        self._pass_on(self._new_text(last=True), last=True)
        self.tell_usage()

    def tell_usage(self) -> None:
        self._usage_told = now = time.monotonic()
        rate = (self.written - 1) / (now - self._began) if self.written > 1 and now > self._began else 0.0
        self._ctx.usage(
            prompt_tokens=self._prompt,
            written_tokens=self.written,
            context_tokens=self._model.context,
            tokens_per_second=rate,
        )

    def __call__(self, input_ids: Any, scores: Any, **_options: Any) -> Any:
        return input_ids.new_full((input_ids.shape[0],), self._stopped).bool()

    def _new_text(self, last: bool) -> str:
        told = self._model.decode(self._tokens[self._context : self._told])
        text = self._model.decode(self._tokens[self._context :])
        if len(text) <= len(told) or (text.endswith("\ufffd") and not last):
            return ""
        self._context, self._told = self._told, len(self._tokens)
        return text[len(told) :]

    def _pass_on(self, text: str, last: bool) -> None:
        if self._stopped:
            return
        text = self._held + clean_piece(text)
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        found = [text.index(stop) for stop in self._stops if stop in text]
        keep = 0
        if found:
            text = text[: min(found)]
            self._stopped = True
        elif not last:
            keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        text, self._held = text[: len(text) - keep], text[len(text) - keep :]
        if text:
            self.pieces.append(text)
            self._ctx.text(text)


def count_tokens(model: Model, request: Request) -> dict[str, int]:
    """{"prompt": tokens that the request's prompt is, "context": tokens that the model can hold}."""
    params = {param.id: request.params.get(param.id, param.default) for param in SPEC.params_for(request.task)}
    if request.task == Task.CHAT and not any(turn["role"] != "system" for turn in params["messages"] or ()):
        return {"prompt": 0, "context": model.context}
    return {"prompt": len(model.encode(model.prompt_of(request, params))), "context": model.context}


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: the weights at the device's precision, the state of every token of the
    context, and working space."""
    return _weight_bytes(files, device) + _context_of(files, device) * _state_bytes(files) + (256 << 20)


def wanted(names: Collection[str]) -> tuple[str, ...]:
    return repositories.transformers_files(names)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`; published weights take two bytes each."""
    weights = (parameters or size // 2) * (4 if device.kind == "cpu" else 2)
    return weights + _EXPECTED_STATE + (256 << 20) if weights else 0


def describe(files: ModelFiles) -> dict[str, Any]:
    """Fields of `ModelInfo` that the repository itself tells."""
    return {"context": _made_for(files)}


@contextlib.contextmanager
def _interruptible(model: Model, ctx: Context, limit: int, writer: _Writer) -> Iterator[None]:
    """Look at the cancel flag before every layer, and give a sign of life while the prompt is read."""

    def before(_module: Any, _inputs: Any) -> None:
        ctx.check_cancel()
        if not writer.written:
            ctx.progress(0, limit)

    handles = [layer.register_forward_pre_hook(before) for layer in model.layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@cache
def _known_architectures() -> dict[str, str]:
    """model_type → class of every causal language model that transformers brings, read from its source so that nothing
    heavy is imported; empty where the source is not there."""
    spec = importlib.util.find_spec("transformers")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        source = Path(place) / "models" / "auto" / "modeling_auto.py"
        if source.is_file():
            _before, _, rest = source.read_text(encoding="utf-8").partition("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = ")
            return dict(re.findall(r'\(\s*"([^"]+)",\s*"([^"]+)"\s*,?\s*\)', rest.partition("\n)")[0]))
    return {}


def _dtype(device: Device) -> str:
    """The precision to load at. On CPUs that multiply bfloat16 in hardware it was measured to write 1.2 times and to
    read prompts 2 to 3 times as fast as float32; on others it is many times slower."""
    import torch

    if device.kind == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device.kind == "mps":
        return "float16"
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if fast else "float32"


def _weight_bytes(files: ModelFiles, device: Device) -> int:
    stored = sum(path.stat().st_size for name, path in files.paths.items() if name.endswith(".safetensors"))
    width = _STORED_BYTES.get(str(files.config.get("dtype") or files.config.get("torch_dtype")), 4)
    return stored // width * (4 if device.kind == "cpu" else 2)


def _made_for(files: ModelFiles) -> int:
    known = (files.config.get(key) for key in _CONTEXT_KEYS)
    made_for = next((value for value in known if isinstance(value, int) and value > 0), _USUAL_CONTEXT)
    return min(made_for, files.context or made_for)


def _context_of(files: ModelFiles, device: Device) -> int:
    """Tokens of context: what the model was made for, as far as the state of them fits in half of the free memory."""
    limit = _made_for(files)
    if device.memory <= 0:
        return min(limit, _UNKNOWN_MEMORY_CONTEXT)
    fits = max(0, device.memory - _weight_bytes(files, device)) // 2 // _state_bytes(files)
    return min(limit, max(_LEAST_CONTEXT, fits // 256 * 256))


def _state_bytes(files: ModelFiles) -> int:
    """Bytes of keys and values that one token of context takes, at 32 bits each."""

    def number(*names: str, default: int) -> int:
        return next(
            (value for name in names if isinstance(value := files.config.get(name), int) and value > 0), default
        )

    heads = number("num_attention_heads", "n_head", default=32)
    head = number("head_dim", default=number("hidden_size", "n_embd", default=4096) // heads)
    layers = number("num_hidden_layers", "n_layer", default=32)
    return max(1, layers * number("num_key_value_heads", default=heads) * head * 2 * 4)


def _first(ids: Any) -> Any:
    return ids[0] if isinstance(ids, list) and ids else ids


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that `stop` begins with."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
