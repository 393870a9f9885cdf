"""The set-up script in a world of stand-ins: the tools it calls are small scripts that write down what they were asked.

What they install is not real; that the script asks for the right things, once, and heals, is.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parent.parent / "packaging"
REAL_TOOLS = ("bash", "cat", "chmod", "cksum", "cp", "dirname", "env", "find", "grep", "ln", "mkdir", "mv")
REAL_TOOLS += ("readlink", "rm", "sleep", "flock")

PYTHON = """#!/usr/bin/env bash
echo "python $*" >>"$WORLD/calls"
case "$*" in
    *3,\\ 11*) [ ! -e "$WORLD/old-python" ] ;;
    *ensurepip*) [ ! -e "$WORLD/no-venv" ] ;;
    -c*print*) printf 'python3.11-venv ' ;;
    --version) echo "Python 3.9.2" ;;
    "-m pip --version") [ "$0" != "$WORLD/bin/python3" ] ;;
    *config\\ get*) exit 1 ;;
    "-m venv"*)
        rm -rf "${@: -1}" "$WORLD/broken"
        mkdir -p "${@: -1}/bin"
        cp "$WORLD/bin/python3" "${@: -1}/bin/python"
        cp "$WORLD/uv" "${@: -1}/bin/uv" ;;
    *starter\\ --check) [ ! -e "$WORLD/broken" ] || exit 1; [ -e "$WORLD/starter" ] || exit 3 ;;
    *starter) [ ! -e "$WORLD/offline" ] && : >"$WORLD/starter" ;;
    "-P -m studio"*) printf '<%s>' "${@:4}" ;;
