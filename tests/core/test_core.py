"""Recipes, settings, files, words and logs."""

from __future__ import annotations

import json
import os
import string
import subprocess
import sys

import pytest

from studio.core import errors, i18n, paths
from studio.core.errors import AtelierError, explain
from studio.core.files import write_bytes, write_json
from studio.core.jobs import Medium, Request, Task
from studio.core.params import Text
from studio.core.protocols import Family
from studio.core.recipe import Recipe
from studio.core.settings import Settings

RECIPE = Recipe(Medium.TEXT, "gguf", 1, "smollm2", Task.INSTRUCT, {"prompt": "写一首诗", "seed": 3}, parents=("a",))


def test_a_recipe_survives_and_keeps_fields_of_other_releases():
    data = {**RECIPE.to_json(), "mood": {"of": "tomorrow"}}
    again = Recipe.from_json(data)
    assert again.params == RECIPE.params
    assert again.to_json() == data
    assert Recipe.loads(again.dumps()).dumps() == again.dumps()


def test_a_recipe_names_the_digital_source_type_and_no_time():
    data = json.loads(RECIPE.dumps())
    assert data["digital_source_type"].endswith("trainedAlgorithmicMedia")
    assert not {"time", "date", "created", "path"} & data.keys()


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"atelier_recipe": "x"}', '{"atelier_recipe": 1}', "\x00"])
def test_what_is_no_recipe_is_refused_in_words(text):
    with pytest.raises(AtelierError) as caught:
        Recipe.loads(text)
    assert caught.value.code == "recipe-unreadable"


def test_settings_survive_with_fields_of_other_releases(tmp_path):
    path = tmp_path / "设置" / "settings.json"
    settings = Settings(path)
    settings.update(theme="dark", results_dir=str(tmp_path))
    data = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {**data, "from_tomorrow": [1, 2]})
    again = Settings(path)
    assert again.values.theme == "dark" and again.values.results == tmp_path
    again.remember(tab="text")
    assert json.loads(path.read_text(encoding="utf-8"))["from_tomorrow"] == [1, 2]
    assert Settings(path).values.last == {"tab": "text"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00", b"null"])
def test_damaged_settings_are_put_aside_and_the_usual_ones_used(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    settings = Settings(path)
    assert settings.values.theme == "system"
    assert settings.problem is not None and settings.problem.code == "settings-damaged"
    assert (tmp_path / "settings.json.damaged").read_bytes() == content
    settings.update(theme="light")
    assert Settings(path).values.theme == "light"


def test_a_setting_of_the_wrong_kind_falls_back_alone(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "dark", "memory_limit": "lots", "notify": 1, "last": 3}')
    values = Settings(path).values
    assert values.theme == "dark" and values.memory_limit == 0 and values.notify is True and values.last is None


def test_a_write_replaces_all_or_nothing_and_leaves_no_scraps(tmp_path):
    target = tmp_path / "故事.txt"
    write_bytes(target, b"one")
    write_bytes(target, b"two")
    assert target.read_bytes() == b"two"
    assert [item.name for item in tmp_path.iterdir()] == ["故事.txt"]


def test_writing_where_it_cannot_be_done_has_words(tmp_path):
    with pytest.raises(AtelierError) as caught:
        write_bytes(tmp_path / "no" / "file.txt", b"x")
    assert caught.value.code == "file-missing" or caught.value.code == "folder-missing"
    with pytest.raises(AtelierError) as caught:
        write_bytes(tmp_path, b"x")
    assert caught.value.code == "is-a-folder"


def test_a_folder_that_takes_no_files_is_told_as_such(tmp_path, monkeypatch):
    def refuse(**_named):
        raise FileNotFoundError(2, "No such file or directory")  # as /proc does

    monkeypatch.setattr("studio.core.files.tempfile.mkstemp", refuse)
    with pytest.raises(AtelierError) as caught:
        write_bytes(tmp_path / "x", b"x")
    assert (caught.value.code, caught.value.arguments) == ("not-writable", {"path": str(tmp_path)})


def test_every_code_has_two_sentences_that_fill_from_named_fields():
    for code, (title, body) in errors.MESSAGES.items():
        names = {name for part in (title, body) for _t, name, _s, _c in string.Formatter().parse(part) if name}
        words = explain(code, dict.fromkeys(names, "X"))
        assert "{" not in words.text and "…" not in words.text
        assert words.title.endswith((".", "?")) and words.body.endswith("."), code
        assert "!" not in words.text


def test_missing_arguments_do_not_break_a_sentence():
    assert "…" in explain("disk-full").title
    assert explain("no-such-code").title == explain("internal").title


def test_os_errors_have_words():
    assert errors.from_os_error(OSError(28, "no space"), "/x").code == "disk-full"
    assert errors.from_os_error(PermissionError(13, "no"), "/x").code == "not-writable"


def test_languages_change_and_come_back():
    try:
        assert i18n.set_language("zh_CN") == "zh_CN"
        assert i18n._("Seed") != ""
        assert i18n.set_language("tlh") == "en"
        assert i18n._("") == ""
    finally:
        i18n.set_language("en")


def test_the_system_language_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert i18n.system_language() == "zh_CN"
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert i18n.system_language() == "en"


def test_everything_of_the_user_moves_with_the_home_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path / "家"))
    for folder in (paths.config_dir(), paths.data_dir(), paths.log_dir(), paths.default_results_dir()):
        assert folder.is_relative_to(tmp_path / "家")


def test_a_family_fills_in_a_request_and_refuses_foreign_tasks():
    family = Family(
        id="f",
        version=1,
        medium=Medium.TEXT,
        title="F",
        tasks=(Task.INSTRUCT, Task.CONTINUE),
        params=(
            Text(id="prompt", label="Prompt", required=True),
            Text(id="system", label="S", tasks=(Task.INSTRUCT,)),
        ),
    )
    request = Request(Medium.TEXT, "f", "m", Task.INSTRUCT, {"prompt": "hi"})
    assert family.check(request).params == {"prompt": "hi", "system": ""}
    with pytest.raises(errors.InvalidInput):
        family.check(Request(Medium.TEXT, "f", "m", Task.CONTINUE, {"prompt": "hi", "system": "x"}))
    with pytest.raises(errors.InvalidInput):
        family.check(Request(Medium.TEXT, "f", "m", Task.CHAT, {}))


def test_uncaught_exceptions_and_native_crashes_reach_the_crash_log(tmp_path):
    code = "import studio.core.logs as l, sys, faulthandler; l.start('t'); {}"
    environment = {**os.environ, "ATELIER_HOME": str(tmp_path)}
    for line in ("raise RuntimeError('boom')", "faulthandler._sigabrt()"):
        subprocess.run([sys.executable, "-c", code.format(line)], env=environment, capture_output=True)
    assert "RuntimeError: boom" in (tmp_path / "logs" / "t.log").read_text()
    assert "Fatal Python error" in (tmp_path / "logs" / "t.crash").read_text()
