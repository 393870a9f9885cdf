"""One file brought here whole, whatever happens on the way."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest

from studio.model_manager.hub.answers import retry_after
from studio.model_manager.hub.api import RemoteFile
from tests.fakes.hub_faults import Fault

Make = Callable[..., Any]
KIB = 1 << 10


@pytest.mark.parametrize("size", [0, 1, 64 * KIB - 1, 64 * KIB, 300_000])
def test_a_file_of_any_size_arrives(download: Make, size: int) -> None:
    get = download(size)
    get.run()
    assert get.arrived and get.reports[-1] == size and get.reports == sorted(get.reports) and not get.waits


def test_cut_at_every_64_kib_it_goes_on_from_the_last_byte(download: Make) -> None:
    get = download(2 << 20)
    get.fake.fault("cut", every=64 * KIB, times=-1)
    get.run()
    assert get.arrived
    assert get.fake.starts("w.bin") == list(range(0, 2 << 20, 64 * KIB))
    assert get.reports == sorted(get.reports), "nothing arrives twice"
    assert set(get.troubles) == {"hub-interrupted"}


@pytest.mark.parametrize("at", [0, 1, 65_535, 65_536, 65_537, 200_001, 299_999])
def test_cut_anywhere(download: Make, at: int) -> None:
    get = download()
    get.fake.fault("cut", at=at)
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [0, at]


def test_a_small_file_of_git_is_gone_on_with_too(download: Make) -> None:
    get = download(50_000)
    get.fake.fault("cut", at=20_000)
    get.run()
    second = get.fake.asked("*/w.bin")[1]
    assert get.arrived and get.fake.starts("w.bin") == [0, 20_000]
    assert second.headers["if-range"] == f'"{get.fake.repositories["o/n"].commits[get.commit]["w.bin"].git_sha1}"'


def test_what_an_earlier_run_left_is_used(download: Make) -> None:
    get = download()
    get.part.parent.mkdir()
    get.part.write_bytes(get.content[:123_456])
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [123_456] and get.reports[0] == 123_456
    get.run()
    assert len(get.fake.starts("w.bin")) == 1, "a whole file is not asked for again"


def test_a_part_that_is_too_long_is_begun_again(download: Make) -> None:
    get = download()
    get.part.parent.mkdir()
    get.part.write_bytes(b"x" * 300_001)
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [0]


def test_a_wrong_byte_in_an_earlier_part_is_found_and_the_file_fetched_again(download: Make) -> None:
    get = download()
    get.part.parent.mkdir()
    get.part.write_bytes(b"x" + get.content[1:1000])
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [1000, 0]
    assert 0 in get.reports[1:]


def test_wrong_bytes_of_the_right_size_once(download: Make) -> None:
    get = download()
    get.fake.fault("wrong", at=70_000)
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [0, 0]


@pytest.mark.parametrize("size", [300_000, 50_000])
def test_wrong_bytes_twice_are_told_and_thrown_away(download: Make, size: int) -> None:
    get = download(size)
    get.fake.fault("wrong", at=size - 1, times=-1)
    get.fails("download-damaged")
    assert len(get.fake.starts("w.bin")) == 2 and not get.part.exists()
    get.fake.faults.clear()
    get.run()
    assert get.arrived


def test_a_stall_is_noticed_and_the_rest_asked_for(download: Make) -> None:
    get = download()
    get.fake.fault("stall", at=100_000)
    began = time.monotonic()
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [0, 100_000]
    assert 0.3 < time.monotonic() - began < 2.0


def test_a_hub_that_never_answers(download: Make) -> None:
    get = download()
    get.patience = replace(get.patience, stall=0.15)
    get.fake.fault("silent", times=-1)
    error = get.fails("hub-interrupted")
    assert len(get.fake.requests) == 4 and error.arguments["host"] == get.hub.endpoint.host


def test_a_slow_drip_arrives(download: Make) -> None:
    get = download(70_000)
    get.fake.fault("drip", piece=5_000, seconds=0.02)
    get.run()
    assert get.arrived and len(get.reports) >= 14 and not get.waits


@pytest.mark.parametrize("size", [300_000, 50_000])
@pytest.mark.parametrize("length", [10, 1_000, 10**18])
def test_a_content_length_that_lies_is_not_believed(download: Make, size: int, length: int) -> None:
    get = download(size)
    get.fake.fault("short" if length < size else "length", length=length)
    get.run()
    assert get.arrived and get.troubles == ["hub-strange"] and get.reports[1] > 0
    assert get.fake.starts("w.bin") == [0, 0]


def test_a_server_without_ranges_costs_more_and_works(download: Make) -> None:
    get = download()
    get.fake.fault("cut", at=200_000)
    get.fake.fault("no-range")
    get.run()
    assert get.arrived and get.reports == sorted(get.reports)


@pytest.mark.parametrize("shift", [-1000, -1, 1])
def test_a_content_range_that_lies_is_not_believed(download: Make, shift: int) -> None:
    get = download()
    get.fake.fault("cut", at=200_000)
    get.fake.fault("lying-range", times=-1, shift=shift)
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [0, 200_000, 0]


def test_a_range_that_is_not_there(download: Make) -> None:
    get = download()
    get.part.parent.mkdir()
    get.part.write_bytes(get.content[:1000])
    get.fake.fault("status", status=416, port="cdn")
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [1000, 0]


def test_another_etag_between_ranges_of_the_storage_behind_the_hub(download: Make) -> None:
    """Its machines give the same content different ids: the hub's own id and the hash decide."""
    get = download()
    get.fake.fault("cut", at=200_000)
    get.fake.fault("etag", etag="other", port="cdn")
    get.run()
    assert get.arrived and get.fake.starts("w.bin") == [0, 200_000] and len(get.troubles) == 1


