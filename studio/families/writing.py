"""What every family that writes text has in common: the fields of its tasks, plain conversations, the artefact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.core.errors import AtelierError
from studio.core.i18n import N_
from studio.core.jobs import Artifact, Request, Task
from studio.core.params import Integer, Text
from studio.core.protocols import Context
from studio.media.text import count_words

PROMPT = Text(
    id="prompt",
    label=N_("Prompt"),
    help=N_("What to write, or the text to go on from."),
    tasks=(Task.INSTRUCT, Task.CONTINUE),
    required=True,
)
SYSTEM = Text(
    id="system",
    label=N_("Instructions"),
    help=N_("Who the model is and how it should write, whatever is asked."),
    tasks=(Task.INSTRUCT,),
    advanced=True,
)
PREFIX = Text(
    id="prefix",
    label=N_("Beginning"),
    help=N_("The first words of the answer; the model goes on from them."),
    tasks=(Task.INSTRUCT,),
    advanced=True,
)
MAX_NEW_TOKENS = Integer(
    id="max_new_tokens",
    label=N_("Length"),
    help=N_("The most that is written. A token is a word or a part of one; a Chinese character takes one or two."),
    default=400,
    minimum=1,
    maximum=32_768,
    unit=N_("tokens"),
)


# Control characters that a model may write but that no text should hold; line ends and tabs stay.
_CONTROL = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def clean_piece(piece: str) -> str:
    """A piece of written text without control characters, so that it can be a prompt again."""
    return piece.translate(_CONTROL)


def stop_texts(lines: str) -> list[str]:
    """The texts of a "stop" field: one on each line, where `\\n` stands for a line end."""
    return [line.replace("\\n", "\n") for line in lines.split("\n") if line]


def begins_text(request: Request, params: Mapping[str, Any]) -> bool:
    """Whether what is written stands at the beginning of a text, where white space is left out: not where a text or an
    answer is continued, but after a lead-in that ends in a colon ("Here is the poem:")."""
    if request.task == Task.CONTINUE:
        return False
    if request.task == Task.CHAT:
        return params["messages"][-1]["role"] != "assistant"
    return params["prefix"].rstrip()[-1:] in ("", ":", "：")


def merge_messages(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """`messages` with neighbours of the same role joined: chat templates ask that user and assistant take turns."""
    merged: list[dict[str, str]] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1] = {"role": message["role"], "content": f"{merged[-1]['content']}\n\n{message['content']}"}
        else:
            merged.append(dict(message))
    return merged


def system_into_user(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """`messages` with the system text in front of the first user's, for templates that know no system role."""
    system, *turns = messages
    return merge_messages([{"role": "user", "content": system["content"]}, *turns])


def plain_prompt(messages: list[dict[str, str]]) -> str:
    """A conversation as plain text, for models that were trained without a chat template. A single instruction stands
    alone; turns are named. A last message by the assistant is left open."""
    turns = [message for message in messages if message["role"] != "system"]
    system = "".join(f"{message['content'].strip()}\n\n" for message in messages if message["role"] == "system")
    if turns[0]["role"] == "user" and [turn["role"] for turn in turns[1:]] in ([], ["assistant"]):
        return f"{system}{turns[0]['content'].strip()}\n\n" + "".join(turn["content"] for turn in turns[1:])
    names = {"user": "User", "assistant": "Assistant"}
    lines = [f"{names[turn['role']]}: {turn['content']}" for turn in turns]
    if turns[-1]["role"] != "assistant":
        lines.append("Assistant:")
    return system + "\n\n".join(lines)


def write_text(ctx: Context, request: Request, text: str, *, tokens: int, finish: str) -> list[Artifact]:
    """Keep what was written, byte for byte as it was streamed; nothing where the request asks for no file. Raises
    `AtelierError("nothing-written")` rather than keep an empty file."""
    if not text.strip():
        raise AtelierError("nothing-written")
    if not request.keep:
        return []
    metadata = {"words": count_words(text), "tokens": tokens, "finish": finish}
    return [ctx.write("text.txt", text.encode("utf-8"), "text/plain", metadata)]
