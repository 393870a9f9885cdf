"""The tools in `packaging/`: pins that agree, translations that are really complete, licences that are really read."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog

ROOT = Path(__file__).resolve().parent.parent


def _tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", ROOT / "packaging" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


translations = _tool("translations")
licences = _tool("licences")


def test_constraints_hold_every_pin_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    pins = {re.sub(r"\[.*\]", "", requirement) for requirement in wanted}
    lines = (ROOT / "packaging/constraints.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(pins - {line.split(" ;")[0] for line in lines}) == []
    assert all("==" in pin for pin in pins)


def test_both_set_ups_use_the_same_installer() -> None:
    versions = [
        re.search(pattern, (ROOT / "packaging" / name).read_text(encoding="utf-8"))
        for name, pattern in (("lib.sh", r"uv_version=(\S+)"), ("run.ps1", r"\$uvVersion = '(\S+)'"))
    ]
    assert versions[0] and versions[1]
    assert versions[0].group(1) == versions[1].group(1)


def test_messages_are_collected_from_code_and_data(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('_("One")\nN_("Two {name}")\nn_("{n} file", "{n} files", n)\nother("No")\n')
    (tmp_path / "a.toml").write_text('[[model]]\ntitle = "Name"\ndescription = "Three"\n')
    found = {message.id for message in translations.template(tmp_path) if message.id}
    assert found == {"One", "Two {name}", ("{n} file", "{n} files"), "Three"}


def test_messages_that_would_be_missed_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("_('Fine')\nf\"{_('In it')}\"\n_('Delete')\nn_('Delete', 'Delete {n}', n)\n")
    assert translations.hidden(tmp_path) == ["hidden in an f-string: 'In it'", "both alone and with a plural: 'Delete'"]


@pytest.mark.parametrize(
    ("source", "translation", "fault"),
    [
        ("Save {name}", "保存 {name}", None),
        ("Save {name}", "", "not translated"),
        ("Save {name}", "保存", "other fields"),
        ("Save {name}", "保存 {file}", "other fields"),
        (("{n} file", "{n} files"), ("{n} 个文件",), None),
        (("{n} file", "{n} files"), ("文件",), "other fields"),
    ],
)
def test_faults_of_a_translation(
    source: str | tuple[str, str], translation: str | tuple[str], fault: str | None
) -> None:
    wanted, catalogue = Catalog(), Catalog(locale="zh_CN")
    wanted.add(source)
    catalogue.add(source, translation)
    found = translations.faults(wanted, catalogue)
    assert len(found) == (1 if fault else 0)
    assert all(text.startswith(fault) for text in found)


def test_absent_uncertain_and_unused_messages_are_faults() -> None:
    wanted, catalogue = Catalog(), Catalog(locale="zh_CN")
    wanted.add("New")
    wanted.add("Doubtful")
    catalogue.add("Doubtful", "也许", flags=["fuzzy"])
    catalogue.add("Gone", "没有了")
    kinds = [text.split(":")[0] for text in translations.faults(wanted, catalogue)]
    assert sorted(kinds) == ["marked as uncertain", "not translated", "not used any more"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("Apache Software License", True),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", True),
        ("BSD-3-Clause AND 0BSD AND (MIT OR GPL-3.0-only)", True),
        ("Apache-2.0 AND Apache-2.0 WITH LLVM-exception", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-only", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("(MIT", False),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_licence_expressions(expression: str, expected: bool) -> None:
    assert licences.allowed(expression) is expected


def test_licence_faults_name_the_package() -> None:
    rows = [
        {"Name": "fine", "Version": "1", "License": "MIT"},
        {"Name": "copyleft", "Version": "2", "License": "AGPL-3.0-only"},
        {"Name": "nvidia-cublas", "Version": "13", "License": "LicenseRef-NVIDIA-Proprietary"},
    ]
    (fault,) = licences.faults(rows)
    assert fault.startswith("copyleft 2: AGPL-3.0-only")


def test_inventory_tells_the_program_from_the_tools() -> None:
    rows = [{"Name": name, "Version": "1", "License": "MIT"} for name in ("torch", "pytest")]
    document = licences.inventory(rows, {"torch"}, "0.1")
    scopes = {part["name"]: part["scope"] for part in document["components"]}
    assert scopes["torch"] == "required"
    assert scopes["pytest"] == "excluded"
    assert scopes["smollm2-135m-instruct"] == "required"
    assert document["metadata"]["component"]["version"] == "0.1"
