"""What a file or folder is, found out without trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio.core.errors import from_os_error
from studio.model_manager.trust.sandbox import Sandbox


@dataclass(frozen=True)
class Inspection:
    """`kind` is "checkpoint", "lora", "gguf", "soundfont", "repository", "pickle" or "folder" (of another studio);
    `architecture` an id of `architectures`, a repository's own class or "" for an unknown one; `family` the id of the
    one that can run it, or None; `size` in bytes. A pickle is `convertible` when it holds nothing but tensors and plain
    values; otherwise `found` names what else. `models` counts those of a folder. `config` is what families recognise
    it by; `dropped` what a conversion leaves out."""

    kind: str
    title: str
    architecture: str = ""
    family: str | None = None
    size: int = 0
    convertible: bool = False
    found: tuple[str, ...] = ()
    models: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Inspection:
        return cls(**{**data, "found": tuple(data["found"]), "dropped": tuple(data["dropped"])})


def inspect(path: Path, sandbox: Sandbox | None = None) -> Inspection:
    """What is at `path`, read in a child with limits (`sandbox`: one that is there already). Raises `AtelierError`
    with the sentence why it is refused."""
    try:
        path.lstat()
        is_folder = path.is_dir()
    except OSError as error:
        raise from_os_error(error, path) from error
    if is_folder and not is_repository(path):
        from studio.model_manager.trust import folders

        found = folders.find(path)
        return Inspection("folder", path.name, size=sum(model.size for model in found), models=len(found))
    if sandbox:
        return Inspection.from_json(sandbox.ask("look", path))
    with Sandbox() as own:
        return Inspection.from_json(own.ask("look", path))


def is_repository(path: Path) -> bool:
    """Whether the folder is one model: a transformers or diffusers repository."""
    return any((path / name).is_file() for name in ("config.json", "model_index.json"))
