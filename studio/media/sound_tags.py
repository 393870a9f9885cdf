"""The comment field of sound files, written without touching the sound: WAV (LIST/INFO ICMT), FLAC and Ogg Vorbis (a
Vorbis comment), MP3 (an ID3v2 COMM frame). `studio.media.audio.comment` reads it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from studio.core.errors import from_os_error
from studio.media.audio import append_riff_comment, ogg_crc

_COPY = 1 << 20
_FIELD = b"COMMENT="


def write_comment(path: Path, text: str) -> None:
    """Make `text` the comment of the sound file, on disk when this returns. A FLAC file with room for it is changed in
    place; otherwise the file is replaced in one step. Raises `ValueError` for a file that is not what its suffix
    says, `AtelierError` in words for what the disk says."""
    writers: dict[str, Callable[[Path, str], None]] = {
        ".wav": _write_wav,
        ".flac": _write_flac,
        ".ogg": _write_ogg,
        ".mp3": _write_mp3,
    }
    try:
        writers[path.suffix.lower()](path, text)
    except OSError as error:
        raise from_os_error(error, path) from error


def _write_wav(path: Path, text: str) -> None:
    with path.open("rb+") as stream:
        if stream.read(4) != b"RIFF":
            raise ValueError("no RIFF file")
        end = stream.seek(0, os.SEEK_END)
        stream.seek(12)
        while len(header := stream.read(8)) == 8:
            size = int.from_bytes(header[4:], "little")
            place = stream.tell()
            after = place + size + size % 2
            if header[:4] == b"LIST" and stream.read(4) == b"INFO":
                stream.seek(place - 8)
                if after >= end:
                    stream.truncate()
                    break
                stream.write(b"JUNK")  # readers pass over it
            stream.seek(after)
    append_riff_comment(path, text)
    _sync(path)


def _write_flac(path: Path, text: str) -> None:
    """RFC 9639: after "fLaC" come blocks of a type, a length and data; the last one is marked."""
    with path.open("rb+") as stream:
        if stream.read(4) != b"fLaC":
            raise ValueError("no FLAC file")
        blocks: list[tuple[int, bytes]] = []
        last = False
        while not last:
            header = stream.read(4)
            if len(header) < 4:
                raise ValueError("FLAC file is cut off")
            last = bool(header[0] & 0x80)
            blocks.append((header[0] & 0x7F, stream.read(int.from_bytes(header[1:], "big"))))
        sound = stream.tell()
        old = next((data for kind, data in blocks if kind == 4), _empty_comments())
        kept = [(kind, data) for kind, data in blocks if kind not in (1, 4)]  # 1: padding, 4: comments
        kept.append((4, _with_comment(old, text)))
        room = sound - 4 - sum(4 + len(data) for _kind, data in kept)
        if room == 0 or room >= 4:
            stream.seek(4)
            stream.write(_flac_blocks([*kept, (1, bytes(room - 4))] if room else kept))
            stream.flush()
            os.fsync(stream.fileno())
            return
        stream.seek(sound)
        _replace(path, [b"fLaC" + _flac_blocks(kept)], stream)


def _flac_blocks(blocks: list[tuple[int, bytes]]) -> bytes:
    out = bytearray()
    for index, (kind, data) in enumerate(blocks):
        if len(data) >= 1 << 24:
            raise ValueError("too long for a FLAC comment")
        out += bytes([kind | (0x80 if index == len(blocks) - 1 else 0)]) + len(data).to_bytes(3, "big") + data
    return bytes(out)


def _write_ogg(path: Path, text: str) -> None:
    """Vorbis I, 5 and A.2: the comment is the second of three header packets; the second and the third fill pages of
    their own. They are put into pages anew, and the pages of sound after them are numbered again."""
    with path.open("rb") as stream:
        first = _ogg_page(stream)
        packets: list[bytes] = []
        rest = b""
        while len(packets) < 2:
            for piece, ends in _ogg_pieces(_ogg_page(stream)):
                rest += piece
                if ends:
                    packets.append(rest)
                    rest = b""
        if len(packets) != 2 or rest or not packets[0].startswith(b"\x03vorbis"):
            raise ValueError("no Ogg Vorbis file")
        comments = b"\x03vorbis" + _with_comment(packets[0][7:], text) + b"\x01"
        pages = _ogg_pages([comments, packets[1]], serial=first[14:18])
        number = 1 + len(pages)
        sound = bytearray()
        while page := stream.read(27):
            page = bytearray(_ogg_page(stream, page))
            page[18:22] = number.to_bytes(4, "little")
            sound += _ogg_signed(page)
            number += 1
        _replace(path, [first, *pages, bytes(sound)])


def _ogg_page(stream: BinaryIO, header: bytes = b"") -> bytes:
    header = header or stream.read(27)
    if len(header) < 27 or header[:4] != b"OggS":
        raise ValueError("no Ogg page")
    lengths = stream.read(header[26])
    return header + lengths + stream.read(sum(lengths))


def _ogg_pieces(page: bytes) -> list[tuple[bytes, bool]]:
    """The packets, or parts of them, in a page, and whether each ends there."""
    lengths = page[27 : 27 + page[26]]
    place, size, pieces = 27 + page[26], 0, []
    for length in lengths:
        size += length
        if length < 255:
            pieces.append((page[place : place + size], True))
            place, size = place + size, 0
    if size:
        pieces.append((page[place : place + size], False))
    return pieces


def _ogg_pages(packets: list[bytes], serial: bytes) -> list[bytes]:
    lengths: list[int] = []
    for packet in packets:
        lengths += [255] * (len(packet) // 255) + [len(packet) % 255]
    data = b"".join(packets)
    pages, place, continued = [], 0, False
    for start in range(0, len(lengths), 255):
        table = bytes(lengths[start : start + 255])
        size = sum(table)
        ended = any(length < 255 for length in table)
        position = bytes(8) if ended else b"\xff" * 8  # no packet ends here
        number = (1 + len(pages)).to_bytes(4, "little")
        head = b"OggS\0" + bytes([continued]) + position + serial + number + bytes(4) + bytes([len(table)]) + table
        pages.append(_ogg_signed(bytearray(head + data[place : place + size])))
        place += size
        continued = table[-1] == 255
    return pages


def _ogg_signed(page: bytearray) -> bytes:
    page[22:26] = bytes(4)
    page[22:26] = ogg_crc(page).to_bytes(4, "little")
    return bytes(page)


def _write_mp3(path: Path, text: str) -> None:
    """ID3v2.3: a tag of frames before the sound. Other frames stay."""
    with path.open("rb") as stream:
        header = stream.read(10)
        frames = b""
        if header[:3] == b"ID3":
            body = stream.read(_syncsafe_int(header[6:10]))
            frames = _other_frames(body, header[3]) if header[3] in (3, 4) and not header[5] else b""
        else:
            stream.seek(0)
        content = b"\x00eng\x00" + text.encode("latin-1", "replace")
        frames += b"COMM" + len(content).to_bytes(4, "big") + b"\0\0" + content
        _replace(path, [b"ID3\x03\0\0" + _syncsafe(len(frames)) + frames], stream)


def _other_frames(body: bytes, version: int) -> bytes:
    """The frames of a tag but for comments, as version 2.3 writes them."""
    kept, place = b"", 0
    while place + 10 <= len(body) and body[place : place + 4].isalnum():
        head = body[place : place + 10]
        size = _syncsafe_int(head[4:8]) if version == 4 else int.from_bytes(head[4:8], "big")
        if head[:4] != b"COMM":
            kept += head[:4] + size.to_bytes(4, "big") + b"\0\0" + body[place + 10 : place + 10 + size]
        place += 10 + size
    return kept


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _syncsafe_int(data: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(data, (21, 14, 7, 0), strict=True))


def _empty_comments() -> bytes:
    return bytes(8)


def _with_comment(data: bytes, text: str) -> bytes:
    """A Vorbis comment (vendor, then a list of fields) with `text` in place of its COMMENT field."""

    def take(place: int) -> tuple[bytes, int]:
        size = int.from_bytes(data[place : place + 4], "little")
        return data[place + 4 : place + 4 + size], place + 4 + size

    vendor, place = take(0)
    count = int.from_bytes(data[place : place + 4], "little")
    place += 4
    fields = []
    for _index in range(count):
        field, place = take(place)
        if not field.upper().startswith(_FIELD):
            fields.append(field)
    fields.append(_FIELD + text.encode("utf-8"))
    sized = b"".join(len(field).to_bytes(4, "little") + field for field in fields)
    return len(vendor).to_bytes(4, "little") + vendor + len(fields).to_bytes(4, "little") + sized


def _replace(path: Path, parts: list[bytes], rest: BinaryIO | None = None) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.stem[:40]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as target:
            for part in parts:
                target.write(part)
            while rest and (chunk := rest.read(_COPY)):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777)
        if rest:
            rest.close()
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
