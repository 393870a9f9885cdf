"""A conversation: a tree of messages, of which one path is shown. Editing a question or asking for another answer
makes a branch; nothing that was said is lost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeVar

from studio.core.i18n import N_, _
from studio.core.jobs import new_id
from studio.documents.base import Change, Command, Document, from_json, to_json
from studio.documents.text import DONE, STOPPED, WRITING, State
from studio.media.text import Script

USER, ASSISTANT = "user", "assistant"
Role = Literal["user", "assistant"]
ROOT = ""
_END = ""


@dataclass(frozen=True)
class Message:
    """`parent` is the id of the message before it (`ROOT`: the first). `number` counts the document's messages;
    `job` and `item` (of the library) say what made an answer."""

    id: str
    parent: str
    role: str
    content: str = ""
    created: float = 0.0
    number: int = 0
    state: str = DONE
    job: str = ""
    item: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Setup:
    """Who answers, and how: id of a persona and its system text (the user may change it), id of a tone, the length in
    words (0: open), the model, and the family's parameters that the user changed."""

    persona: str = ""
    system: str = ""
    tone: str = ""
    words: int = 0
    model: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SetupChanged(Change):
    pass


@dataclass(frozen=True)
class PathChanged(Change):
    """Other messages are shown, or one of them changed as a whole: ask `path`."""


@dataclass(frozen=True)
class MessageGrew(Change):
    """`piece` was added to the end of a message."""

    message: str
    piece: str


