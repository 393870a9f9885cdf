"""Text models in GGUF files, run by llama.cpp through `xllamacpp`.

llama.cpp's server runs inside this process. Generation is a direct call; the server also insists on listening for
HTTP, which is confined to a private link (see `llama_link`) and used to count tokens and to apply the model's own chat
template.

Every prompt is evaluated from nothing: reusing an earlier prompt's state changes the order of sums, and then the same
seed would not always give the same bytes. `cache_prompt` allows it for answers that are not kept with a recipe.
"""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import AtelierError
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Medium, Request, Task
from studio.core.params import Choice, Flag, Integer, Messages, Number, Seed, Text
from studio.core.protocols import Context, Device, Family, ModelFiles
from studio.families import gguf_file, repositories
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
    write_text,
)

if TYPE_CHECKING:
    from studio.families.llama_link import Link

SPEC = Family(
    id="gguf",
    version=1,
    medium=Medium.TEXT,
    title=N_("GGUF language model (llama.cpp)"),
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
        Number(
            id="top_p",
            label=N_("Top-p"),
            help=N_("Only the likeliest words that together reach this probability are considered. 1 is off."),
            default=0.95,
            advanced=True,
        ),
        Integer(
            id="top_k",
            label=N_("Top-k"),
            help=N_("Only this many of the likeliest words are considered. 0 is off."),
            default=40,
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
            id="repeat_penalty",
            label=N_("Repeat penalty"),
            help=N_("Makes words that were just used less likely. 1 is off."),
            default=1.1,
            minimum=0.5,
            maximum=2.0,
            advanced=True,
        ),
        Integer(
            id="repeat_last_n",
            label=N_("Repeat window"),
            help=N_("How many of the last tokens the penalties look at. 0 is off."),
            default=64,
            maximum=8192,
            advanced=True,
            unit=N_("tokens"),
        ),
        Number(
            id="presence_penalty",
            label=N_("Presence penalty"),
            help=N_("Makes every word that was used once less likely, however often it was used. 0 is off."),
            minimum=-2.0,
            maximum=2.0,
            advanced=True,
        ),
        Number(
            id="frequency_penalty",
            label=N_("Frequency penalty"),
            help=N_("Makes a word less likely each time it is used. 0 is off."),
            minimum=-2.0,
            maximum=2.0,
            advanced=True,
        ),
        Number(
            id="dry_multiplier",
            label=N_("DRY strength"),
            help=N_("Stops whole phrases from being repeated. 0 is off; 0.8 is usual."),
            maximum=5.0,
            advanced=True,
        ),
        Number(
            id="dry_base",
            label=N_("DRY growth"),
            help=N_("How fast the DRY penalty grows with the length of the repeated phrase."),
            default=1.75,
            minimum=1.0,
            maximum=4.0,
            advanced=True,
        ),
        Integer(
            id="dry_allowed_length",
            label=N_("DRY free length"),
            help=N_("Phrases up to this length may be repeated freely."),
            default=2,
            minimum=1,
            maximum=100,
            advanced=True,
            unit=N_("tokens"),
        ),
        Integer(
            id="dry_penalty_last_n",
            label=N_("DRY window"),
            help=N_("How many of the last tokens are searched for repeated phrases. 0 is off."),
            default=256,
            maximum=8192,
            advanced=True,
            unit=N_("tokens"),
        ),
        Number(
            id="typical_p",
            label=N_("Typical-p"),
            help=N_("Prefers words that are about as surprising as the text so far. 1 is off."),
            default=1.0,
            advanced=True,
        ),
        Number(
            id="top_n_sigma",
            label=N_("Top-n sigma"),
            help=N_("Leaves out words this many standard deviations below the best. -1 is off."),
            default=-1.0,
            minimum=-1.0,
            maximum=10.0,
            step=0.1,
            advanced=True,
        ),
        Number(
            id="xtc_probability",
            label=N_("XTC probability"),
            help=N_("How often the most obvious words are left out for less expected ones. 0 is off."),
            advanced=True,
        ),
        Number(
            id="xtc_threshold",
            label=N_("XTC threshold"),
            help=N_("Words likelier than this count as obvious. Above 0.5 is off."),
            default=0.1,
            advanced=True,
        ),
        Number(
            id="dynatemp_range",
            label=N_("Temperature range"),
            help=N_("Lets the temperature move by this much with how sure the model is. 0 is off."),
            maximum=2.0,
            advanced=True,
        ),
        Number(
            id="dynatemp_exponent",
            label=N_("Temperature exponent"),
            help=N_("How the temperature follows the model's uncertainty within its range."),
            default=1.0,
            minimum=0.1,
            maximum=5.0,
            advanced=True,
        ),
        Choice(
            id="mirostat",
            label=N_("Mirostat"),
            help=N_("Keeps the text equally surprising throughout; takes the place of top-k, top-p and min-p."),
            choices=(("0", N_("Off")), ("1", N_("Mirostat 1")), ("2", N_("Mirostat 2"))),
            default="0",
            advanced=True,
        ),
        Number(
            id="mirostat_tau",
            label=N_("Mirostat target"),
            help=N_("How surprising the text should be."),
            default=5.0,
            maximum=20.0,
            step=0.1,
            advanced=True,
        ),
        Number(
            id="mirostat_eta",
            label=N_("Mirostat rate"),
            help=N_("How fast Mirostat corrects itself."),
            default=0.1,
            minimum=0.001,
            maximum=1.0,
            step=0.01,
            advanced=True,
        ),
        Text(
            id="stop",
            label=N_("Stop at"),
            help=N_("Writing ends before any of these, one on each line; \\n stands for a line end."),
            limit=2000,
            advanced=True,
        ),
        Flag(
            id="cache_prompt",
            label=N_("Remember the conversation"),
            help=N_("Answers start sooner in a long conversation; the same seed may give a slightly different text."),
            tasks=(Task.CHAT,),
            advanced=True,
        ),
        Seed(),
    ),
    formats=(".txt", ".md", ".docx", ".html"),
    libraries=("xllamacpp",),
)