esac
"""
UV = """#!/usr/bin/env bash
echo "uv $*" >>"$WORLD/calls"
case "$*" in *dry-run*) exit 1 ;; esac
[ -e "$WORLD/slow" ] && sleep "$(cat "$WORLD/slow")"
[ ! -e "$WORLD/offline" ]
"""
SIMPLE = {
    "uname": 'cat "$WORLD/system"',
    "id": 'cat "$WORLD/user"',
    "ldconfig": 'cat "$WORLD/libraries"',
    "sudo": "exit 1",
    "apt-cache": "exit 1",
    "apt-get": 'echo "apt-get $*" >>"$WORLD/calls"\n'
    'case "$*" in *install*) rm -f "$WORLD/no-venv"; cp "$WORLD/all-libraries" "$WORLD/libraries" ;; esac',
}


@dataclass
class World:
    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def put(self, name: str, text: str = "") -> None:
        (self.folder / name).write_text(text)

    def drop(self, name: str) -> None:
        (self.folder / name).unlink()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        values = {"PATH": str(self.folder / "bin"), "WORLD": str(self.folder), "HOME": str(self.folder)}
        return subprocess.Popen(
            [str(self.folder / "bin/bash"), str(self.project / "packaging/run.sh"), *arguments],
            env=values | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def calls(self, part: str) -> list[str]:
        """The calls that hold `part`, taken off the record."""
        record = self.folder / "calls"
        lines = record.read_text().splitlines() if record.exists() else []
        record.unlink(missing_ok=True)
        return [line for line in lines if part in line]


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for name in REAL_TOOLS:
        if found := shutil.which(name):
            (binaries / name).symlink_to(found)
    scripts = {name: f"#!/usr/bin/env bash\n{text}\n" for name, text in SIMPLE.items()}
    for path, text in [(binaries / name, text) for name, text in scripts.items()] + [
        (binaries / "python3", PYTHON),
        (tmp_path / "uv", UV),
    ]:
        path.write_text(text)
        path.chmod(0o755)
    (made.project / "packaging").mkdir(parents=True)
    for name in ("lib.sh", "run.sh", "constraints.txt"):
        shutil.copy(PACKAGING / name, made.project / "packaging" / name)
    (made.project / "pyproject.toml").write_text("[project]\n")
    text = (PACKAGING / "lib.sh").read_text()
    lists = [text.split(f'{name}_libraries="')[1].split('"')[0] for name in ("engine", "window")]
    lines = [line for one in lists for line in one.splitlines()]
    libraries = "".join(f"\t{line.split()[0]} (libc6,x86-64) => /usr/lib/x\n" for line in lines)
    for name, text in {
        "system": "Linux\n",
        "user": "1000\n",
        "libraries": libraries,
        "all-libraries": libraries,
    }.items():
        made.put(name, text)
    return made


def test_first_start_sets_up_and_passes_the_arguments_on(world: World) -> None:
    code, out, err = world.run("generate", "text", "--prompt", "two words; $HOME")
    assert (code, out) == (0, "<generate><text><--prompt><two words; $HOME>")
    assert "Setting up" in err
    assert len(world.calls("--compile-bytecode")) == 1


def test_second_start_installs_nothing(world: World) -> None:
    world.run("doctor")
    world.calls("")
    code, out, err = world.run("doctor")
    assert (code, out, err) == (0, "<doctor>", "")
    assert world.calls("") == ["python -P -m studio.model_manager.starter --check", "python -P -m studio doctor"]


def test_without_a_display_the_command_line_is_named(world: World) -> None:
    code, out, err = world.run()
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "run.sh generate text --prompt" in err
    assert world.calls("") == []


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_with_a_display_the_window_opens(world: World, variable: str) -> None:
    code, out, _ = world.run(**{variable: "x"})
    assert (code, out) == (0, "<>")


def test_mac_needs_no_variable_for_the_window(world: World) -> None:
    world.put("system", "Darwin\n")
    assert world.run()[0] == 0


@pytest.mark.parametrize("what", ["pyproject.toml", "packaging/constraints.txt", "packaging/lib.sh"])
def test_changed_needs_are_installed_again(world: World, what: str) -> None:
    world.run("doctor")
    world.calls("")
    with (world.project / what).open("a") as stream:
        stream.write("\n# changed\n")
    assert world.run("doctor")[0] == 0
    assert len(world.calls("--compile-bytecode")) == 1


def test_moved_folder_is_set_up_again(world: World) -> None:
    world.run("doctor")
    world.calls("")
    world.project.rename(world.folder / "elsewhere")
    shutil.copytree(world.folder / "elsewhere", world.project / "deeper")
    process = subprocess.run(
        [str(world.folder / "bin/bash"), str(world.project / "deeper/packaging/run.sh"), "doctor"],
        env={"PATH": str(world.folder / "bin"), "WORLD": str(world.folder), "HOME": str(world.folder)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0
    assert len(world.calls("--compile-bytecode")) == 1


@pytest.mark.parametrize("locks", ["flock", "link"])
def test_killed_set_up_heals(world: World, locks: str) -> None:
    if locks == "link":
        (world.folder / "bin/flock").unlink(missing_ok=True)
    world.put("slow", "30")
    process = world.start("doctor")
    _wait_for(world.project / ".venv/.unfinished")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    world.drop("slow")
    world.calls("")
    code, out, _ = world.run("doctor")
    assert (code, out) == (0, "<doctor>")
    assert len(world.calls("-m venv --clear")) == 1
    assert world.run("doctor") == (0, "<doctor>", "")


@pytest.mark.parametrize("locks", ["flock", "link"])
def test_two_starts_at_once_set_up_once(world: World, locks: str) -> None:
    if locks == "link":
        (world.folder / "bin/flock").unlink(missing_ok=True)
    world.put("slow", "0.5")
    first = world.start("one")
    _wait_for(world.project / ".venv/.unfinished")
    second = world.start("two")
    assert first.communicate(timeout=60)[0] == "<one>"
    assert second.communicate(timeout=60)[0] == "<two>"
    assert len(world.calls("--compile-bytecode")) == 1


def test_failed_installation_names_the_log_and_heals(world: World) -> None:
    world.put("offline")
    code, out, err = world.run("doctor")
    assert (code, out) == (1, "")
    assert str(world.project / "build/setup.log") in err.splitlines()[-1]
    world.drop("offline")
    assert world.run("doctor")[0] == 0


def test_missing_starter_pack_does_not_keep_the_studio_shut(world: World) -> None:
    world.run("doctor")
    world.drop("starter")
    world.put("offline")
    code, out, err = world.run("doctor")
    assert (code, out) == (0, "<doctor>")
    assert "starter pack could not be installed" in err
    world.drop("offline")
    world.calls("")
    assert world.run("doctor")[0] == 0
    assert (world.folder / "starter").exists()
    assert world.calls("pip install") == []


def test_broken_environment_is_made_anew(world: World) -> None:
    world.run("doctor")
    world.calls("")
    world.put("broken")
    code, out, _ = world.run("doctor")
    assert (code, out) == (0, "<doctor>")
    assert len(world.calls("-m venv --clear")) == 1


def test_missing_packages_are_listed_where_nobody_may_install(world: World) -> None:
    world.put("libraries")
    world.put("no-venv")
    code, _, err = world.run(DISPLAY=":0")
    assert code == 1
    command = err.splitlines()[-1]
    assert "sudo apt-get install" in command
    assert {"python3.11-venv", "libegl1", "libxcb-cursor0"} <= set(command.split())
    assert world.calls("pip install") == []


def test_missing_packages_are_installed_as_root(world: World) -> None:
    world.put("libraries")
    world.put("no-venv")
    world.put("user", "0\n")
    code, out, _ = world.run(DISPLAY=":0")
    assert (code, out) == (0, "<>")
    (call,) = world.calls("apt-get")
    assert {"python3.11-venv", "libegl1"} <= set(call.split())


def test_command_line_needs_no_window_packages(world: World) -> None:
    world.put("libraries", "\tlibgomp.so.1 (libc6,x86-64) => /usr/lib/x\n")
    code, out, _ = world.run("doctor")
    assert (code, out) == (0, "<doctor>")
    assert world.calls("apt-get") == []


def test_command_line_gets_the_engines_library(world: World) -> None:
    world.put("libraries")
    code, _, err = world.run("doctor")
    assert code == 1
    assert err.splitlines()[-1].endswith("apt-get install libgomp1")


@pytest.mark.parametrize(("system", "advice"), [("Linux\n", "package manager"), ("Darwin\n", "brew install")])
def test_python_too_old_is_said(world: World, system: str, advice: str) -> None:
    world.put("old-python")
    world.put("system", system)
    code, _, err = world.run("doctor")
    assert code == 1
    assert "Python 3.11" in err
    assert "Python 3.9.2" in err
    assert advice in err


def test_wheels_and_mirror_of_pip_are_handed_to_uv(world: World) -> None:
    (world.folder / "uv").write_text(UV + 'echo "$UV_FIND_LINKS $UV_DEFAULT_INDEX" >>"$WORLD/calls"\n')
    world.run("doctor", PIP_FIND_LINKS="/wheels", PIP_INDEX_URL="http://mirror/simple")
    assert len(world.calls("/wheels http://mirror/simple")) == 1


def _wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")
