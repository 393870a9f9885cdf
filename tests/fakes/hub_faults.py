"""What can go wrong between a hub and a download, one rule each; `FakeHub.fault` puts them in force."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any, Protocol

_BLOCK = 64 << 10


class _File(Protocol):
    def read(self, start: int, count: int) -> bytes: ...


@dataclass
class Fault:
    """A rule for requests whose path fits `path` (and whose `port` is "hub" or "cdn", `method` "GET" or "HEAD", where
    these are given); it is used up after `times` of them (-1: never). `hits` counts them. By `kind`:

    - "cut": the body ends at byte `at` of the file, or at the next multiple of `every` behind the first byte asked for
    - "stall": the same places, but the connection stays open and silent
    - "wrong": right length, but the byte `at` is another (of the file; nothing changes in requests that lack it)
    - "short": the body ends early but cleanly, with a Content-Length that agrees with it (`length` bytes)
    - "length": Content-Length says `length`, whatever is sent
    - "status": answers `status` with `headers`
    - "redirect": answers `status` (307) with `location`; "{path}" in it becomes what was asked for
    - "etag": another ETag, `etag`; "no-range": Range is ignored (200); "lying-range": Content-Range is off by `shift`
    - "drip": sends `piece` bytes, then waits `seconds`, and so on
    - "gzip": sends the whole file compressed, unasked; "silent": takes the request and never answers
    - "page": 200 with a web page, as the sign-in page of a hotel does
    """

    kind: str
    path: str = "*"
    times: int = 1
    port: str = ""
    method: str = "GET"
    at: int = -1
    every: int = 0
    length: int = -1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    etag: str = "0" * 40
    shift: int = 1
    piece: int = 1
    seconds: float = 0.02
    hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def takes(self, port: str, method: str, path: str, body: bool) -> bool:
        """Whether this request is one for the rule; counts it if so. `body`: a file's content is what it gets."""
        with self._lock:
            if self.times == 0 or self.port not in ("", port) or self.method not in ("", method):
                return False
            if not fnmatch(path, self.path):
                return False
            if self.kind in _OF_BODIES and not body:
                return False
            self.times -= self.times > 0
            self.hits += 1
            return True

    def end(self, start: int, end: int) -> int:
        """Where a body of the bytes [start, end) breaks off."""
        if self.every:
            return min(end, (start // self.every + 1) * self.every)
        return max(start, min(end, self.at)) if self.at >= 0 else end

    def send(self, handler: Any, file: _File, start: int, end: int) -> None:
        """The body [start, end) of `file`, with this fault in it."""
        stop = self.end(start, end) if self.kind in ("cut", "stall") else end
        if self.kind == "short":
            stop = min(end, start + self.length)
        step = self.piece if self.kind == "drip" else _BLOCK
        closing: threading.Event = handler.server.hub.closing
        at = start
        while at < stop:
            block = file.read(at, min(step, stop - at))
            if self.kind == "wrong" and at <= self.at < at + len(block):
                spot = self.at - at
                block = block[:spot] + bytes([block[spot] ^ 0xFF]) + block[spot + 1 :]
            handler.wfile.write(block)
            at += len(block)
            if self.kind == "drip" and closing.wait(self.seconds):
                break
        if self.kind == "stall" and stop < end:
            closing.wait()
        if self.kind in ("cut", "stall", "length", "short"):
            handler.close_connection = True


_OF_BODIES = {"cut", "stall", "wrong", "short", "drip", "no-range", "lying-range", "length", "gzip"}


def apply(handler: Any, fault: Fault, closing: threading.Event) -> bool:
    """Answer in place of the hub where the fault is not in the body; false where the usual answer is wanted."""
    if fault.kind == "silent":
        closing.wait()
        handler.close_connection = True
    elif fault.kind == "status":
        handler.answer(fault.status, b"{}", fault.headers)
    elif fault.kind == "redirect":
        status = fault.status if fault.status // 100 == 3 else 307
        location = fault.location.replace("{path}", handler.path)
        handler.answer(status, b"", {"Location": location, **fault.headers})
    elif fault.kind == "page":
        handler.answer(200, b"<html>Sign in to use this network</html>", {"Content-Type": "text/html"})
    elif fault.kind == "gzip":
        hub = handler.server.hub
        name = handler.path.partition("?")[0].rpartition("/")[2]
        files = [f for r in hub.repositories.values() for f in r.commits[r.head].values() if f.name.endswith(name)]
        headers = {"Content-Encoding": "gzip", "X-Repo-Commit": next(iter(hub.repositories.values())).head}
        handler.answer(200, gzip.compress(files[0].read(0, files[0].size), 1), headers)
    else:
        return False
    return True