_NOT_SAMPLING = {"prompt", "system", "prefix", "messages", "max_new_tokens", "mirostat", "stop", "cache_prompt", "seed"}
_SAMPLING = tuple(param.id for param in SPEC.params if param.id not in _NOT_SAMPLING)
_NOT_WRITERS = (
    "clip",
    "bert",
    "modern-bert",
    "nomic-bert",
    "nomic-bert-moe",
    "neo-bert",
    "jina-bert-v2",
    "jina-bert-v3",
)
_UNKNOWN_MEMORY_CONTEXT = 8192
_EXPECTED_STATE = 1 << 30  # bytes that so many tokens take in models of the usual size
_LEAST_CONTEXT = 512
_SMALL_LAYER = 6_000_000  # bytes
_LEAST_ROOM = 16  # tokens that must be free for writing
_USAGE_EVERY = 0.25  # seconds


def recognises(config: Mapping[str, Any]) -> bool:
    """`config` is the metadata of a GGUF file. Encoders and the vision halves of models write nothing."""
    architecture = str(config.get("general.architecture", ""))
    return (
        bool(architecture)
        and architecture not in _NOT_WRITERS
        and "encoder" not in architecture
        and isinstance(config.get(f"{architecture}.context_length"), int)
        and isinstance(config.get("tokenizer.ggml.model"), str)
    )


class Model:
    """A loaded GGUF file. `context` in tokens. Generation is for one thread; counting tokens is safe from any."""

    def __init__(self, server: Any, link: Link, context: int, has_template: bool) -> None:
        self.server = server
        self.context = context
        self.has_template = has_template
        self._link = link

    def prompt_of(self, request: Request, params: Mapping[str, Any]) -> str:
        """The text that the model goes on from."""
        if request.task == Task.CONTINUE:
            return params["prompt"]
        if request.task == Task.CHAT:
            messages = merge_messages(params["messages"])
        else:
            messages = [{"role": "user", "content": params["prompt"]}]
            if params["system"].strip():
                messages.insert(0, {"role": "system", "content": params["system"]})
            if params["prefix"]:
                messages.append({"role": "assistant", "content": params["prefix"]})
        if not self.has_template:
            return plain_prompt(messages)
        answer = self._link.ask(
            "/apply-template", {"messages": messages, "chat_template_kwargs": {"enable_thinking": False}}
        )
        return answer["prompt"]

    def count(self, text: str) -> int:
        """How many tokens `text` is as a prompt."""
        return len(self._link.ask("/tokenize", {"content": text, "add_special": True, "parse_special": True})["tokens"])


