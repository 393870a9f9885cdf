"""Where the hub refuses, sends elsewhere or cannot be reached: said in words, at once or after some tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from studio.core.errors import AtelierError
from studio.model_manager.hub.endpoint import Endpoint

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("status", "headers", "code"),
    [
        (401, {"X-Error-Code": "RepoNotFound"}, "hub-private"),
        (401, {"X-Error-Code": "GatedRepo"}, "hub-gated"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, "hub-token"),
        (403, {"X-Error-Code": "GatedRepo"}, "hub-gated"),
        (403, {"X-Error-Message": "Access to this resource is disabled."}, "hub-forbidden"),
        (404, {"X-Error-Code": "EntryNotFound"}, "hub-missing"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "hub-missing"),
        (451, {}, "hub-forbidden"),
        (418, {}, "hub-strange"),
        (407, {}, "hub-proxy"),
    ],
)
def test_refusals_are_told_at_once_and_keep_the_part(
    download: Make, status: int, headers: dict[str, str], code: str
) -> None:
    get = download()
    get.part.parent.mkdir()
    get.part.write_bytes(get.content[:1000])
    get.fake.fault("status", status=status, headers=headers, times=-1)
    get.fails(code)
    assert len(get.fake.requests) == 1 and get.part.stat().st_size == 1000


def test_an_address_that_expired_is_asked_for_anew(download: Make) -> None:
    get = download()
    get.fake.fault("cut", at=100_000)
    get.fake.fault("status", status=403, port="cdn", times=1)
    get.fake.faults.reverse()
    get.run()
    assert get.arrived and len(get.fake.asked("*/resolve/*")) == 3


def test_the_sign_in_page_of_a_network_is_not_taken_for_the_file(download: Make) -> None:
    get = download()
    get.fake.fault("page")
    get.run()
    assert get.arrived and get.troubles == ["hub-strange"] and get.fake.starts("w.bin") == [0]
    get.part.unlink()
    get.fake.fault("page", times=-1)
    get.fails("hub-strange")
    assert get.part.read_bytes() == b""


def test_a_page_in_place_of_the_storage_is_not_taken_either(download: Make) -> None:
    get = download()
    get.fake.fault("page", port="cdn")
    get.run()
    assert get.arrived and get.troubles == ["hub-strange"]


# -- redirects ------------------------------------------------------------------------------------------------


def test_a_loop_of_redirects_ends(download: Make) -> None:
    get = download()
    get.fake.fault("redirect", location="{path}", times=-1)
    get.fails("hub-redirect")
    assert len(get.fake.requests) < 12


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "", "http://[bad", "http://u:p@127.0.0.1/", "javascript:0"],
)
def test_redirects_to_what_is_not_the_web_are_refused(download: Make, location: str) -> None:
    get = download()
    get.fake.fault("redirect", location=location, times=-1)
    get.fails("hub-redirect")
    assert len(get.fake.requests) == 1


def test_relative_redirects_of_renamed_repositories_are_followed(download: Make) -> None:
    get = download()
    get.fake.fault("redirect", "*/resolve/*", location=f"/o/n/resolve/{get.commit}/w.bin?again", times=1)
    get.run()
    assert get.arrived


def test_offline_no_socket_is_made(download: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    get = download()
    get.endpoint = Endpoint(get.fake.url, offline=True)
    made: list[object] = []
    monkeypatch.setattr("socket.create_connection", lambda *a, **k: made.append(a))
    get.fails("hub-offline")
    for ask in (lambda: get.hub.model("o/n"), lambda: get.hub.search("x"), get.hub.whoami):
        with pytest.raises(AtelierError) as raised:
            ask()
        assert raised.value.code == "hub-offline"
    assert not made and not get.fake.requests


def test_nobody_there(download: Make) -> None:
    get = download()
    get.endpoint = Endpoint("http://127.0.0.1:9")
    error = get.fails("hub-unreachable")
    assert error.arguments["host"] == "127.0.0.1:9" and len(get.troubles) == 3


def test_a_name_that_nobody_knows(download: Make) -> None:
    get = download()
    for host in ("no-such-host.invalid", "a..b", "x" * 70 + ".invalid"):
        get.endpoint = Endpoint(f"http://{host}")
        get.fails("hub-unreachable")
