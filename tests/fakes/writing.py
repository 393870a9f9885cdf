"""A few writing templates for tests, so that they do not hang on the wording that ships."""

from __future__ import annotations

from studio.core.jobs import Task
from studio.documents.templates import Action, Example, Persona, Template, TemplateSet, Tone, Words


def _words(en: str, zh_cn: str = "") -> Words:
    return Words(en, zh_cn or en)


TEMPLATES = TemplateSet(
    templates=(
        Template(
            id="short-story",
            icon="ph.book-open",
            title=_words("Short story", "短篇故事"),
            placeholder=_words("Who, where, and what happens"),
            task=Task.INSTRUCT,
            prompt=_words("Write a short story. {brief}\n{tone}\nAbout {words} words."),
            system=_words("You are a writer."),
            words=300,
            words_range=(50, 1000),
            params={"temperature": 0.9},
            examples=(
                Example(_words("A lamp by the sea", "海边的灯"), _words("A keeper finds a letter.", "写一封信")),
            ),
        ),
        *(
            Template(
                id=id,
                icon=icon,
                title=_words(title),
                placeholder=_words("What it is about"),
                task=Task.INSTRUCT,
                prompt=_words(f"{title}: {{brief}}\n{{tone}}"),
                words=120,
                words_range=(20, 400),
                examples=(Example(_words(f"Sample {title.lower()}"), _words(f"About the {id}.")),),
            )
            for id, icon, title in (
                ("lyrics", "ph.music-note", "Lyrics"),
                ("dialogue", "ph.chats", "Dialogue"),
                ("label", "ph.tag", "Product text"),
                ("letter", "ph.envelope-simple", "Letter"),
            )
        ),
        Template(
            id="blank",
            icon="ph.file",
            title=_words("Blank", "空白"),
            placeholder=_words("Ask for anything"),
            task=Task.INSTRUCT,
            prompt=_words("{brief}"),
        ),
        Template(
            id="go-on",
            icon="ph.arrow-right",
            title=_words("Go on", "续写"),
            placeholder=_words("The beginning of a text"),
            task=Task.CONTINUE,
            prompt=_words("{brief}"),
            words=150,
        ),
    ),
    tones=tuple(
        Tone(id, _words(title), _words(f"Write in a {id} tone."))
        for id, title in (("warm", "Warm"), ("plain", "Plain"), ("playful", "Playful"), ("solemn", "Solemn"))
    ),
    actions=(
        Action("shorter", "ph.arrows-in-line-vertical", _words("Shorter"), Task.INSTRUCT, _words("Shorten: {text}")),
        Action("longer", "ph.arrows-out-line-vertical", _words("Longer"), Task.INSTRUCT, _words("Lengthen: {text}")),
        Action(
            "tone",
            "ph.smiley",
            _words("Another tone"),
            Task.INSTRUCT,
            _words("{tone}\n{text}"),
            needs_tone=True,
        ),
        Action("fix", "ph.check", _words("Fix"), Task.INSTRUCT, _words("Correct: {text}")),
        Action("go-on", "ph.arrow-right", _words("Continue"), Task.CONTINUE, _words("{text}"), append=True),
    ),
    personas=(
        Persona(
            "editor",
            "ph.pencil-line",
            _words("Editor", "编辑"),
            _words("Reads closely"),
            _words("You are a patient editor.", "你是耐心的编辑。"),
            {"temperature": 0.5},
            (Example(_words("Three titles", "三个标题"), _words("Give me three titles.", "给我三个标题。")),),
        ),
    ),
)
