"""Words inside picture files, written without touching the picture, read without decoding it.

PNG: `iTXt` chunks. JPEG: EXIF and XMP segments. WebP: EXIF and XMP chunks. What is called here "parameters" is the text
that other studios keep under that name (in EXIF: the user's comment), "prompt" and "workflow" are another's graphs.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape, unescape

from PIL import Image

from studio.core.errors import from_os_error
from studio.core.recipe import DIGITAL_SOURCE_TYPE

LIMIT = 16 << 20  # bytes of words that are read; a recipe or a graph never has more
_MANY = 100_000  # chunks
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"iTXt", b"tEXt", b"zTXt")
_RECIPE = "atelier"
_PARAMETERS = "parameters"
_FOREIGN = ("parameters", "prompt", "workflow")
_XMP_KEY = "XML:com.adobe.xmp"
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_SEGMENT = 65_533  # bytes that fit into a segment of a JPEG
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_VP8X_ICC, _VP8X_ALPHA, _VP8X_EXIF, _VP8X_XMP = 0x20, 0x10, 0x08, 0x04


@dataclass(frozen=True)
class Words:
    """What a file carries: our recipe as JSON in ASCII; `foreign` texts by the name other studios give them."""

    recipe: str = ""
    foreign: Mapping[str, str] = field(default_factory=dict)


def write(path: Path, recipe: str, parameters: str, tool: str) -> None:
    """Make the file carry `recipe` (JSON in ASCII), `parameters` for other studios (left out where "" or too long for
    the file; those that it has already stay, they know more of this one picture), `tool`, and that a trained model
    made it; in one step. Raises `ValueError` for a file that is not what its suffix says, `AtelierError` in words for
    what the disk says."""
    writers = {".png": _write_png, ".jpg": _write_jpeg, ".jpeg": _write_jpeg, ".webp": _write_webp}
    writer = writers[path.suffix.lower()]
    temporary = ""
    try:
        parameters = read(path).foreign.get(_PARAMETERS) or parameters
        handle, temporary = tempfile.mkstemp(prefix=f".{path.stem[:40]}.", suffix=".part", dir=path.parent)
        with path.open("rb") as source, os.fdopen(handle, "wb") as target:
            writer(source, target, recipe, parameters, tool)
            target.flush()
            os.fsync(target.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
        temporary = ""
    except OSError as error:
        raise from_os_error(error, path) from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def read(path: Path) -> Words:
    """What the file carries, at most `LIMIT` bytes of it. Raises `ValueError` for a file that is none of the three
    kinds, `OSError` for what the disk says."""
    with path.open("rb") as stream:
        start = stream.read(12)
        stream.seek(0)
        if start.startswith(_PNG):
            return _read_png(stream)
        if start.startswith(b"\xff\xd8"):
            return _read_jpeg(stream)
        if start[:4] == b"RIFF" and start[8:] == b"WEBP":
            return _read_webp(stream)
    raise ValueError("no PNG, JPEG or WebP file")


# PNG (ISO/IEC 15948): a signature, then chunks of a length, a name, data and a CRC.


def _write_png(source: BinaryIO, target: BinaryIO, recipe: str, parameters: str, tool: str) -> None:
    texts = {_PARAMETERS: parameters, _RECIPE: recipe, _XMP_KEY: _packet("", tool)}
    target.write(source.read(8))
    written = False
    for name, size in _png_chunks(source):
        begin = source.read(min(size, 80)) if name in _TEXTS else b""
        rest = size + 4 - len(begin)
        if begin.partition(b"\0")[0].decode("latin-1") in texts:
            source.seek(rest, os.SEEK_CUR)
            continue
        if name == b"IDAT" and not written:
            written = True
            for keyword, words in texts.items():
                if words:
                    target.write(_png_text(keyword, words))
        target.write(struct.pack(">I", size) + name + begin)
        _copy(source, target, rest)
    if not written:
        raise ValueError("a PNG without a picture")


def _read_png(stream: BinaryIO) -> Words:
    stream.seek(8)
    found: dict[str, str] = {}
    left = LIMIT
    for name, size in _png_chunks(stream):
        if name not in _TEXTS or size > left:
            stream.seek(size + 4, os.SEEK_CUR)
            continue
        data = stream.read(size)
        stream.seek(4, os.SEEK_CUR)
        left -= size
        key, _end, rest = data.partition(b"\0")
        keyword = key.decode("latin-1")
        if keyword in (_RECIPE, *_FOREIGN) and keyword not in found:
            words = _png_words(name, rest, left)
            left -= len(words)
            found[keyword] = words
    return Words(found.pop(_RECIPE, ""), found)


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """(name, size) of each chunk; the stream then stands at its data and must be moved past its CRC."""
    for _number in range(_MANY):
        header = stream.read(8)
        if len(header) < 8:
            raise ValueError("a PNG that is cut off")
        size, name = struct.unpack(">I4s", header)
        yield name, size
        if name == b"IEND":
            return
    raise ValueError("a PNG of too many parts")


def _png_text(keyword: str, words: str) -> bytes:
    data = b"iTXt" + keyword.encode("latin-1") + b"\0\0\0\0\0" + words.encode("utf-8", "replace")
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def _png_words(name: bytes, rest: bytes, most: int) -> str:
    if name == b"tEXt":
        return rest.decode("latin-1")
    if name == b"zTXt":
        return _inflated(rest[1:], most).decode("latin-1")
    packed, (_language, _again, words) = rest[:1] == b"\1", rest[2:].split(b"\0", 2)
    return (_inflated(words, most) if packed else words).decode("utf-8", "replace")


def _inflated(data: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, max(1, most))
    except zlib.error as error:
        raise ValueError("damaged text") from error


# JPEG (ITU-T T.81, annex B): segments of a marker, a length and data, then the picture.


def _write_jpeg(source: BinaryIO, target: BinaryIO, recipe: str, parameters: str, tool: str) -> None:
    first, kept = [], []
    for marker, data in _jpeg_segments(source):
        if marker == 0xE1 and data.startswith((_EXIF, _XMP, _XMP_MORE)):
            continue
        (first if marker == 0xE0 else kept).append(_segment(marker, data))
    own = [_segment(0xE1, _EXIF + exif)] if len(exif := _exif(parameters)) + len(_EXIF) <= _SEGMENT and exif else []
    packet = _packet(recipe, tool).encode("utf-8")
    if len(_XMP) + len(packet) <= _SEGMENT:
        own.append(_segment(0xE1, _XMP + packet))
    else:
        digest = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper()
        own.append(_segment(0xE1, _XMP + _packet("", tool, more=digest).encode("utf-8")))
        step = _SEGMENT - len(_XMP_MORE) - 40
        for start in range(0, len(packet), step):
            head = _XMP_MORE + digest.encode("ascii") + struct.pack(">II", len(packet), start)
            own.append(_segment(0xE1, head + packet[start : start + step]))
    for part in (b"\xff\xd8", *first, *own, *kept):
        target.write(part)
    shutil.copyfileobj(source, target)


def _read_jpeg(stream: BinaryIO) -> Words:
    exif, packet, more = b"", b"", b""
    for marker, data in _jpeg_segments(stream):
        if marker != 0xE1:
            continue
        if data.startswith(_EXIF) and not exif:
            exif = data[len(_EXIF) :]
        elif data.startswith(_XMP) and not packet:
            packet = data[len(_XMP) :]
        elif data.startswith(_XMP_MORE) and len(more) < LIMIT:
            more += data[len(_XMP_MORE) + 40 :]
    return Words(_recipe_of(packet) or _recipe_of(more), _foreign_of(exif))


def _jpeg_segments(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(marker, data) of each segment before the picture; the stream then stands at the marker of that."""
    if stream.read(2) != b"\xff\xd8":
        raise ValueError("no JPEG file")
    for _number in range(_MANY):
        place = stream.tell()
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            raise ValueError("a JPEG that is cut off")
        if head[1] == 0xDA:
            stream.seek(place)
            return
        size = int.from_bytes(head[2:], "big")
        yield head[1], stream.read(max(0, size - 2))
    raise ValueError("a JPEG of too many parts")


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


