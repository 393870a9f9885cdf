"""Templates, tones, actions and personas: the schema, and those that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.core.i18n import set_language
from studio.core.jobs import Task
from studio.documents import templates as module
from studio.documents.templates import fill, read, templates

GOOD = """
version = 1

[[tone]]
id = "warm"
title = { en = "Warm", zh_CN = "温暖" }
instruction = { en = "Use a warm tone.", zh_CN = "语气温暖。" }

[[template]]
id = "story"
icon = "ph.book-open"
title = { en = "Short story", zh_CN = "短篇故事" }
placeholder = { en = "A keeper…", zh_CN = "一位守塔人……" }
words = 300
words_range = [50, 900]
system = { en = "You write stories.\\n{tone}", zh_CN = "你写故事。\\n{tone}" }
prompt = { en = "Write about: {brief}\\nAbout {words} words.", zh_CN = "写：{brief}\\n大约 {words} 字。" }
params = { temperature = 0.8 }
[[template.examples]]
title = { en = "Sea", zh_CN = "海" }
prompt = { en = "The sea", zh_CN = "大海" }

[[template]]
id = "blank"
icon = "ph.file"
task = "continue"
title = { en = "Blank", zh_CN = "空白" }
placeholder = { en = "Begin…", zh_CN = "开头……" }
prompt = { en = "{brief}", zh_CN = "{brief}" }

[[action]]
id = "shorter"
icon = "ph.x"
title = { en = "Shorter", zh_CN = "缩短" }
length = 0.5
prompt = { en = "{tone}\\nShorten to {words} words:\\n{text}", zh_CN = "缩短到 {words} 字：\\n{text}" }
prefix = { en = "Sure:", zh_CN = "好：" }

[[persona]]
id = "editor"
icon = "ph.x"
title = { en = "Editor", zh_CN = "编辑" }
description = { en = "Edits.", zh_CN = "改稿。" }
system = { en = "You edit.", zh_CN = "你是编辑。" }
"""


def write(tmp_path: Path, content: str) -> list[Path]:
    path = tmp_path / "all.toml"
    path.write_text(content, encoding="utf-8")
    return [path]


def test_a_template_builds_a_request_in_the_language_of_the_words(tmp_path: Path) -> None:
    found = read(write(tmp_path, GOOD))
    story, warm = found.template("story"), found.tone("warm")
    assert story is not None
    assert warm is not None
    built = story.build(" A keeper {tone} ", warm, 300)
    assert built.task is Task.INSTRUCT
    assert built.params == {
        "temperature": 0.8,
        "prompt": "Write about: A keeper {tone}\nAbout 300 words.",
        "system": "You write stories.\nUse a warm tone.",
        "max_new_tokens": 498,
    }
    plain = story.build("灯会")
    assert plain.params == {"temperature": 0.8, "prompt": "写：灯会", "system": "你写故事。"}
    blank = found.template("blank")
    assert blank is not None
    assert (blank.build("Once ").task, blank.build("Once ").params) == (Task.CONTINUE, {"prompt": "Once"})


def test_an_action_builds_a_request_from_the_selection(tmp_path: Path) -> None:
    action = read(write(tmp_path, GOOD)).action("shorter")
    assert action is not None
    built = action.build("one two three four " * 10, before="B", after="A")
    assert built.params["prompt"].startswith("Shorten to 20 words:\none two")
    assert built.params["prefix"] == "Sure:"
    assert built.params["max_new_tokens"] >= 30
    assert "system" not in built.params


def test_words_follow_the_window(tmp_path: Path) -> None:
    persona = read(write(tmp_path, GOOD)).persona("editor")
    assert persona is not None
    assert str(persona.title) == "Editor"
    set_language("zh_CN")
    try:
        assert str(persona.title) == "编辑"
        story = read(write(tmp_path, GOOD)).template("story")
        assert story is not None
        assert story.build("").params["system"] == "你写故事。"
    finally:
        set_language("en")


def test_lines_with_empty_fields_are_left_out() -> None:
    assert fill("a {brief}\n{tone}\n\nb", {"brief": "{tone}", "tone": ""}) == "a {tone}\n\nb"
    assert fill("{text}", {"text": "x\n\ny\n"}) == "x\n\ny"
    assert fill("{before}{text}\n{tone}", {"before": "", "text": "x", "tone": ""}) == "x"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version = 1", "version = 2", "version"),
        ("version = 1", "", "version"),
        ("[[tone]]", "[[mood]]", "mood"),
        ('id = "blank"', 'id = "story"', "twice"),
        ('icon = "ph.file"', "", "icon"),
        ('task = "continue"', 'task = "chat"', "task"),
        ('task = "continue"', 'taks = "continue"', "taks"),
        ('title = { en = "Blank", zh_CN = "空白" }', 'title = { en = "Blank" }', "title"),
        ('title = { en = "Blank", zh_CN = "空白" }', 'title = "Blank"', "title"),
        ('zh_CN = "空白"', 'zh_CN = " "', "title"),
        ("words = 300", 'words = "300"', "words"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(write(tmp_path, GOOD.replace(old, new, 1)))


def test_what_ships_is_in_order() -> None:
    found = templates()
    for items in (found.templates, found.tones, found.actions, found.personas):
        assert len(items) == len({item.id for item in items})
    for template in found.templates:
        low, high = template.words_range
        assert 0 < low < high
        assert template.words == 0 or low <= template.words <= high
        for brief in ("A lamp by the sea", "海边的灯"):
            params = template.build(brief, found.tones[0] if found.tones else None, template.words).params
            assert brief in params["prompt"]
    for action in found.actions:
        for text in ("The lamp is lit.", "灯亮了。"):
            assert text in action.build(text, found.tones[0], before="x", after="y").params["prompt"]
    assert module.templates() is found