def test_another_etag_between_ranges_of_a_file_without_a_hash(download: Make) -> None:
    """Nothing else could tell that the rest is of another file: it is begun again."""
    get = download()
    get.file = RemoteFile("w.bin", len(get.content))
    get.fake.fault("cut", at=200_000)
    get.fake.fault("etag", etag="other", port="cdn")
    get.run()
    second = get.fake.asked("*/w.bin", port="cdn")[1]
    assert get.arrived and second.headers["if-range"].startswith('"') and 0 in get.reports[1:]


@pytest.mark.parametrize("size", [300_000, 50_000])
def test_another_content_on_the_hub_is_told(download: Make, size: int) -> None:
    get = download(size)
    get.fake.fault("cut", at=20_000)
    changed = get.fake.fault("etag", "*/resolve/*", port="hub", times=0, etag="f" * (64 if size > 64 * KIB else 40))
    get.on_report = lambda size: setattr(changed, "times", -1 if size else 0)
    get.fails("download-changed")
    assert get.part.read_bytes() == get.content[:20_000], "what was right is kept"


def test_another_commit_is_told(download: Make) -> None:
    get = download(50_000)
    answer = {"X-Repo-Commit": "0" * 40, "ETag": '"x"'}
    get.fake.fault("status", status=206, headers=answer, times=-1)
    get.fails("download-changed")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_errors_that_pass(download: Make, status: int) -> None:
    get = download()
    get.fake.fault("status", status=status, times=2)
    get.fake.fault("status", status=status, port="cdn", times=1)
    get.run()
    assert get.arrived and len(get.troubles) == 3


@pytest.mark.parametrize(("status", "code"), [(429, "hub-busy"), (503, "hub-busy"), (500, "hub-out-of-order")])
def test_errors_that_do_not_pass_are_told_after_some_tries(download: Make, status: int, code: str) -> None:
    get = download()
    get.fake.fault("status", status=status, times=-1)
    get.fails(code)
    assert len(get.fake.requests) == 4 and [wait for wait in get.waits if wait == (0.0, "")]


def test_progress_gives_new_patience(download: Make) -> None:
    get = download()

    def go_wrong(size: int) -> None:
        if size % 60_000 == 0:
            get.fake.faults.clear()
            get.fake.fault("status", status=503, times=get.patience.tries - 2, port="hub")
            get.fake.fault("cut", at=size + 60_000)

    get.on_report = go_wrong
    get.run()
    assert get.arrived and len(get.troubles) > 3 * get.patience.tries


def test_the_time_that_the_hub_asks_for_is_waited(download: Make) -> None:
    get = download()
    get.fake.fault("status", status=429, headers={"Retry-After": "1"})
    began = time.monotonic()
    get.run()
    assert get.arrived and 1.0 <= time.monotonic() - began < 3.0 and get.waits == [(1.0, "hub-busy"), (0.0, "")]


