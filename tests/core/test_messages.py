"""Every message survives the wire; a frame that is none is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import messages
from studio.core.activities import Activity, ActivityKind, ActivityState, FileProgress
from studio.core.jobs import Artifact, Blob, Failure, Medium, Request, Task

REQUEST = Request(
    medium=Medium.TEXT,
    family="gguf",
    model="smollm2-135m-instruct",
    task=Task.CHAT,
    params={"messages": [{"role": "user", "content": "你好 👋"}], "seed": 1},
    inputs={"image": Blob("ab" * 32, 7, "image/png")},
    parents=("p1",),
    origin={"document": "d"},
)
ARTIFACT = Artifact("text.txt", Blob("cd" * 32, 12, "text/plain"), {"words": 3})
ACTIVITY = Activity(
    "a",
    ActivityKind.DOWNLOAD,
    ActivityState.FAILED,
    "SmolLM2",
    done=5,
    total=9,
    files=(FileProgress("model.safetensors", 9, 5, ActivityState.FAILED),),
    failure=Failure("disk-full", {"path": "/x"}),
)
EXAMPLES = [
    messages.Run("j", REQUEST, "/staging/故事", {"ab" * 32: "/in.png"}),
    messages.Cancel("j"),
    messages.Attach("j", 4),
    messages.Query("q", "tokens", {"request": REQUEST.to_json()}),
    messages.Shutdown(),
    messages.Ready(messages.PROTOCOL, 12, {"id": "cpu"}),
    messages.Answer("q", {"prompt": 3}),
    messages.Answer("q", None, Failure("model-unknown", {"model": "x"})),
    messages.Resident({"id": "cpu"}),
    messages.Beat("load", 1.5),
    messages.Hung("j", "run", 180.0),
    messages.Unhung("j"),
    messages.ActivityChanged({"id": "a", "state": "running", "files": []}),
    messages.ModelsChanged(),
    messages.Started("j", 1),
    messages.Phase("j", 2, "load"),
    messages.Progress("j", 3, 5, 10, 2.5),
    messages.TextDelta("j", 4, "naïve 文"),
    messages.Usage("j", 5, {"written_tokens": 3}),
    messages.Preview("j", 6, "image/png", b"\x00\xff"),
    messages.AudioDelta("j", 7, 24_000, 1, bytes(range(256))),
    messages.Segment("j", 8, 2, 1.5, 3.25, "第二句。"),
    messages.Done("j", 8, (ARTIFACT,), {"run": 1.0}),
    messages.Failed("j", 9, Failure("disk-full", {"path": "/x"}, "details"), (ARTIFACT,)),
    messages.CancelledJob("j", 10),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: f"{message.kind}")
def test_every_message_survives_the_wire(message):
    assert messages.unpack(messages.pack(message)) == message


def test_an_activity_survives_json():
    assert Activity.from_json(json.loads(json.dumps(ACTIVITY.to_json()))) == ACTIVITY


def test_the_examples_cover_every_kind():
    def leaves(cls):
        return {cls} if cls.kind else set()

    def walk(cls):
        return leaves(cls).union(*(walk(sub) for sub in cls.__subclasses__()))

    defined = {cls for cls in walk(messages.Message) if cls.__module__ == messages.__name__}
    assert {type(message) for message in EXAMPLES} == defined


@given(st.binary() | st.sampled_from([b"[]", b"{}", b'{"kind":"run"}', b"null"]))
def test_bytes_that_are_no_frame_raise_value_error(data):
    for frame in (data, len(data).to_bytes(4, "big") + data):
        with pytest.raises(ValueError):
            messages.unpack(frame)


@given(st.text(), st.binary())
def test_text_and_payload_are_kept_exactly(text, payload):
    for message in (messages.TextDelta("j", 1, text), messages.AudioDelta("j", 1, 1, 1, payload)):
        assert messages.unpack(messages.pack(message)) == message


def test_fields_of_a_newer_peer_are_ignored():
    frame = messages.pack(messages.Beat("idle", 0.0))
    length = int.from_bytes(frame[:4], "big")
    header = frame[4 : 4 + length].replace(b'"phase"', b'"later":1,"phase"')
    assert messages.unpack(len(header).to_bytes(4, "big") + header) == messages.Beat("idle", 0.0)


def test_a_handshake_is_one_line_and_anything_else_is_refused():
    handshake = messages.Handshake("\0name", "ab" * 32, ("tests.stub",), 5)
    line = handshake.dumps()
    assert line.count(b"\n") == 1
    assert messages.Handshake.loads(line) == handshake
    for wrong in (b"", b"\n", b"[]", b"{}", b"\xff", b"null"):
        with pytest.raises(ValueError):
            messages.Handshake.loads(wrong)
