"""Conversations: branches, answers, undo."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.documents import ChatDocument
from studio.documents.chat import MessageGrew, PathChanged, SetupChanged


def answer(chat: ChatDocument, *pieces: str, after: str | None = None) -> str:
    message = chat.begin_answer("j", after)
    for piece in pieces:
        chat.append(message.id, piece)
    chat.finish(message.id)
    return message.id


def said(chat: ChatDocument) -> list[str]:
    return [message.content for message in chat.path]


def reopened(chat: ChatDocument) -> ChatDocument:
    again = ChatDocument()
    again.take(json.loads(chat.snapshot()[1]()))
    return again


def test_a_conversation_goes_back_and_forth(chat: ChatDocument) -> None:
    heard: list[Any] = []
    chat.subscribe(heard.append)
    chat.set_setup(persona="editor", system="You are brief.")
    chat.say("Hello")
    answer(chat, "Good ", "day.")
    chat.say("A title?")
    assert said(chat) == ["Hello", "Good day.", "A title?"]
    assert chat.messages_for_model() == [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": "A title?"},
    ]
    assert chat.script("Me", "Ada").turns == (("Me", "Hello"), ("Ada", "Good day."), ("Me", "A title?"))
    assert [event.piece for event in heard if isinstance(event, MessageGrew)] == ["Good ", "day."]
    assert any(isinstance(event, SetupChanged) for event in heard)
    assert any(isinstance(event, PathChanged) for event in heard)


def test_an_answer_is_one_undo_step(chat: ChatDocument) -> None:
    chat.say("Hello")
    message = chat.begin_answer("j1")
    chat.append(message.id, "Good")
    assert chat.busy
    assert not chat.undo()
    assert [m["content"] for m in chat.messages_for_model()] == ["Hello"]
    with pytest.raises(ValueError, match="being written"):
        chat.rewrite(message.id, "x")
    with pytest.raises(ValueError, match="being written"):
        chat.delete(chat.path[0].id)
    chat.finish(message.id, text="Good day.")
    assert chat.message_for_job("j1") == chat.path[-1]
    chat.append(message.id, "late")
    chat.undo()
    assert said(chat) == ["Hello"]
    chat.redo()
    assert said(chat) == ["Hello", "Good day."]


def test_an_answer_without_a_word_goes_away(chat: ChatDocument) -> None:
    chat.say("Hello")
    first = answer(chat, "One")
    again = chat.regenerate(first)
    assert said(chat) == ["Hello", ""]
    assert chat.finish(again.id, "stopped") is None
    assert said(chat) == ["Hello", "One"]


def test_regenerating_keeps_both_answers(chat: ChatDocument) -> None:
    question = chat.say("Hello")
    first = answer(chat, "One")
    chat.say("And?")
    again = chat.regenerate(first, "j2")
    assert [m["content"] for m in chat.messages_for_model(question.id)] == ["Hello"]
    chat.append(again.id, "Two")
    chat.finish(again.id)
    assert said(chat) == ["Hello", "Two"]
    assert [m.content for m in chat.siblings(first)] == ["One", "Two"]
    chat.select(first)
    assert said(chat) == ["Hello", "One", "And?"]
    chat.select(again.id)
    assert said(chat) == ["Hello", "Two"]
    chat.undo()
    assert said(chat) == ["Hello", "One", "And?"]
    chat.redo()
    assert said(chat) == ["Hello", "Two"]


def test_editing_a_question_makes_a_branch(chat: ChatDocument) -> None:
    question = chat.say("Hello")
    first = answer(chat, "One")
    edited = chat.edit(question.id, "Good evening")
    assert said(chat) == ["Good evening"]
    answer(chat, "Two")
    assert said(chat) == ["Good evening", "Two"]
    chat.select(first)
    assert said(chat) == ["Hello", "One"]
    assert [m.id for m in chat.siblings(edited.id)] == [question.id, edited.id]
    chat.rewrite(question.id, "Hello you")
    assert said(chat) == ["Hello you", "One"]
    chat.undo()
    assert said(chat) == ["Hello", "One"]


def test_a_branch_can_start_anywhere(chat: ChatDocument) -> None:
    chat.say("Hello")
    first = answer(chat, "One")
    chat.say("And?")
    chat.branch_from(first)
    assert said(chat) == ["Hello", "One"]
    chat.say("Or?")
    assert said(chat) == ["Hello", "One", "Or?"]
    chat.undo()
    assert said(chat) == ["Hello", "One"]


def test_deleting_takes_what_follows_and_can_be_undone(chat: ChatDocument) -> None:
    question = chat.say("Hello")
    first = answer(chat, "One")
    chat.say("And?")
    second = chat.regenerate(first)
    chat.finish(second.id, text="Two")
    chat.select(first)
    chat.delete(first)
    assert said(chat) == ["Hello", "Two"]
    chat.undo()
    assert said(chat) == ["Hello", "One", "And?"]
    chat.delete(question.id)
    assert said(chat) == []
    assert chat.messages_for_model() == []
    chat.undo()
    assert said(chat) == ["Hello", "One", "And?"]
    with pytest.raises(KeyError):
        chat.delete("nothing")
    with pytest.raises(KeyError):
        chat.say("x", after="nothing")


def test_a_round_trip_keeps_every_branch_and_what_is_unknown(chat: ChatDocument) -> None:
    chat.set_setup(persona="p", system="s", params={"temperature": 0.5})
    chat.say("Hello")
    chat.select(answer(chat, "灯"))
    data = json.loads(chat.snapshot()[1]())
    data["later"] = 1
    data["content"]["setup"]["voice"] = "calm"
    data["content"]["messages"][0]["rating"] = 5
    again = ChatDocument()
    again.take(data)
    kept = json.loads(again.snapshot()[1]())
    assert (kept["later"], kept["content"]["setup"]["voice"], kept["content"]["messages"][0]["rating"]) == (
        1,
        "calm",
        5,
    )
    assert said(again) == ["Hello", "灯"]
    assert again.setup.params == {"temperature": 0.5}


def test_an_answer_left_unfinished_is_stopped_and_can_be_completed(chat: ChatDocument) -> None:
    chat.say("Hello")
    message = chat.begin_answer("j")
    chat.append(message.id, "Good")
    again = reopened(chat)
    assert [(m.content, m.state) for m in again.path] == [("Hello", "done"), ("Good", "stopped")]
    assert not again.busy
    again.finish(message.id, text="Bad day")
    assert said(again)[-1] == "Good"
    again.finish(message.id, text="Good day")
    assert [(m.content, m.state) for m in again.path][-1] == ("Good day", "done")


@pytest.mark.parametrize(
    "messages",
    [
        [{"id": "a", "parent": "b", "role": "user"}],
        [{"id": "a", "parent": "", "role": "king"}],
        [{"id": "a", "parent": "a", "role": "user"}],
        [{"id": "a", "parent": "b", "role": "user"}, {"id": "b", "parent": "a", "role": "user"}],
        [{"parent": ""}],
        [{"id": 5, "parent": "", "role": "user"}],
        "text",
    ],
)
def test_what_is_no_conversation_is_refused(chat: ChatDocument, messages: Any) -> None:
    data = json.loads(chat.snapshot()[1]())
    data["content"]["messages"] = messages
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        ChatDocument().take(data)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["say", "answer", "edit", "again", "delete", "select", "branch"]), st.integers(0, 9))
    )
)
def test_undo_and_redo_retrace_every_step(steps: list[tuple[str, int]]) -> None:
    chat = ChatDocument()
    for number, (step, which) in enumerate(steps):
        ids = list(chat._messages)
        if step == "say" or not ids:
            chat.say(f"s{number}")
            continue
        id = ids[which % len(ids)]
        match step:
            case "answer":
                answer(chat, f"a{number}")
            case "edit":
                chat.edit(id, f"e{number}")
            case "again":
                chat.finish(chat.regenerate(id).id, text=f"r{number}")
            case "delete":
                chat.delete(id)
            case "select":
                chat.select(id)
            case _:
                chat.branch_from(id)
        assert all(parent.id == child.parent for parent, child in zip(chat.path, chat.path[1:], strict=False))
    last = dict(chat._messages)
    while chat.undo():
        assert len(chat.path) <= len(chat._messages)
    assert chat._messages == {}
    while chat.redo():
        pass
    assert chat._messages == last
    assert reopened(chat)._messages == last
