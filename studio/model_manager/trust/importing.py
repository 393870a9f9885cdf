"""Bringing a model file or folder of the user's into the models folder. The original is never changed.

A file arrives under a hidden name and gets its own in one step, when it is whole, looked at and on disk. Beside it lies
a small JSON file that says what it is and how its bytes add up, by which the same file is known when it comes again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from studio.core import files as writing
from studio.core import paths
from studio.core.errors import AtelierError, Cancelled, from_os_error
from studio.model_manager.trust import repositories
from studio.model_manager.trust.inspection import Inspection, inspect
from studio.model_manager.trust.reading import open_plain
from studio.model_manager.trust.sandbox import LOOK_SECONDS, Sandbox
from studio.model_manager.trust.torch_file import SWELL

PIECE = 4 << 20
RESERVE = 256 << 20  # bytes that an import leaves free on the disk
MAX_NAME = 100
_SLOW = 20 << 20  # bytes that the slowest disk worth having converts in a second of the processor
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_FICLONE = 0x40049409  # linux/fs.h

Progress = Callable[[int, int], None]


def import_file(
    path: Path,
    into: Path | None = None,
    *,
    convert: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Path:
    """Bring the model at `path` into the models folder `into`; returns where it is: `imported/<name>.<suffix>`,
    `imported/<folder>` or, for a pickle with `convert`, `converted/<name>`. `progress` gets (bytes done, bytes in all).

    Raises `AtelierError` in words: what `inspect` refuses, "pickle-unconverted", "pickle-refused", "model-twice",
    "import-no-room", "disk-full"; and `Cancelled` when `stop` is set. Nothing is left behind then."""
    return _Import(path, into or paths.models_dir(), progress or _silent, stop or threading.Event()).run(convert)


def safe_name(name: str) -> str:
    """`name` as it can be kept on every system, in its own script."""
    clean = unicodedata.normalize("NFC", name)
    clean = "".join("_" if c in '<>:"/\\|?*' or not c.isprintable() else c for c in clean).strip(" .")
    clean = clean[:MAX_NAME]
    while len(clean.encode("utf-8", "replace")) > 200:
        clean = clean[:-1]
    clean = clean.encode("utf-8", "replace").decode().rstrip(" .") or "model"
    return f"_{clean}" if _RESERVED.match(clean) else clean


def details_of(model: Path) -> Path:
    """Where the description of the imported `model` (a file or a folder) lies."""
    return model.with_name(f"{model.name if model.is_dir() else model.stem}.json")


class _Import:
    def __init__(self, path: Path, into: Path, progress: Progress, stop: threading.Event) -> None:
        self.path = path
        self.into = into
        self.progress = progress
        self.stop = stop

    def run(self, convert: bool) -> Path:
        with Sandbox() as self.sandbox:
            self.found = inspect(self.path, self.sandbox)
            if self.found.kind == "folder":
                raise AtelierError("model-file-unknown", {"name": self.path.name})
            pickled = self.found.kind == "pickle" or (self.found.convertible or bool(self.found.found))
            if self.found.found:
                raise AtelierError("pickle-refused", {"name": self.path.name, "found": list(self.found.found)})
            if pickled and not convert:
                raise AtelierError("pickle-unconverted", {"name": self.path.name})
            folder = self.into / ("converted" if pickled else "imported")
            try:
                paths.ensure(folder)
                self._require_room(folder)
                with _workplace(folder) as work:
                    if self.path.is_dir():
                        return self._folder(folder, work)
                    return self._converted(folder, work) if pickled else self._file(folder, work)
            except OSError as error:
                raise from_os_error(error, folder) from error

    # -- the three roads --------------------------------------------------------------------------------------

    def _file(self, folder: Path, work: Path) -> Path:
        source = self.path.resolve()
        if self._same_size(folder):
            self._refuse_twice(folder, self._hash(source))
        part = work / "part"
        digest = self._copy(source, part)
        self._refuse_twice(folder, digest)
        # What was looked at may have been exchanged for something else while it was copied.
        again = inspect(part.rename(work / safe_name(self.path.name)), self.sandbox)
        suffix = self.path.suffix.lower()
        suffix = ".safetensors" if again.kind in ("checkpoint", "lora") else suffix
        described = replace(again, title=self.found.title)
        return _place(
            work / safe_name(self.path.name), folder, self.path.stem, suffix, self._details(described, digest)
        )

    def _converted(self, folder: Path, work: Path) -> Path:
        source = self.path.resolve()
        digest = self._hash(source, share=0.3)
        self._refuse_twice(folder, digest)
        name = safe_name(self.path.stem)
        inside = work / "whole"
        inside.mkdir()
        target = inside / f"{name}.safetensors"
        self._convert(source, target)
        known = inspect(target, self.sandbox)
        described = replace(known, title=self.found.title, dropped=self.found.dropped)
        return _place(inside, folder, self.path.stem, "", self._details(described, digest))

    def _folder(self, folder: Path, work: Path) -> Path:
        whole = work / "whole"
        whole.mkdir()
        named = dict(repositories.files_in(self.path))
        total = sum(path.stat().st_size for path in named.values())
        pickles = repositories.read(self.path).pickles if self.found.convertible else ()
        digests = []
        done = 0
        for name, source in sorted(named.items()):
            target = whole / (repositories.converted_name(name) if name in pickles else name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if name in pickles:
                self._convert(source, target)
                digest = _digest_of(target)
            elif name.endswith((".bin.index.json", ".bin", ".pt", ".pth", ".ckpt", ".pkl")):
                continue  # a pickle whose weights are here as safetensors too
            else:
                digest = self._copy(source.resolve(), target, done, total)
            digests.append(f"{digest}  {name}\n")
            done += source.stat().st_size
        digest = hashlib.sha256("".join(digests).encode("utf-8", "replace")).hexdigest()
        self._refuse_twice(folder, digest)
        again = inspect(whole, self.sandbox)
        described = replace(again, title=self.found.title)
        return _place(whole, folder, self.path.name, "", self._details(described, digest))

    # -- the steps --------------------------------------------------------------------------------------------

    def _details(self, found: Inspection, digest: str) -> dict[str, Any]:
        return {
            "version": 1,
            "sha256": digest,
            "source": self.path.name,
            "source_size": self.found.size,
            **found.to_json(),
        }

    def _require_room(self, folder: Path) -> None:
        if shutil.disk_usage(folder).free - RESERVE < self.found.size:
            arguments = {"name": self.path.name, "path": str(folder)}
            raise AtelierError("import-no-room", arguments, f"{self.found.size} bytes")

    def _same_size(self, folder: Path) -> bool:
        return any(row.get("source_size") == self.found.size for _path, row in _described(folder))

    def _refuse_twice(self, folder: Path, digest: str) -> None:
        for path, row in _described(folder):
            if row.get("sha256") == digest:
                arguments = {"name": self.path.name, "model": str(row.get("title") or path.stem)}
                raise AtelierError("model-twice", arguments, str(path))

    def _convert(self, source: Path, target: Path) -> None:
        size = source.stat().st_size
        self.sandbox.ask(
            "convert",
            source,
            seconds=LOOK_SECONDS + SWELL * size // _SLOW,
            writes=SWELL * size + (128 << 20),
            report=self.progress,
            stop=self.stop,
            target=str(target),
        )

    def _hash(self, source: Path, share: float = 0.0) -> str:
        digest = hashlib.sha256()
        total = self.found.size
        with open_plain(source) as stream:
            for piece in self._read(stream):
                digest.update(piece)
                self.progress(int(stream.tell() * share), total)
        return digest.hexdigest()

    def _copy(self, source: Path, target: Path, before: int = 0, total: int = 0) -> str:
        """Copy `source` to the new file `target`, sharing its blocks where the file system can; its sha256."""
        digest = hashlib.sha256()
        done = before
        with open_plain(source) as stream, target.open("xb") as result:
            shared = _share_blocks(stream, result)
            for piece in self._read(stream):
                digest.update(piece)
                if not shared:
                    result.write(piece)
                done += len(piece)
                self.progress(done, total or self.found.size)
            result.flush()
            os.fsync(result.fileno())
        return digest.hexdigest()

    def _read(self, stream: BinaryIO) -> Iterator[bytes]:
        while piece := stream.read(PIECE):
            if self.stop.is_set():
                raise Cancelled
            yield piece


def _share_blocks(source: BinaryIO, target: BinaryIO) -> bool:
    """Whether the two files now share their blocks on disk until one of them changes (Btrfs, XFS, bcachefs)."""
    try:
        import fcntl

        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except (ImportError, OSError):
        return False
    return True


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _described(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """(path, content) of the descriptions in `folder` whose models are there."""
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError):
            row = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(row, dict) and (folder / str(row.get("file", ""))).exists():
                yield path, row


def _place(part: Path, folder: Path, stem: str, suffix: str, details: dict[str, Any]) -> Path:
    """Give `part` its name in `folder`, numbered if there is one of that name, and describe it."""
    stem = safe_name(stem)
    for number in range(1, 10_000):
        name = stem if number == 1 else f"{stem} {number}"
        target, described = folder / f"{name}{suffix}", folder / f"{name}.json"
        if target.exists() or described.exists() or any(folder.glob(f"{_literal(name)}.*")):
            continue
        # The description first: a model without one would not be known when it comes again.
        writing.write_json(described, {**details, "file": target.name})
        try:
            _rename_new(part, target)
        except FileExistsError:
            described.unlink(missing_ok=True)
            continue
        writing.sync_folder(folder)
        return target
    raise AtelierError("not-writable", {"path": str(folder)})


def _literal(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _rename_new(source: Path, target: Path) -> None:
    """Rename, but never onto something that is there."""
    if source.is_dir() or os.name == "nt":
        if target.exists():
            raise FileExistsError(errno.EEXIST, "exists", str(target))
        os.rename(source, target)
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from None
        os.rename(source, target)


@contextlib.contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A hidden folder for what is not whole yet; gone afterwards, and swept away when a killed program left one."""
    for left in folder.glob(".import-*"):
        if not _is_alive(left.name.split("-")[1]):
            shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".import-{os.getpid()}-", dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    import psutil

    return pid.isdecimal() and psutil.pid_exists(int(pid))


def _silent(_done: int, _total: int) -> None:
    """No one wants to know."""