class ChatDocument(Document):
    """Errors: an unknown message id raises `KeyError`, a change of an answer that is being written `ValueError`
    (faults of the caller, not of the user)."""

    kind: ClassVar[str] = "chat"
    untitled: ClassVar[str] = N_("Conversation")

    def __init__(self, id: str = "", project: str = "", title: str = "") -> None:
        super().__init__(id, project, title)
        self.setup = Setup()
        self._messages: dict[str, Message] = {}
        # Which of its children follows a message on the path: without an entry the newest, `_END` for none.
        self._chosen: dict[str, str] = {}
        self._writing: set[str] = set()

    @property
    def path(self) -> list[Message]:
        """The messages that are shown, from the first to the last."""
        with self.lock:
            children = self._children()
            path: list[Message] = []
            here = ROOT
            while following := children.get(here):
                chosen = self._chosen.get(here, following[-1].id)
                message = next((child for child in following if child.id == chosen), None)
                if message is None:
                    break
                path.append(message)
                here = message.id
            return path

    @property
    def text(self) -> str:
        return "\n\n".join(message.content for message in self.path)

    @property
    def busy(self) -> bool:
        return bool(self._writing)

    def message(self, id: str) -> Message:
        return self._messages[id]

    def message_for_job(self, job: str) -> Message | None:
        return next((message for message in self._messages.values() if message.job == job), None)

    def siblings(self, id: str) -> list[Message]:
        """The message and those that stand in its place on other branches, the oldest first."""
        return self._children()[self._messages[id].parent]

    def messages_for_model(self, upto: str | None = None) -> list[dict[str, str]]:
        """The path as the parameter `messages` takes it: the system text, then what was said. `upto`: only the
        messages up to this one, wherever it stands in the tree."""
        path = self.path if upto is None else self._line(upto)
        system = [{"role": "system", "content": self.setup.system}] if self.setup.system.strip() else []
        said = [m for m in path if m.content.strip() and m.id not in self._writing]
        return system + [{"role": message.role, "content": message.content} for message in said]

    def script(self, user: str = "", assistant: str = "") -> Script:
        """The path for `media.text.export`, with the names of the two speakers."""
        names = {USER: user or _("You"), ASSISTANT: assistant or _("Assistant")}
        return Script(self.title, turns=tuple((names[message.role], message.content) for message in self.path))

    def set_setup(self, **changes: Any) -> None:
        """Change fields of the set-up. Not an undo step."""
        with self.editing():
            self.setup = replace(self.setup, **changes)
        self._tell(SetupChanged(self))

    # What the user does

    def say(self, content: str, after: str | None = None) -> Message:
        """A new message by the user, after the last one shown or after the message `after`. One undo step."""
        return self._add(USER, content, after, _("Send"))

    def edit(self, id: str, content: str) -> Message:
        """A new version of a message, beside the old one, which begins a branch of its own. One undo step."""
        old = self._messages[id]
        self._check_idle(id)
        return self._add(old.role, content, old.parent, _("Edit message"))

    def rewrite(self, id: str, content: str) -> None:
        """Change a message where it stands, keeping what follows it. One undo step."""
        self._check_idle(id)
        self._do_patch({id: replace(self._messages[id], content=content)}, {}, _("Edit message"))

    def select(self, id: str) -> None:
        """Show the branch that goes through a message. Not an undo step."""
        chosen = {message.parent: message.id for message in self._line(id)}
        with self.editing():
            self._patch({}, chosen)

    def branch_from(self, id: str) -> None:
        """Show the conversation up to a message only: what is said next begins a branch. Not an undo step."""
        chosen = {message.parent: message.id for message in self._line(id)}
        with self.editing():
            self._patch({}, {**chosen, id: _END})

    def delete(self, id: str) -> None:
        """Remove a message and all that follows it on its branches. One undo step."""
        children = self._children()
        doomed, waiting = [], [id]
        while waiting:
            here = waiting.pop()
            self._check_idle(here)
            doomed.append(here)
            waiting += [message.id for message in children.get(here, ())]
        parent = self._messages[id].parent
        rest = [message for message in children[parent] if message.id != id]
        chosen: dict[str, str | None] = dict.fromkeys(doomed)
        if self._chosen.get(parent, id) == id:
            chosen[parent] = rest[-1].id if rest else None
        self._do_patch(dict.fromkeys(doomed), chosen, _("Delete message"))

    # What the model does

    def begin_answer(self, job: str = "", after: str | None = None) -> Message:
        """An empty answer that a model will write, after the last message shown or after the message `after`. With its
        words it becomes one undo step."""
        message = self._new(ASSISTANT, "", after)
        message = replace(message, state=WRITING, job=job)
        with self.editing():
            self._writing.add(message.id)
            self._patch({message.id: message}, self._choice(message))
        return message

    def regenerate(self, id: str, job: str = "") -> Message:
        """Another answer in the place of the answer `id`, which stays as its sibling."""
        return self.begin_answer(job, after=self._messages[id].parent)

    def append(self, id: str, piece: str) -> None:
        """Newly written text of an answer; late pieces of one that is not being written are dropped."""
        if id not in self._writing or not piece:
            return
        with self.editing():
            message = self._messages[id]
            self._messages[id] = replace(message, content=message.content + piece)
            self._tell(MessageGrew(self, id, piece))

    def finish(self, id: str, state: State = DONE, text: str | None = None) -> Message | None:
        """The model is done with an answer (or was stopped); `text`, if given, is all of it. An answer without a word
        goes away: then the result is None. One whose writing was interrupted by a restart is completed if `text` goes
        on from it, else left alone."""
        if id not in self._writing:
            message = self._messages.get(id)
            if message and message.state == STOPPED and text and text.startswith(message.content):
                message = replace(message, content=text, state=state)
                with self.editing():
                    self._patch({id: message}, {})
            return message
        with self.editing():
            self._writing.discard(id)
            message = self._messages[id]
            message = replace(message, state=state, content=message.content if text is None else text)
            if not message.content:
                self._patch({id: None}, {message.parent: None})
                return None
            self._patch({id: message}, {})
        self.seal()
        self._remember(_Patch({id: (None, message)}, {message.parent: (None, id)}, _("Answer")))
        self.seal()
        return message

    def set_origin(self, id: str, job: str | None = None, item: str | None = None) -> None:
        """Note which job makes, or which item of the library holds, an answer. Not an undo step."""
        message = self._messages[id]
        with self.editing():
            message = replace(message, job=message.job if job is None else job)
            self._messages[id] = replace(message, item=message.item if item is None else item)

    # Inside

    def _children(self) -> dict[str, list[Message]]:
        children: dict[str, list[Message]] = {}
        for message in sorted(self._messages.values(), key=lambda message: message.number):
            children.setdefault(message.parent, []).append(message)
        return children

    def _line(self, id: str) -> list[Message]:
        """From the first message to `id`."""
        line: list[Message] = []
        while id != ROOT:
            line.append(self._messages[id])
            id = self._messages[id].parent
        return line[::-1]

    def _check_idle(self, id: str) -> None:
        if id in self._writing:
            raise ValueError("the answer is being written")

    def _new(self, role: str, content: str, after: str | None) -> Message:
        path = self.path
        parent = after if after is not None else path[-1].id if path else ROOT
        if parent != ROOT:
            self._messages[parent]  # KeyError for a message that is not there
        number = max((message.number for message in self._messages.values()), default=0) + 1
        return Message(new_id(), parent, role, content, time.time(), number)

    def _add(self, role: str, content: str, after: str | None, label: str) -> Message:
        message = self._new(role, content, after)
        self._do_patch({message.id: message}, self._choice(message), label)
        return message

    def _choice(self, message: Message) -> dict[str, str | None]:
        """The path that leads to a new message."""
        line = self._line(message.parent)
        return {**{each.parent: each.id for each in line}, message.parent: message.id}

    def _do_patch(self, messages: Mapping[str, Message | None], chosen: Mapping[str, str | None], label: str) -> None:
        self.seal()
        self._do(
            _Patch(
                {id: (self._messages.get(id), message) for id, message in messages.items()},
                {id: (self._chosen.get(id), choice) for id, choice in chosen.items()},
                label,
            )
        )
        self.seal()

    def _patch(self, messages: Mapping[str, Message | None], chosen: Mapping[str, str | None]) -> None:
        _apply(self._messages, messages)
        _apply(self._chosen, chosen)
        self._tell(PathChanged(self))

    def _content(self) -> dict[str, Any]:
        messages = sorted(self._messages.values(), key=lambda message: message.number)
        return {
            "setup": to_json(self.setup),
            "messages": [to_json(message) for message in messages],
            "chosen": dict(self._chosen),
        }

    def _load(self, content: Mapping[str, Any]) -> None:
        self.setup = from_json(Setup, content["setup"])
        messages = [from_json(Message, item) for item in content["messages"]]
        before = {ROOT}
        for message in messages:
            if message.role not in (USER, ASSISTANT) or message.parent not in before or message.id in before:
                raise ValueError(f"message {message.id} stands nowhere")
            before.add(message.id)
        # Whoever was writing is gone.
        messages = [replace(message, state=STOPPED) if message.state == WRITING else message for message in messages]
        self._messages = {message.id: message for message in messages}
        self._chosen = {str(id): str(choice) for id, choice in content["chosen"].items()}


V = TypeVar("V")


def _apply(values: dict[str, V], changes: Mapping[str, V | None]) -> None:
    for id, value in changes.items():
        if value is None:
            values.pop(id, None)
        else:
            values[id] = value


@dataclass
class _Patch:
    """Messages that came, went or changed, and choices of branches: (before, after) of each."""

    messages: dict[str, tuple[Message | None, Message | None]]
    chosen: dict[str, tuple[str | None, str | None]]
    label: str = ""

    @property
    def size(self) -> int:
        return sum(len(message.content) for pair in self.messages.values() for message in pair if message)

    def apply(self, document: ChatDocument) -> None:
        document._patch(
            {id: after for id, (_before, after) in self.messages.items()},
            {id: after for id, (_before, after) in self.chosen.items()},
        )

    def revert(self, document: ChatDocument) -> None:
        document._patch(
            {id: before for id, (before, _after) in self.messages.items()},
            {id: before for id, (before, _after) in self.chosen.items()},
        )

    def merge(self, following: Command) -> Command | None:
        return None