def load(files: ModelFiles, device: Device) -> Model:
    import xllamacpp

    from studio.families.llama_link import Link

    library: Any = xllamacpp  # it has no type stubs
    path, header = _open(files, check_tensors=True)
    context = _context_of(header, files, device)
    batch = _batch_of(header.size, device)
    params = library.CommonParams()
    params.model.path = str(path)
    params.n_ctx = context
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = batch
    params.cpuparams.n_threads = _writing_threads(header, device)
    params.cpuparams_batch.n_threads = max(1, device.threads)
    params.n_gpu_layers = 0 if device.kind == "cpu" else 999
    params.main_gpu = device.index
    params.fit_params = False
    params.cache_ram_mib = 0
    params.offline = True
    params.verbosity = 1
    params.ui = False
    params.n_threads_http = 1
    link = Link()
    params.api_keys = [link.key]
    if link.path:
        params.hostnames = [str(link.path)]
    try:
        server = library.Server(params)
    except (RuntimeError, ValueError) as error:
        link.close()
        raise AtelierError("model-not-readable", {"model": files.title or files.id}, details=str(error)) from error
    link.address = server.listening_address
    # One token makes sure that the server's loop runs: ended before that, it would wait for itself for ever.
    server.handle_completions({"prompt": "a", "n_predict": 1, "stream": True}, lambda _chunk: False)
    model = Model(server, link, context, "tokenizer.chat_template" in header.metadata)
    weakref.finalize(model, link.close)
    return model


def run(model: Model, request: Request, ctx: Context) -> list[Artifact]:
    params = SPEC.check(request).params
    ctx.check_cancel()
    prompt = model.prompt_of(request, params)
    prompt_tokens = model.count(prompt)
    needed = prompt_tokens + min(_LEAST_ROOM, params["max_new_tokens"])
    if needed > model.context:
        raise AtelierError("context-full", {"count": needed, "limit": model.context})
    limit = min(params["max_new_tokens"], model.context - prompt_tokens)
    ctx.usage(prompt_tokens=prompt_tokens, written_tokens=0, context_tokens=model.context)

    pieces: list[str] = []
    outcome: dict[str, Any] = {"finish": "length", "tokens": 0}
    started_writing = usage_told = 0.0
    trim = begins_text(request, params)
    problem: BaseException | None = None

    def hear(chunk: dict[str, Any]) -> bool:
        """One event of llama.cpp; True stops it. Raising here would be lost in native code."""
        nonlocal problem
        try:
            ctx.check_cancel()
            if "error" in chunk:
                raise RuntimeError(json.dumps(chunk["error"])[:2000])
            listen(chunk)
        except BaseException as error:
            problem = error
            return True
        return False

    def listen(chunk: dict[str, Any]) -> None:
        nonlocal started_writing, usage_told, trim
        if "prompt_progress" in chunk:
            ctx.progress(0, limit)
            return
        choice = chunk["choices"][0]
        now = time.monotonic()
        if choice["finish_reason"]:
            outcome["finish"] = "stop" if choice["finish_reason"] == "stop" else "length"
            outcome["tokens"] = chunk["usage"]["completion_tokens"]
            usage_told = 0.0
        else:
            outcome["tokens"] += 1
        piece = clean_piece(choice["text"])
        if trim:
            piece = piece.lstrip()
            trim = not piece
        if piece:
            pieces.append(piece)
            ctx.text(piece)
        started_writing = started_writing or now
        ctx.progress(min(outcome["tokens"], limit), limit)
        if now - usage_told >= _USAGE_EVERY:
            usage_told = now
            rate = (outcome["tokens"] - 1) / (now - started_writing) if now > started_writing else 0.0
            ctx.usage(
                prompt_tokens=prompt_tokens,
                written_tokens=outcome["tokens"],
                context_tokens=model.context,
                tokens_per_second=rate,
            )

    call = {
        **{name: params[name] for name in _SAMPLING},
        "prompt": prompt,
        "n_predict": limit,
        "mirostat": int(params["mirostat"]),
        "stop": stop_texts(params["stop"]),
        "seed": params["seed"] or 0,
        "cache_prompt": params.get("cache_prompt", False) and not request.keep,
        "stream": True,
        "return_progress": True,
    }
    model.server.handle_completions(call, hear)
    if problem is not None:
        raise problem
    return write_text(ctx, request, "".join(pieces), tokens=outcome["tokens"], finish=outcome["finish"])


