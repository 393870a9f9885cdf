"""What the hub knows, and how little of it is believed."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from studio.core.errors import AtelierError, Cancelled
from studio.model_manager.hub.api import Hub, RemoteFile, fits_windows, stays_below
from studio.model_manager.hub.endpoint import Endpoint
from studio.model_manager.hub.wire import Patience
from tests.fakes.hub import FakeHub

QUICK = Patience(connection=1.0, stall=0.15, first=0.001)


@pytest.fixture
def hub(fake: FakeHub) -> Hub:
    return Hub(Endpoint(fake.url), patience=QUICK)


def answers(fake: FakeHub, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the hub say `data`, whatever it is asked."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    monkeypatch.setattr("tests.fakes.hub_server.Handler.json", lambda self, _data: self.answer(200, body, {}))


def test_a_model_with_its_files(fake: FakeHub, hub: Hub) -> None:
    config = {"model_type": "llama"}
    commit = fake.add(
        "o/n",
        {"config.json": b"{}", "sub/model.safetensors": bytes(100_000), "ü.txt": b"x"},
        pipeline_tag="text-generation",
        library_name="transformers",
        tags=["license:mit", "en"],
        likes=3,
        downloads=9,
        config=config,
        cardData={"license": "apache-2.0"},
    )
    model = hub.model("o/n")
    files = fake.repositories["o/n"].commits[commit]
    assert model.commit == commit and model == hub.model("o/n", commit)
    assert model.files == tuple(
        RemoteFile(file.name, file.size, file.sha256, "" if file.sha256 else file.git_sha1) for file in files.values()
    )
    assert (model.license, model.pipeline, model.library) == ("apache-2.0", "text-generation", "transformers")
    assert (model.likes, model.downloads, model.config) == (3, 9, config) and not model.gated


def test_a_branch_with_slashes_in_its_name(fake: FakeHub, hub: Hub) -> None:
    main = fake.add("o/n", {"a": b"main"})
    other = fake.add("o/n", {"a": b"other"}, revision="refs/pr/28")
    assert hub.model("o/n").commit == main and hub.model("o/n", "refs/pr/28").commit == other
    assert hub.read("o/n", other, "a") == b"other" == hub.read("o/n", "refs/pr/28", "a")


@pytest.mark.parametrize(
    ("card", "tags", "expected"),
    [
        ({"license": "mit"}, [], "mit"),
        ({"license": "other", "license_name": "llama3"}, [], "llama3"),
        ({"license": ["mit", "gpl"]}, [], ""),
        (None, ["x", "license:gemma"], "gemma"),
        (None, [], ""),
    ],
)
def test_the_licence_is_what_the_card_says(fake: FakeHub, hub: Hub, card: Any, tags: list[str], expected: str) -> None:
    fake.add("o/n", {"a": b""}, cardData=card, tags=tags)
    assert hub.model("o/n").license == expected


def test_search_finds_by_name_and_by_every_tag(fake: FakeHub, hub: Hub) -> None:
    for name, tags, downloads in (("o/bird", ["tts"], 1), ("o/big-bird", ["tts", "zh"], 5), ("o/cat", ["tts"], 9)):
        fake.add(name, {"a": b""}, tags=tags, downloads=downloads)
    assert [model.repository for model in hub.search("bird")] == ["o/big-bird", "o/bird"]
    assert [model.repository for model in hub.search("bird", filters=["tts", "zh"])] == ["o/big-bird"]
    assert [model.repository for model in hub.search("", limit=1)] == ["o/cat"]
    assert hub.search("& a=b ü") == []


def test_small_files_are_read_and_large_ones_are_not(fake: FakeHub, hub: Hub) -> None:
    commit = fake.add("o/n", {"a b/ü.json": b"{}", "large": bytes(200_000)})
    assert hub.read("o/n", commit, "a b/ü.json") == b"{}"
    with pytest.raises(AtelierError) as raised:
        hub.read("o/n", commit, "large", limit=100_000)
    assert raised.value.code == "hub-too-large"
    assert hub.read("o/n", commit, "large", limit=200_000) == bytes(200_000)


def test_answers_may_come_compressed(fake: FakeHub, hub: Hub) -> None:
    commit = fake.add("o/n", {"a.json": b"{}" * 1000})
    fake.fault("gzip")
    assert hub.read("o/n", commit, "a.json") == b"{}" * 1000
    assert fake.requests[-1].headers["accept-encoding"] == "gzip"


def test_troubles_that_pass_are_not_told(fake: FakeHub, hub: Hub) -> None:
    fake.add("o/n", {"a": b""})
    fake.fault("status", status=503, times=2)
    assert hub.model("o/n").files
    fake.fault("silent")
    assert hub.model("o/n").files


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 500}, "hub-out-of-order"),
        ({"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}}, "hub-busy"),
        ({"kind": "page"}, "hub-strange"),
        ({"kind": "silent"}, "hub-interrupted"),
    ],
)
def test_those_that_do_not_are_told_soon(fake: FakeHub, hub: Hub, fault: dict[str, Any], code: str) -> None:
    fake.fault(times=-1, **fault)
    with pytest.raises(AtelierError) as raised:
        hub.model("o/n")
    assert raised.value.code == code
    assert hub.access("o/n") is None


def test_a_stop_ends_a_question(fake: FakeHub, hub: Hub) -> None:
    fake.fault("silent", times=-1)
    stop = threading.Event()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    with pytest.raises(Cancelled):
        hub.search("x", stop=stop)
    timer.join()


@pytest.mark.parametrize(
    "name", ["nothing/here", "../x", "a/b/c", "a/..", "-x/y", "o/n\n", "ü/x", "o/n?x=1", "x" * 300]
)
def test_names_that_nothing_has(fake: FakeHub, hub: Hub, name: str) -> None:
    with pytest.raises(AtelierError) as raised:
        hub.model(name)
    assert raised.value.code in ("hub-missing", "hub-private")
    assert len(fake.requests) == (name == "nothing/here"), "what cannot be a name is not asked for"


GOOD = {"id": "o/n", "sha": "a" * 40, "siblings": [{"rfilename": "f", "size": 1, "blobId": "b" * 40}]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b"[" * 100_000,
        b"\xff\xfe",
        [],
        {},
        "text",
        {**GOOD, "id": "../../x"},
        {**GOOD, "sha": "main"},
        {**GOOD, "sha": None},
        {**GOOD, "siblings": ["f"]},
        {**GOOD, "siblings": [{"rfilename": None}]},
        *(
            {**GOOD, "siblings": [{"rfilename": "f", **wrong}]}
            for wrong in (
                {},
                {"size": -1, "blobId": "b" * 40},
                {"size": 2**63, "blobId": "b" * 40},
                {"size": "1", "blobId": "b" * 40},
                {"size": True, "blobId": "b" * 40},
                {"size": 1, "blobId": "../../evil"},
                {"size": 1, "blobId": "B" * 40},
                {"size": 1, "lfs": {"size": 1, "sha256": "/etc/passwd"}},
                {"size": 1, "lfs": {"size": 1}},
            )
        ),
    ],
)
def test_an_answer_that_is_none_is_not_believed(
    fake: FakeHub, hub: Hub, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add("o/n", {"a": b""})
    answers(fake, data, monkeypatch)
    with pytest.raises(AtelierError) as raised:
        hub.model("o/n")
    assert raised.value.code == "hub-strange"


def test_odd_kinds_of_what_is_only_shown_are_left_out(fake: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.add("o/n", {"a": b""})
    odd = {"tags": [1, "en"], "likes": "many", "downloads": -4, "pipeline_tag": 7, "config": [], "cardData": "x"}
    answers(fake, {**GOOD, **odd}, monkeypatch)
    model = hub.model("o/n")
    assert (model.tags, model.likes, model.downloads, model.pipeline) == (("en",), 0, 0, "") and not model.config
    answers(fake, [GOOD, None, {"id": "../x"}, {}], monkeypatch)
    assert [found.repository for found in hub.search("x")] == ["o/n"]


UNSAFE = [
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a//b",
    "a/./b",
    "",
    "C:/x",
    "c:x",
    "a\\..\\b",
    "a\0b",
    "a\nb",
    "x" * 1001,
]


@pytest.mark.parametrize("name", [*UNSAFE, "\ud800", "ü" * 200])
def test_names_of_files_that_lead_elsewhere_are_refused(
    fake: FakeHub, hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not stays_below(name)
    fake.add("o/n", {"a": b""})
    answers(fake, {**GOOD, "siblings": [{"rfilename": name, "size": 1, "blobId": "b" * 40}]}, monkeypatch)
    with pytest.raises(AtelierError) as raised:
        hub.model("o/n")
    assert raised.value.code == "hub-unsafe-name"


def test_names_that_only_windows_cannot_have(fake: FakeHub, hub: Hub) -> None:
    for name in ("runs/10:22", "con", "a/NUL.txt", "com1.json", "a.", "a /b", "what?"):
        assert stays_below(name) and not fits_windows(name)
    for name in ("config.json", "a/b c.txt", ".gitattributes", "…/模型.bin", "console.txt", "a..b"):
        assert stays_below(name) and fits_windows(name)
    fake.add("o/n", {"runs/10:22": b""})
    assert len(hub.model("o/n").files) == 1


def test_a_huge_answer_is_cut_off(fake: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.model_manager.hub.api._ANSWER_LIMIT", 1000)
    fake.add("o/n", {f"file-{number}": b"" for number in range(50)})
    with pytest.raises(AtelierError) as raised:
        hub.model("o/n")
    assert raised.value.code == "hub-strange"


@pytest.mark.parametrize("ranges", [True, False])
def test_the_beginning_of_a_file_is_read_alone(fake: FakeHub, hub: Hub, ranges: bool) -> None:
    commit = fake.add("o/n", {"large.gguf": bytes(range(250)) * 400, "small.gguf": b"abc", "empty.gguf": b""})
    if not ranges:
        fake.fault("no-range", times=-1)
    assert hub.start("o/n", commit, "large.gguf", 300) == (bytes(range(250)) * 2)[:300]
    assert hub.start("o/n", commit, "small.gguf", 300) == b"abc"
    assert hub.start("o/n", commit, "empty.gguf", 300) == b""


def test_a_search_tells_the_names_of_files(fake: FakeHub, hub: Hub) -> None:
    fake.add("o/n", {"a.gguf": b"1", "sub/b.bin": b"2"})
    (found,) = hub.search("n")
    assert (found.names, found.files) == (("a.gguf", "sub/b.bin"), ())
