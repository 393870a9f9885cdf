"""Written text: reading, counting words, and exporting a text or a conversation as TXT, Markdown, HTML or DOCX.

What a model writes may use a little Markdown: headings, lists, bold and italic are understood in DOCX and HTML; a
line end inside a paragraph stays one (lyrics, poems). TXT and Markdown keep the words exactly as they stand.
"""

from __future__ import annotations

import html
import io
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio.core.errors import AtelierError, from_os_error
from studio.core.files import write_bytes

FORMATS = (".txt", ".md", ".docx", ".html")
MEDIA_TYPES = {
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".html": "text/html",
}

# Ranges, for a regular expression, of scripts that are written without spaces: every character counts as a word, as
# word processors do.
SINGLE_CHARACTERS = (
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0002fa1f\U00030000-\U000323af"
)
_S = SINGLE_CHARACTERS
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_WORD = re.compile(rf"[{_S}]|[^\W_{_S}]+(?:['’.,\-][^\W_{_S}]+)*")
_LETTER_RUN = re.compile(rf"[^\W\d_{_S}]+")
_TOKEN = re.compile(rf"[{_S}]|[^\W{_S}]+(?:['’][^\W{_S}]+)*|\n|[^\S\n]+|[^\w\s]", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A part of a script. `kind`: "heading" (`level` 1 to 6), "paragraph", "bullet", "number" (`level` is the number),
    or "turn", where `speaker` is the name under which the following blocks are said."""

    kind: Literal["heading", "paragraph", "bullet", "number", "turn"]
    text: str = ""
    level: int = 0
    speaker: str = ""


@dataclass(frozen=True)
class Script:
    """A text or a conversation to be exported: a title, and either a `body` or `turns` of (speaker, words)."""

    title: str = ""
    body: str = ""
    turns: tuple[tuple[str, str], ...] = ()

    @property
    def blocks(self) -> list[Block]:
        if not self.turns:
            return parse_blocks(self.body)
        blocks: list[Block] = []
        for speaker, words in self.turns:
            blocks += [Block("turn", speaker=speaker), *parse_blocks(words)]
        return blocks


def count_words(text: str) -> int:
    """Words, where each Chinese or Japanese character counts as one."""
    return sum(1 for _match in _WORD.finditer(text))


def count_characters(text: str, spaces: bool = False) -> int:
    """Characters as a reader counts them; white space only if `spaces`."""
    return len(text) if spaces else sum(map(len, text.split()))


def split_words(text: str) -> list[str]:
    """`text` in pieces to compare: words, single characters of scripts without spaces, marks, runs of space, line
    ends. Joined they give `text` again."""
    return _TOKEN.findall(text)


def text_language(text: str) -> str:
    """Which of the program's languages `text` is in: "zh_CN" if Chinese characters outnumber other words, else "en"."""
    sample = text[:20_000]
    return "zh_CN" if len(_HAN.findall(sample)) > len(_LETTER_RUN.findall(sample)) else "en"


def read_text(path: Path, limit: int = -1) -> str:
    """The text of a file, at most `limit` bytes of it; bytes that are not UTF-8 become replacement marks. Raises
    `AtelierError` in words."""
    try:
        with path.open("rb") as stream:
            data = stream.read(limit)
    except OSError as error:
        raise from_os_error(error, path) from error
    return data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")


def export(script: Script, path: Path) -> None:
    """Write `script` to `path` in the format of its suffix, in one step. Raises `AtelierError`: "format-unknown", disk
    full, no right to write …"""
    write_bytes(path, render(script, path.suffix))


def render(script: Script, suffix: str) -> bytes:
    """`script` as the bytes of a file ending in `suffix`. Raises `AtelierError("format-unknown")`."""
    suffix = suffix.lower()
    if suffix == ".txt":
        return _plain(script).encode("utf-8", "replace")
    if suffix == ".md":
        return _markdown(script).encode("utf-8", "replace")
    if suffix == ".html":
        return _html(script).encode("utf-8", "replace")
    if suffix == ".docx":
        return _docx(script)
    raise AtelierError("format-unknown", {"suffix": suffix, "choices": list(FORMATS)})


_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_BULLET = re.compile(r"\s{0,3}[-*•]\s+(.+)")
_NUMBER = re.compile(r"\s{0,3}(\d{1,3})[.)、]\s*(.+)")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1|(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")


def parse_blocks(text: str) -> list[Block]:
    """Paragraphs (set apart by blank lines), headings and list items of `text`, in order."""
    blocks: list[Block] = []
    lines: list[str] = []

    def flush() -> None:
        if lines:
            blocks.append(Block("paragraph", "\n".join(lines)))
            lines.clear()

    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            flush()
        elif match := _HEADING.match(line):
            flush()
            blocks.append(Block("heading", match[2], len(match[1])))
        elif match := _BULLET.match(line):
            flush()
            blocks.append(Block("bullet", match[1]))
        elif (match := _NUMBER.match(line)) and (not lines):
            blocks.append(Block("number", match[2], int(match[1])))
        else:
            lines.append(line.rstrip())
    flush()
    return blocks


def _spans(text: str) -> Iterable[tuple[str, str]]:
    """(words, "" | "bold" | "italic") of a line of Markdown."""
    start = 0
    for match in _EMPHASIS.finditer(text):
        yield text[start : match.start()], ""
        yield (match[2], "bold") if match[2] else (match[3], "italic")
        start = match.end()
    yield text[start:], ""


def _plain(script: Script) -> str:
    parts = [script.title] if script.title else []
    parts += [f"{speaker}:\n{words.strip()}" for speaker, words in script.turns] or [script.body.strip("\n")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown(script: Script) -> str:
    parts = [f"# {script.title}"] if script.title else []
    parts += [f"**{speaker}**\n\n{_hard_breaks(words.strip())}" for speaker, words in script.turns]
    parts += [] if script.turns else [_hard_breaks(script.body.strip("\n"))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _hard_breaks(text: str) -> str:
    lines = text.split("\n")
    for index, (line, following) in enumerate(itertools.pairwise(list(lines))):
        blocks = any(pattern.match(part) for part in (line, following) for pattern in (_HEADING, _BULLET, _NUMBER))
        if line.strip() and following.strip() and not blocks:
            lines[index] = line.rstrip() + "  "
    return "\n".join(lines)


_STYLE = "body { max-width: 40em; margin: 3em auto; padding: 0 1em; line-height: 1.6; font-family: serif; }"


def _html(script: Script) -> str:
    tags = {"bold": "strong", "italic": "em"}

    def inline(text: str) -> str:
        pieces = (
            f"<{tags[style]}>{html.escape(words)}</{tags[style]}>" if style else html.escape(words)
            for words, style in _spans(text)
        )
        return "".join(pieces).replace("\n", "<br>\n")

    parts = [f"<h1>{html.escape(script.title)}</h1>"] if script.title else []
    open_list = ""
    for block in script.blocks:
        wanted = {"bullet": "ul", "number": "ol"}.get(block.kind, "")
        if wanted != open_list:
            parts += [f"</{open_list}>"] if open_list else []
            parts += [f"<{wanted}>"] if wanted else []
            open_list = wanted
        if block.kind == "turn":
            parts.append(f"<h2>{html.escape(block.speaker)}</h2>")
        elif block.kind == "heading":
            level = min(block.level + 1, 6)
            parts.append(f"<h{level}>{inline(block.text)}</h{level}>")
        elif block.kind == "number":
            parts.append(f'<li value="{block.level}">{inline(block.text)}</li>')
        elif block.kind == "bullet":
            parts.append(f"<li>{inline(block.text)}</li>")
        else:
            parts.append(f"<p>{inline(block.text)}</p>")
    parts += [f"</{open_list}>"] if open_list else []
    code = text_language(script.body or " ".join(words for _speaker, words in script.turns)).replace("_", "-")
    head = f'<meta charset="utf-8">\n<title>{html.escape(script.title)}</title>\n<style>{_STYLE}</style>'
    body = "\n".join(parts)
    return f'<!DOCTYPE html>\n<html lang="{code}">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def _docx(script: Script) -> bytes:
    import docx
    from docx.oxml.ns import qn

    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.author, properties.comments = _xml(script.title)[:255], "", ""
    # Without a font for East Asian characters Word chooses one that lacks most of them.
    fonts = document.styles["Normal"].element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), "Microsoft YaHei")
    if script.title:
        document.add_heading(_xml(script.title), level=0)
    for block in script.blocks:
        if block.kind == "turn":
            document.add_heading(_xml(block.speaker), level=2)
            continue
        if block.kind == "heading":
            paragraph = document.add_heading(level=min(block.level, 6))
        elif block.kind == "bullet":
            paragraph = document.add_paragraph(style="List Bullet")
        elif block.kind == "number":
            # A typed number: Word's own lists would go on counting across the whole document.
            paragraph = document.add_paragraph(f"{block.level}. ")
        else:
            paragraph = document.add_paragraph()
        for words, style in _spans(block.text):
            if words:
                run = paragraph.add_run(_xml(words))
                run.bold, run.italic = style == "bold" or None, style == "italic" or None
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _xml(text: str) -> str:
    """`text` without the characters that XML cannot hold."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\ufffd", text)
