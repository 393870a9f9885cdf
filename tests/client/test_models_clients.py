"""What every `ModelsClient` does, shown on the one in memory and on the real child with a hub on loopback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.activities import Activity, ActivityKind, ActivityState
from studio.core.errors import AtelierError
from studio.core.models import ModelState
from tests.fakes.hub import FakeHub
from tests.fakes.models_bench import MODEL, WEIGHTS, InChild, InMemory, ModelsBench


@pytest.fixture(params=["fake", "local"])
def bench(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelsBench]:
    with FakeHub() as hub:
        made = InMemory() if request.param == "fake" else InChild(hub, monkeypatch, str(home))
        yield made
        made.client.stop()


def test_a_download_goes_from_queued_to_done_and_the_model_is_there(bench: ModelsBench) -> None:
    assert bench.info() is None
    done = bench.get()
    assert (done.kind, done.state, done.model) == (ActivityKind.DOWNLOAD, ActivityState.DONE, MODEL)
    assert done.done == done.total > 0
    assert done.failure is None
    assert all(file.state is ActivityState.DONE and file.done == file.size for file in done.files)
    states = [told.state for told in bench.told(done.id)]
    assert (states[0], states[-1]) == (ActivityState.QUEUED, ActivityState.DONE)
    assert ActivityState.RUNNING in states
    amounts = [told.done for told in bench.told(done.id)]
    assert amounts == sorted(amounts)
    bench.wait(lambda: bench.changes() > 0)
    info = bench.info()
    assert info
    assert (info.state, info.origin, info.title) == (ModelState.INSTALLED, "hub", "tiny")


def test_a_model_that_is_under_way_is_joined(bench: ModelsBench) -> None:
    bench.hold()
    first = bench.client.download(MODEL).result(20)
    bench.until(first, lambda told: told.done > 0)
    assert bench.client.download(MODEL).result(20) == first
    bench.client.cancel(first).result(20)
    bench.ended(first)


def test_a_paused_download_stands_still_and_goes_on(bench: ModelsBench) -> None:
    bench.hold()
    activity = bench.client.download(MODEL).result(20)
    bench.until(activity, lambda told: told.done > 0)
    bench.client.pause(activity).result(20)
    paused = bench.state(activity, ActivityState.PAUSED)
    assert not paused.ended
    assert 0 < paused.done < paused.total
    assert paused.speed == 0
    bench.release()
    bench.client.resume(activity).result(20)
    assert bench.ended(activity).state is ActivityState.DONE


def test_what_arrived_of_a_cancelled_download_is_kept(bench: ModelsBench) -> None:
    bench.hold()
    activity = bench.client.download(MODEL).result(20)
    bench.until(activity, lambda told: told.done >= 100_000)
    bench.client.cancel(activity).result(20)
    assert bench.ended(activity).state is ActivityState.CANCELLED
    info = bench.info()
    assert info
    assert info.state is ModelState.PARTIAL
    bench.release()
    again = bench.client.download(MODEL).result(20)
    assert bench.ended(again).state is ActivityState.DONE
    assert all(told.done >= 100_000 for told in bench.told(again) if told.state is ActivityState.RUNNING and told.total)


def test_a_gated_model_goes_on_when_its_terms_are_accepted(bench: ModelsBench) -> None:
    bench.gate()
    bench.client.set_token("a-token").result(20)
    failed = bench.get()
    assert failed.state is ActivityState.FAILED
    assert failed.failure
    assert failed.failure.code == "hub-gated"
    assert bench.client.details(MODEL).result(20)["access"] is False
    bench.accept()
    bench.client.resume(failed.id).result(20)
    assert bench.ended(failed.id).state is ActivityState.DONE


def test_details_tell_the_files_and_what_is_still_to_come(bench: ModelsBench) -> None:
    details = bench.client.details(MODEL).result(20)
    assert {"info", "files", "download", "url", "accept_url", "access"} <= set(details)
    assert details["info"]["id"] == MODEL
    assert details["access"] is True
    assert details["download"] == sum(file["size"] for file in details["files"]) > 400_000 - 1
    assert WEIGHTS in {file["name"] for file in details["files"]}
    bench.get()
    assert bench.client.details(MODEL).result(20)["download"] == 0


def test_the_hub_is_searched(bench: ModelsBench) -> None:
    found = bench.client.search("TINY").result(20)
    assert [info.id for info in found] == [MODEL]
    assert found[0].state is ModelState.NOT_INSTALLED
    assert bench.client.search("tiny", medium="speech").result(20) == []
    assert bench.client.search("nothing like it").result(20) == []


def test_what_does_not_exist_fails_in_words(bench: ModelsBench, tmp_path: Path) -> None:
    futures = [
        bench.client.download("no such thing"),
        bench.client.details("no such thing"),
        bench.client.pause("no such activity"),
        bench.client.resume("no such activity"),
        bench.client.cancel("no such activity"),
        bench.client.inspect(tmp_path / "no such file.gguf"),
    ]
    for future in futures:
        with pytest.raises(AtelierError) as raised:
            future.result(20)
        assert raised.value.code != "internal"


def test_a_token_is_kept_and_forgotten(bench: ModelsBench) -> None:
    assert bench.client.token_state().result(20)["known"] is False
    bench.know("a-token")
    state = bench.client.set_token("a-token").result(20)
    assert set(state) == {"host", "known", "kept", "user"}
    assert state["known"] is True
    assert bench.client.set_token("").result(20)["known"] is False


def test_a_listener_that_fails_keeps_nothing_from_the_others(
    bench: ModelsBench, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_message: object) -> None:
        raise ValueError("on purpose")

    end = bench.client.subscribe(fail)
    later = ModelsBench.__new__(type(bench))
    ModelsBench.__init__(later, bench.client)
    with caplog.at_level(logging.CRITICAL):
        bench.get()
    end()
    assert later.messages


def test_after_the_end_questions_fail_and_nothing_waits(bench: ModelsBench) -> None:
    bench.client.models().result(20)
    bench.client.stop()
    if isinstance(bench, InChild):
        with pytest.raises(AtelierError) as raised:
            bench.client.models().result(1)
        assert raised.value.code == "interrupted"
    bench.client.stop()


def test_activities_come_back_as_they_were_told(bench: ModelsBench) -> None:
    activity = bench.get()
    rows = bench.client.ask("activities").result(20)
    assert [Activity.from_json(row).id for row in rows] == [activity.id]