# WebP (RFC 9649): a RIFF file; words need the extended header VP8X.


def _write_webp(source: BinaryIO, target: BinaryIO, recipe: str, parameters: str, tool: str) -> None:
    head, body = b"", bytearray()
    for name, data in _webp_chunks(source):
        if name == b"VP8X":
            head = data
        elif name not in (b"EXIF", b"XMP "):
            head = head or _extended(name, data)
            body += _webp_chunk(name, data)
    if len(head) != 10 or not body:
        raise ValueError("a WebP without a picture")
    exif = _exif(parameters)
    flags = head[0] & ~_VP8X_EXIF | _VP8X_XMP | (_VP8X_EXIF if exif else 0)
    if exif:
        body += _webp_chunk(b"EXIF", exif)
    body += _webp_chunk(b"XMP ", _packet(recipe, tool).encode("utf-8"))
    whole = b"WEBP" + _webp_chunk(b"VP8X", bytes([flags]) + head[1:]) + body
    target.write(b"RIFF" + struct.pack("<I", len(whole)) + whole)


def _read_webp(stream: BinaryIO) -> Words:
    packet, exif = b"", b""
    for name, data in _webp_chunks(stream, only=(b"EXIF", b"XMP ")):
        if name == b"XMP ":
            packet = packet or data
        else:
            exif = exif or data.removeprefix(_EXIF)
    return Words(_recipe_of(packet), _foreign_of(exif))


