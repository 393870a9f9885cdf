"""Builds the wheel and checks that it holds the program and everything in `assets/`, and nothing of the tests."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def expected() -> set[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "studio", "assets"]
    files = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    present = (name for name in files if (ROOT / name).is_file())
    return {"studio/_" + name if name.startswith("assets/") else name for name in present}


def build(folder: str) -> set[str]:
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", folder, str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = Path(folder).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        names = build(folder)
    wanted = expected()
    for name in sorted(wanted - names):
        print(f"missing in the wheel: {name}")
    for name in sorted(names - wanted):
        print(f"in the wheel by mistake: {name}")
    print(f"{len(names)} files in the wheel, {len(wanted ^ names)} faults")
    return 1 if names != wanted else 0


if __name__ == "__main__":
    sys.exit(main())