def test_it_is_said_in_seconds_as_a_date_or_as_what_is_left_of_an_allowance() -> None:
    assert retry_after({"retry-after": "120"}) == 120
    assert retry_after({"ratelimit": '"resolvers";r=0;t=55'}) == 55
    assert retry_after({"ratelimit": '"resolvers";r=3;t=55'}) == 0
    assert 50 < retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60
    assert retry_after({"retry-after": formatdate(time.time() - 60, usegmt=True)}) == 0
    assert retry_after({}) == 0


def test_a_hub_that_asks_for_hours_is_told_at_once(download: Make) -> None:
    get = download()
    get.fake.fault("status", status=503, headers={"Retry-After": "86400"}, times=-1)
    get.fails("hub-busy")
    assert len(get.fake.requests) == 1


def test_a_time_that_is_nonsense_is_no_time(download: Make) -> None:
    get = download()
    for value in ("soon", "-5", "Wed, 99 Foo 2026", "1e9", "٣"):
        get.fake.fault("status", status=503, headers={"Retry-After": value.encode().decode("latin-1")})
    get.patience = replace(get.patience, tries=9)
    get.run()
    assert get.arrived


def test_content_that_is_compressed_unasked(download: Make) -> None:
    get = download(50_000)
    get.fake.fault("gzip", times=1)
    get.run()
    assert get.arrived and get.fake.requests[0].headers["accept-encoding"] == "identity"
    get.part.write_bytes(get.content[:30_000])
    get.fake.fault("gzip", times=1)
    get.run()
    assert get.arrived


def test_a_small_answer_that_unpacks_to_gigabytes_ends_at_the_size_of_the_file(download: Make) -> None:
    get = download(50_000)
    get.fake.add("o/zero", {"z.bin": bytes(200_000_000)})
    get.fake.repositories["o/n"].commits[get.commit]["w.bin"] = replace(
        get.fake.repositories["o/zero"].commits[get.fake.repositories["o/zero"].head]["z.bin"],
        name="w.bin",
        sha256="",
        size=50_000,
        git_sha1="a" * 40,
    )
    get.fake.fault("gzip", times=-1)
    get.fails("download-damaged")
    assert max(get.reports) == 50_000


def test_a_file_without_a_known_hash_is_checked_by_size(download: Make) -> None:
    get = download()
    get.file = RemoteFile("w.bin", len(get.content))
    get.fake.fault("cut", at=100_000)
    get.fake.fault("no-range")
    get.run()
    assert get.arrived and 0 in get.reports[1:], "what cannot be checked is not put together from two answers"


@pytest.mark.parametrize("seed", range(12))
def test_any_mixture_of_misfortunes(download: Make, seed: int) -> None:
    get = download(random.Random(seed).choice([50_000, 300_000, 1_000_001]))
    get.patience = replace(get.patience, tries=40)
    chance, size = random.Random(seed), len(get.content)
    kinds: list[dict[str, Any]] = [
        {"kind": "cut", "at": chance.randrange(size)},
        {"kind": "cut", "every": chance.choice([10_000, 65_536])},
        {"kind": "status", "status": chance.choice([403, 429, 500, 503]), "port": "cdn"},
        {"kind": "status", "status": chance.choice([429, 502, 504]), "port": "hub"},
        {"kind": "page"},
        {"kind": "no-range"},
        {"kind": "lying-range", "shift": chance.choice([-7, 7])},
        {"kind": "length", "length": chance.randrange(2 * size)},
        {"kind": "short", "length": chance.randrange(size)},
        {"kind": "etag", "etag": "other", "port": "cdn"},
        {"kind": "drip", "piece": 30_000, "seconds": 0.001},
    ]
    for _ in range(12):
        get.fake.fault(**chance.choice(kinds))
    get.fake.faults.insert(chance.randrange(12), Fault("wrong", at=chance.randrange(size)))
    get.run()
    assert get.arrived


def test_the_hash_is_that_of_the_content(download: Make) -> None:
    get = download(70_000)
    get.run()
    known = get.fake.repositories["o/n"].commits[get.commit]["w.bin"]
    assert hashlib.sha256(get.part.read_bytes()).hexdigest() == known.sha256