def _webp_chunks(stream: BinaryIO, only: tuple[bytes, ...] = ()) -> Iterator[tuple[bytes, bytes]]:
    """(name, data) of each chunk; with `only`, of those, and none above `LIMIT`."""
    start = stream.read(12)
    if start[:4] != b"RIFF" or start[8:] != b"WEBP":
        raise ValueError("no WebP file")
    for _number in range(_MANY):
        header = stream.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack("<4sI", header)
        if only and (name not in only or size > LIMIT):
            stream.seek(size + size % 2, os.SEEK_CUR)
            continue
        data = stream.read(size)
        if len(data) < size:
            raise ValueError("a WebP that is cut off")
        yield name, data
        stream.seek(size % 2, os.SEEK_CUR)


def _webp_chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _extended(name: bytes, data: bytes) -> bytes:
    """The header of a simple file that becomes an extended one, from its picture."""
    if name == b"VP8L" and data[:1] == b"\x2f":
        bits = int.from_bytes(data[1:5], "little")
        width, height, alpha = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 28 & 1
    elif name == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[6:10]))
        width, height, alpha = width - 1, height - 1, 0
    else:
        raise ValueError("a WebP without a picture")
    flags = _VP8X_ALPHA if alpha else 0
    return bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


# What EXIF and XMP hold.


def _exif(parameters: str) -> bytes:
    """EXIF with `parameters` as the user's comment, in the way that other studios read."""
    if not parameters:
        return b""
    exif = Image.Exif()
    exif[_EXIF_IFD] = {_USER_COMMENT: b"UNICODE\0" + parameters.encode("utf-16-be", "replace")}
    return exif.tobytes().removeprefix(_EXIF)


def _foreign_of(data: bytes) -> dict[str, str]:
    """Texts of other studios in EXIF: the user's comment, or "prompt:…" and "workflow:…" in plain fields."""
    found: dict[str, str] = {}
    if not data or len(data) > LIMIT:
        return found
    exif = Image.Exif()
    try:
        exif.load(data)
        comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT, b"")
        plain = [value for value in dict(exif).values() if isinstance(value, str)]
    except Exception:  # a library's many ways of not reading what anybody may have written
        return found
    if isinstance(comment, bytes) and (words := _comment(comment)):
        found[_PARAMETERS] = words
    for value in plain:
        name, colon, words = value.partition(":")
        if colon and name.casefold() in ("prompt", "workflow"):
            found.setdefault(name.casefold(), words)
    return found


def _comment(data: bytes) -> str:
    code, words = data[:8], data[8:]
    if code != b"UNICODE\0":
        return words.decode("utf-8", "replace").strip("\0 ")
    # The order of bytes is not said. In most scripts the upper byte of characters varies least.
    little = len(set(words[1::2])) < len(set(words[0::2]))
    return words.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\0 ")


def _packet(recipe: str, tool: str, more: str = "") -> str:
    own = f"<atelier:recipe>{escape(recipe)}</atelier:recipe>" if recipe else ""
    note = f' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{more}"' if more else ""
    quoted = escape(tool, {'"': "&quot;"})
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:atelier="urn:atelier:recipe:1"'
        f' Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}" xmp:CreatorTool="{quoted}"{note}>'
        f'{own}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


def _recipe_of(packet: bytes) -> str:
    """Our own element, found as we write it: no XML of strangers is parsed."""
    found = re.search(rb"<atelier:recipe>([^<]*)</atelier:recipe>", packet)
    return unescape(found[1].decode("ascii", "replace")) if found else ""


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size > 0:
        data = source.read(min(size, 1 << 20))
        if not data:
            raise ValueError("a PNG that is cut off")
        target.write(data)
        size -= len(data)