def count_tokens(model: Model, request: Request) -> dict[str, int]:
    """{"prompt": tokens that the request's prompt is, "context": tokens that the model can hold}."""
    params = {param.id: request.params.get(param.id, param.default) for param in SPEC.params_for(request.task)}
    if request.task == Task.CHAT and not any(turn["role"] != "system" for turn in params["messages"] or ()):
        return {"prompt": 0, "context": model.context}
    return {"prompt": model.count(model.prompt_of(request, params)), "context": model.context}


def upgrade(params: dict[str, Any], from_version: int) -> dict[str, Any]:
    """Version 1 is the first: its params are as they are."""
    return params


def estimate(files: ModelFiles, device: Device) -> int:
    """Bytes that the loaded model holds: the weights, the state of every token of the context, and working space."""
    _path, header = _open(files)
    return header.size + _context_of(header, files, device) * _state_bytes(header) + (64 << 20)


def wanted(names: Collection[str]) -> tuple[str, ...]:
    return repositories.gguf_files(names)


def expected(size: int, parameters: int, device: Device) -> int:
    """As `estimate`; weights of about five bits."""
    weights = size or parameters * 5 // 8
    return weights + _EXPECTED_STATE + (64 << 20) if weights else 0


def describe(files: ModelFiles) -> dict[str, Any]:
    """Fields of `ModelInfo` that the file itself tells."""
    _path, header = _open(files)
    languages = header.metadata.get("general.languages", [])
    return {
        "context": min(header.number("context_length"), files.context or header.number("context_length")),
        "license": str(header.metadata.get("general.license", "")),
        "languages": tuple(str(item) for item in languages) if isinstance(languages, list) else (),
    }


def _open(files: ModelFiles, *, check_tensors: bool = False) -> tuple[Path, gguf_file.Header]:
    """The file to load and its header, with the size of all parts of a model that is split."""
    headers = {
        name: gguf_file.require(path, files, check_tensors)
        for name, path in files.paths.items()
        if name.endswith(".gguf")
    }
    first = min(headers)
    return files.paths[first], replace(headers[first], size=sum(header.size for header in headers.values()))


def _context_of(header: gguf_file.Header, files: ModelFiles, device: Device) -> int:
    """Tokens of context: what the model was made for, as far as the state of them fits in half of the free memory."""
    made_for = header.number("context_length", _UNKNOWN_MEMORY_CONTEXT)
    limit = min(made_for, files.context or made_for)
    if device.memory <= 0:
        return min(limit, _UNKNOWN_MEMORY_CONTEXT)
    fits = max(0, device.memory - header.size) // 2 // _state_bytes(header)
    return min(limit, max(_LEAST_CONTEXT, fits // 256 * 256))


def _state_bytes(header: gguf_file.Header) -> int:
    """Bytes of keys and values that one token of context takes, at 16 bits each."""
    heads = header.number("attention.head_count", 1)
    head = header.number("embedding_length", 4096) // max(1, heads)
    key = header.number("attention.key_length", head)
    value = header.number("attention.value_length", head)
    return max(
        1, header.number("block_count", 32) * header.number("attention.head_count_kv", heads) * (key + value) * 2
    )


def _writing_threads(header: gguf_file.Header, device: Device) -> int:
    """Threads that write token by token. They meet several times in every layer, and as they must not spin meanwhile,
    the layers of a small model are done sooner by one alone: SmolLM2-135M (3 MB each) writes half again as fast."""
    small = device.kind == "cpu" and header.size // max(1, header.number("block_count", 32)) < _SMALL_LAYER
    return 1 if small else max(1, device.threads)


def _batch_of(size: int, device: Device) -> int:
    """Tokens of the prompt evaluated between two looks at the cancel flag: about 0.1 s on a small CPU for a model of
    up to 100 MB; larger models need batches of 8 at least to be read at a useful speed."""
    if device.kind != "cpu":
        return 512
    return max(8, min(128, 1 << max(0, (3_000_000_000 // max(1, size)).bit_length() - 1)))
