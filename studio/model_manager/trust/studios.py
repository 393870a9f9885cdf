"""How other studios lay out their models: where to look in their folders, and where not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.model_manager.trust.reading import open_plain

EXTRA_PATHS = "extra_model_paths.yaml"
MAX_YAML = 64 << 10
MAX_ROOTS = 64
# Programs, environments and results: large, and never models.
SKIPPED = frozenset(
    (
        *("venv", "env", "node_modules", "__pycache__", "site-packages", "python_embeded", "python_embedded"),
        *("output", "outputs", "input", "temp", "tmp", "cache", "log", "logs", "custom_nodes", "repositories"),
    )
)
# Files that a studio keeps beside its `models` folder.
_MARKS = ("comfy", "main.py", "webui.py", "webui-user.sh", "webui-user.bat", "invokeai.yaml", "launch.py", EXTRA_PATHS)


def starts(root: Path) -> list[Path]:
    """The folders of `root` to search: another studio's `models` (and `embeddings`), or `root` itself."""
    models = root / "models"
    if models.is_dir() and any((root / mark).exists() for mark in _MARKS):
        return [folder for folder in (models, root / "embeddings") if folder.is_dir()]
    return [root]


def extra_roots(path: Path) -> list[str]:
    """The folders that an `extra_model_paths.yaml` of ComfyUI names and that exist. Read in the child."""
    import yaml

    with open_plain(path) as stream:
        data = yaml.safe_load(stream.read(MAX_YAML))
    found: dict[str, None] = {}
    for section in data.values() if isinstance(data, dict) else ():
        if not isinstance(section, dict):
            continue
        base = path.parent / Path(str(section.get("base_path", ""))).expanduser()
        for key, value in section.items():
            if key not in ("base_path", "is_default"):
                found |= dict.fromkeys(str(folder) for folder in _folders(base, value))
    return list(found)[:MAX_ROOTS]


def _folders(base: Path, value: Any) -> list[Path]:
    lines = value.splitlines() if isinstance(value, str) else []
    folders = [(base / line.strip()).resolve() for line in lines if line.strip()]
    # A whole disk or somebody's home is no folder of models, whatever the file says.
    return [folder for folder in folders if folder.is_dir() and len(folder.parts) > 2 and folder != Path.home()]
