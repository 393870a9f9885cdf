"""One file of a repository, brought here whole: resumed where it stopped, checked, and tried again when it must be."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from pathlib import Path

from studio.core.errors import AtelierError, Cancelled
from studio.model_manager.hub.answers import Trouble
from studio.model_manager.hub.api import Hub, RemoteFile
from studio.model_manager.hub.endpoint import origin_of
from studio.model_manager.hub.limiter import Limiter
from studio.model_manager.hub.part import Part
from studio.model_manager.hub.wire import Answer, Origin

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_SHIFTS = 64  # doublings: longer than anybody waits


def fetch(
    hub: Hub,
    repository: str,
    commit: str,
    file: RemoteFile,
    part: Path,
    *,
    limiter: Limiter,
    stop: threading.Event,
    report: Callable[[int], None],
    waiting: Callable[[float, str], None] = lambda _seconds, _code: None,
) -> None:
    """Bring `file` of `repository` at `commit` to `part`, whole and with the right content when this returns.

    What `part` holds already is hashed and gone on from. `report` gets the bytes that are there now (fewer than before
    when a damaged file is fetched again); `waiting` gets the seconds until the next try and the code of what went
    wrong, and (0, "") when it goes on. Both are called on this thread and must not block.

    Raises `Cancelled` within 0.5 s of `stop`, keeping the part; `AtelierError` with "download-damaged" (wrong content
    twice; the part is gone), "download-changed", "hub-…" or an environment error (disk full, …), keeping the part.
    """
    with Part(part, file, stop) as target:
        _Fetch(hub, repository, commit, target, limiter, stop, report, waiting).run()


class _Fetch:
    def __init__(
        self,
        hub: Hub,
        repository: str,
        commit: str,
        part: Part,
        limiter: Limiter,
        stop: threading.Event,
        report: Callable[[int], None],
        waiting: Callable[[float, str], None],
    ) -> None:
        self._hub, self._commit, self._part, self._limiter = hub, commit, part, limiter
        self._stop, self._report, self._waiting = stop, report, waiting
        self._asked = hub.asked(repository)
        self._url = hub.file_url(repository, commit, part.file.name)
        self._etags: dict[Origin, str] = {}
        self._ranges = True

    def run(self) -> None:
        part, patience = self._part, self._hub.wire.patience
        failures = damaged = 0
        self._report(part.size)
        while True:
            if part.complete:
                if part.whole():
                    part.sync()
                    return
                damaged += 1
                if damaged > 1:
                    part.discard()
                    raise AtelierError("download-damaged", {"file": part.file.name})
                part.restart()
                self._report(0)
            before = part.size
            try:
                self._receive()
            except Trouble as trouble:
                failures = 1 if part.size > before else failures + 1
                if failures >= patience.tries or trouble.after > patience.asked:
                    raise trouble.error from trouble
                spread = patience.first * 2 ** min(failures - 1, _SHIFTS) * random.uniform(0.5, 1.5)
                self._pause(max(trouble.after, min(patience.longest, spread)), trouble.error.code)

    def _pause(self, seconds: float, code: str) -> None:
        self._waiting(seconds, code)
        if self._stop.wait(seconds):
            raise Cancelled
        self._waiting(0.0, "")

    def _headers(self, origin: Origin) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if self._part.size and self._ranges:
            headers["Range"] = f"bytes={self._part.size}-"
            if origin in self._etags:
                headers["If-Range"] = self._etags[origin]
        return headers

    def _receive(self) -> None:
        """One request; returns when the part is complete, raises `Trouble` where the rest has to be asked for."""
        part = self._part
        if self._stop.is_set():
            raise Cancelled
        with self._hub.wire.get(self._url, self._asked, self._stop, self._headers) as answer:
            self._check_file(answer)
            known = self._place(answer)
            for chunk in answer.chunks:
                fresh = chunk[max(0, part.size - known) :]  # of an answer from the start, what is here already is left
                known += len(chunk)
                fresh = fresh[: part.file.size - part.size]
                if fresh:
                    self._limiter.take(len(fresh), self._stop)
                    part.append(fresh)
                    self._report(part.size)
                if part.complete:
                    return
        if not part.complete:
            raise self._trouble("hub-interrupted", f"{part.size} of {part.file.size} bytes")

    def _check_file(self, answer: Answer) -> None:
        """Whether this is the file that was meant: by the commit and the content's id that the hub tells on the way.

        A web page that somebody puts in between tells neither. Storage behind the hub has ids of its own."""
        expected = {64: self._part.file.sha256, 40: self._part.file.git_sha1}
        commits = [hop.headers["x-repo-commit"] for hop in answer.hops if "x-repo-commit" in hop.headers]
        if not commits:
            raise self._trouble("hub-strange", "no X-Repo-Commit")
        told = [hop.headers for hop in answer.hops if "x-repo-commit" in hop.headers]
        tags = [headers.get("x-linked-etag") or headers.get("etag", "") for headers in told]
        ids = [tag.removeprefix("W/").strip('"') for tag in tags]
        if any(commit != self._commit for commit in commits) or any(
            expected.get(len(content), "") not in ("", content) for content in ids
        ):
            details = f"commits {commits}, content {ids}"
            raise AtelierError("download-changed", {"file": self._part.file.name}, details=details)

    def _place(self, answer: Answer) -> int:
        """The position of the body's first byte in the file."""
        part, size = self._part, self._part.file.size
        last = answer.hops[-1]
        length = last.headers.get("content-length", "")
        start = 0
        if answer.status == 416:
            self._ranges = False  # without them it costs more and still works
            raise self._trouble("hub-strange", "the range is not there")
        if answer.status == 206:
            match = _RANGE.fullmatch(last.headers.get("content-range", "").strip())
            told = [int(match[1]), int(match[2]) + 1, size if match[3] == "*" else int(match[3])] if match else []
            if not self._ranges or answer.encoded or told != [part.size, size, size]:
                self._ranges = False
                raise self._trouble("hub-strange", f"Content-Range {last.headers.get('content-range')}")
            start = part.size
        elif answer.status != 200:
            raise self._trouble("hub-strange", f"status {answer.status}")
        elif part.size and not part.verifiable:
            part.restart()
            self._report(0)
        if length and not answer.encoded and length != str(size - start):
            raise self._trouble("hub-strange", f"Content-Length {length} for {size - start} bytes")
        etag = last.headers.get("etag", "")
        # Storage behind the hub gives the same content other ids on other machines: then the hash decides, and not
        # the id whether a range is good.
        if etag.startswith('"') and (not part.verifiable or etag.strip('"') in (part.file.sha256, part.file.git_sha1)):
            self._etags[origin_of(last.url)] = etag
        return start

    def _trouble(self, code: str, details: str) -> Trouble:
        return Trouble(AtelierError(code, {"host": self._asked.host}, details=details))
