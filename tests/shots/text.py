"""States of the Text tab, with real-looking content in the language of the window."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from studio.core.i18n import language
from studio.core.jobs import Artifact, Request
from studio.ui.tabs.text import TextTab
from tests.fakes.fake_context import FakeContext
from tests.fakes.plays import Writing, fails
from tests.fakes.studio import Studio
from tests.shots.scene import Scene

STORY = {
    "en": (
        "The letter was folded into the lens, where no hand had reached for forty years. The keeper found it on the "
        "first clear morning of March, when the salt had dried on the glass and the whole room shone like the inside "
        "of a shell.\n\nIt began without a greeting. “You will not know me,” it said, “but I know your light. I grew "
        "up under it. On the nights when the boats came late, my mother counted the turns aloud until I slept.”\n\nHe "
        "read it twice, and then a third time at the window. Below him the tide was leaving the rocks one by one, the "
        "way guests leave a good dinner. The date at the foot of the page was sixty years away.\n\nThat evening he "
        "carried the letter down to the kitchen and laid it beside the tide table. Outside, the gulls were settling "
        "along the wall. He thought of all the nights he had lit the lamp for boats he never saw, and how easily he "
        "had called that work.\n\nThere was only one request. Keep the lamp burning through the second week of "
        "October, it said, even when they tell you that nobody is out there. Somebody will be. I have met"
    ),
    "zh_CN": (
        "信折在透镜里，四十年来没有一只手伸到那里。三月头一个晴朗的早晨，盐在玻璃上干了，整间屋子像贝壳的内壁一样发亮，看守人才发现它。\n\n"
        "信的开头没有称呼。“你不会认识我，”信上说，“可我认识你的灯。我在它下面长大。船回来得晚的夜里，母亲一圈一圈地数，一直数到我睡着。”\n\n"
        "他读了两遍，又到窗前读第三遍。脚下的潮水一块一块地离开礁石，像客人离开一桌好菜。信末的日期在六十年以后。\n\n"
        "那天傍晚他把信带到厨房，放在潮汐表旁边。外面，海鸥沿着墙安顿下来。他想起自己为从未见过的船点过多少夜的灯，又多么轻易地把那叫作工作。\n\n"
        "信里只有一个请求：十月的第二个星期，让灯一直亮着，就算他们告诉你海上没有人。会有人的。我见过"
    ),
}
BRIEF = {
    "en": "A keeper finds a letter in the old lamp room, written by someone who has not been born yet. Quiet, hopeful, "
    "by the sea.",
    "zh_CN": "灯塔看守人在旧灯室里发现一封信，写信的人还没有出生。安静，带着希望，海边。",
}
TITLES = {
    "en": ("The Lamp at Gull Point", "Gallery wall label", "Song of the ferry"),
    "zh_CN": ("鸥角的灯", "展览说明牌", "渡船之歌"),
}
CHAT = {
    "en": (
        (
            "Let us call the theme of the lantern festival “a river of moonlight”. Keep it in mind.",
            "Good. I will stay close to “a river of moonlight”. Shall we begin with the title, or with the text?",
        ),
        (
            "Write one line for the poster, with a picture in it, under ten words.",
            "1. A river of lamps, a city of moon\n2. Moon at the bridge, lamp in the water\n3. One lamp, one moon",
        ),
        (
            "Take the first. Now about forty words, and invite everybody at the end.",
            "Dusk falls, and three hundred paper lamps light up along the river. Children carry theirs across the "
            "stone bridge and the moon climbs slowly over the roofs. Come down to the water this autumn, and write "
            "your wish on a lamp",
        ),
    ),
    "zh_CN": (
        ("灯会的主题先定成“一河月色”，记住它。", "好的，后面都围绕“一河月色”来写。先写标题，还是先写正文？"),
        (
            "为中秋河畔灯会写一句海报标题，要有画面感，十个字以内。",
            "1. 一河灯火，满城月光\n2. 月到桥头，灯在水中\n3. 点一盏灯，等一轮月",
        ),
        (
            "选第一句。再写一段四十字左右的正文，结尾邀请大家来。",
            "暮色落下，三百盏纸灯沿河亮起。孩子提灯走过石桥，月亮从屋檐后慢慢升上来。今年中秋，来河边坐一坐，把心愿写在灯上",
        ),
    ),
}
MISSING = {"en": 60, "zh_CN": 12}  # characters of the story that are not written yet, at most
PERSONA = {
    "en": "You are a copywriter. Your language is short and warm, and you know the old festivals. You always offer "
    "three ideas.",
    "zh_CN": "你是一位文案编辑，语言简洁、温暖，熟悉中国传统节日。每次给出三个方案。",
}
CHAT_TITLE = {"en": "Lantern festival words", "zh_CN": "中秋灯会文案"}


@dataclass
class Typing:
    """Streams `text` a word (or a Chinese character) at a time, and stands still after `pause` of them."""

    text: str
    pause: int = -1

    def __call__(self, request: Request, ctx: FakeContext) -> list[Artifact]:
        pieces = re.findall(r"\s*(?:[\u3000-\u9fff\uff00-\uffef“”]|[^\s\u3000-\u9fff\uff00-\uffef“”]+)", self.text)
        stop = len(pieces) + self.pause if self.pause < 0 else self.pause
        for number, piece in enumerate(pieces, 1):
            ctx.check_cancel()
            if self.pause < 0 and number == len(pieces) - 28:
                ctx.sleep(1.0)  # what was written before is new no longer
            ctx.text(piece)
            ctx.usage(prompt_tokens=96, written_tokens=number, context_tokens=2048, tokens_per_second=58)
            ctx.progress(number, round(1.4 * len(pieces)))
            if number == stop:
                ctx.wait()
        return [ctx.write("text.txt", self.text.encode(), "text/plain", {})] if request.keep else []


def tab_of(studio: Studio) -> TextTab:
    return cast(TextTab, studio.window.tab)


def _write(studio: Studio, text: str, *, pause: int | None = None) -> TextTab:
    tab = tab_of(studio)
    studio.engine.play = Typing(text, pause) if pause else Writing(text)
    tab.write_panel.prompt.set_text(BRIEF[language()])
    tab.write_panel.tone.set_current("warm")
    tab.text.generate()
    if pause is None:
        studio.wait(lambda: tab.text.run() is None)
    return tab


def _texts(studio: Studio) -> TextTab:
    """Two earlier texts, and one with three versions."""
    tab = tab_of(studio)
    story = STORY[language()]
    parts = story.split("\n\n")
    for title in TITLES[language()][1:]:
        tab.text.open_with(title, parts[1])
    tab.text.new()
    for order in ((1, 0, 2), (2, 1, 0, 3), (0, 1, 2, 3)):
        _write(studio, "\n\n".join(parts[number] for number in order))
        assert tab.text.document is not None
        tab.text.document.set_title(TITLES[language()][0])
    assert tab.text.document is not None
    tab.text.set_favourite(tab.text.document.versions[1].id)
    tab.text.list_documents()
    studio.spin(700)
    _clear(studio)
    return tab


def _clear(studio: Studio) -> None:
    for toast in studio.window.toasts.toasts():
        studio.window.toasts.remove(toast)


def _empty(studio: Studio) -> None:
    tab_of(studio).activate()


def _writing(studio: Studio) -> None:
    tab = _texts(studio)
    tab.context.memory.note_speed("smollm2-135m-instruct", 58)
    _write(studio, STORY[language()], pause=-8)
    studio.wait(
        lambda: (
            tab.text.document is not None and len(tab.text.document.body) > len(STORY[language()]) - MISSING[language()]
        )
    )
    studio.spin(300)


def _written(studio: Studio) -> None:
    _texts(studio)


def _advanced(studio: Studio) -> None:
    tab = _texts(studio)
    tab.write_panel.form.set_values({"top_k": 60, "seed": 4_120_775})
    tab.write_panel.form.set_expanded(True)
    studio.spin(250)
    tab._area.verticalScrollBar().setValue(10_000)


def _templates(studio: Studio) -> None:
    tab_of(studio).write_panel.open_templates()


def _models(studio: Studio) -> None:
    tab_of(studio).picker.open_list()


def _compare(studio: Studio) -> None:
    _texts(studio).text.compare_with_before()


def _find(studio: Studio) -> None:
    tab = _texts(studio)
    tab.find()
    tab.text_stage.find_bar.field.setText("the" if language() == "en" else "灯")
    studio.spin(200)


def _rework(studio: Studio) -> None:
    tab = _texts(studio)
    tab.set_mode("rework")
    text = tab.text_stage.editor.text
    start = text.index("\n\n") + 2
    tab.text_stage.editor.select(start, text.index("\n\n", start))


def _reworked(studio: Studio) -> None:
    _rework(studio)
    tab = tab_of(studio)
    answers = {
        "en": "“You will not know me,” it began, “but I grew up under your light, and slept by its turns.”",
        "zh_CN": "信一开头就说：“你不会认识我，可我在你的灯下长大，数着它的光入睡。”",
    }
    studio.engine.play = Writing(answers[language()])
    tab.rework.rework()
    studio.wait(lambda: tab.rework.pending is not None and tab.rework.pending.run is None)
    studio.spin(700)


def _stopped(studio: Studio) -> None:
    _writing(studio)
    tab = tab_of(studio)
    tab.stop()
    studio.wait(lambda: tab.text.run() is None)


def _failed(studio: Studio) -> None:
    tab = tab_of(studio)
    studio.engine.play = fails("out-of-memory", details="ggml: 1.2 GB were asked for", device="CPU")
    tab.write_panel.prompt.set_text(BRIEF[language()])
    tab.text.generate()
    studio.wait(lambda: tab.text.run() is None)
    studio.spin(200)


def _no_prompt(studio: Studio) -> None:
    tab_of(studio).text.generate()


def _no_model(studio: Studio) -> None:
    tab_of(studio).picker.set_models([])
    studio.engine.installed = ()
    studio.services.bridge.refresh_models()
    studio.spin(100)


def _chat_empty(studio: Studio) -> None:
    tab_of(studio).set_mode("chat")


def _chat(studio: Studio, *, pause: bool = True) -> None:
    tab = tab_of(studio)
    tab.set_mode("chat")
    tab.chat_panel.persona.set_text(PERSONA[language()])
    tab.chat_panel.tone.set_current("warm")
    for asked, answered in CHAT[language()][:2]:
        studio.engine.play = Writing(answered)
        tab.chat.send(asked)
        assert tab.chat.document is not None
        tab.chat.document.set_title(CHAT_TITLE[language()])
        studio.wait(lambda: tab.chat.run() is None)
    asked, answered = CHAT[language()][2]
    studio.engine.play = Typing(answered) if pause else Writing(answered)
    tab.chat.send(asked)
    if pause:
        studio.wait(lambda: tab.chat.document is not None and answered[:-12] in tab.chat.document.text)
    else:
        studio.wait(lambda: tab.chat.run() is None)
    _clear(studio)
    studio.spin(250)


def _chat_done(studio: Studio) -> None:
    _chat(studio, pause=False)
    studio.spin(600)
    tab = tab_of(studio)
    studio.engine.play = Writing(CHAT[language()][2][1])
    tab.chat.regenerate()
    studio.wait(lambda: tab.chat.run() is None)
    studio.spin(700)


def _chat_editing(studio: Studio) -> None:
    _chat(studio, pause=False)
    tab_of(studio).chat.edit_last()
    studio.spin(700)


SCENES = [
    Scene("empty", _empty),
    Scene("writing", _writing),
    Scene("written", _written),
    Scene("stopped", _stopped),
    Scene("advanced", _advanced),
    Scene("templates", _templates),
    Scene("models", _models),
    Scene("compare", _compare),
    Scene("find", _find),
    Scene("rework", _rework),
    Scene("reworked", _reworked),
    Scene("failed", _failed),
    Scene("no-prompt", _no_prompt),
    Scene("no-model", _no_model),
    Scene("chat-empty", _chat_empty),
    Scene("chat", _chat),
    Scene("chat-done", _chat_done),
    Scene("chat-editing", _chat_editing),
]
