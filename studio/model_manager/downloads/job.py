"""One download at work: asks the hub once, makes sure of the room, fetches several files at a time, finishes last."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from filelock import FileLock, Timeout

from studio.core.activities import Activity, ActivityKind, ActivityState, FileProgress
from studio.core.amounts import size_words
from studio.core.errors import AtelierError, Cancelled
from studio.core.jobs import Failure
from studio.model_manager.downloads.ledger import Entry, Source
from studio.model_manager.downloads.plan import check_names
from studio.model_manager.downloads.progress import Counter, Speed
from studio.model_manager.downloads.store import Manifest, Row, Store
from studio.model_manager.hub.api import Hub, RemoteModel
from studio.model_manager.hub.fetch import fetch
from studio.model_manager.hub.limiter import Limiter

PARALLEL = 4
_LOCK_SECONDS = 0.5  # between two looks at what another program does
_OFFLINE_SECONDS = 1.0
_LONG = 16 << 20  # bytes: reading fewer is no state worth telling
_SPARE = 64 << 20  # bytes of the disk that a download leaves free

_log = logging.getLogger(__name__)


class Chooser(Protocol):
    """Knows what is wanted of a repository."""

    def names(
        self, hub: Hub, model: str, source: Source, remote: RemoteModel, stop: threading.Event | None = None
    ) -> Sequence[str]:
        """The files of `remote`, what `source` is at a commit, that `model` needs. Raises `AtelierError` where nothing
        here can be used, and `Cancelled` after `stop`."""
        ...

    def installed(self, model: str, source: Source) -> str:
        """What the catalogue calls `model` when the files of `source`, its own repository, are here."""
        ...


@dataclass(frozen=True)
class Means:
    """What every download works with. `hub` is asked anew for each file, so that settings count at once; `offline`
    says whether the network may not be used; `room(job)` is the space in bytes
    that `job` may take, and whether the user's own limit is what sets it."""

    store: Store
    limiter: Limiter
    hub: Callable[[], Hub]
    chooser: Chooser
    offline: Callable[[], bool]
    room: Callable[[Job], tuple[int, bool]]
    keep: Callable[[Job], None]
    told: Callable[[Job], None]


class _Gone(Exception):
    """The commit that a download began with is not on the hub any more."""


class Job:
    """A download. `work` runs on a thread of its own until the end, or until `halt`; the rest may be called from
    anywhere."""

    def __init__(self, entry: Entry, means: Means) -> None:
        self.entry = entry
        self.counter = Counter()
        self.state = entry.state
        self.thread: threading.Thread | None = None
        self.wish: ActivityState | None = None  # what the user wants it to be when its thread has ended
        self._means = means
        self._stop = threading.Event()  # of the whole; `_halt` is that of the files at work
        self._halt = threading.Event()
        self._note = ""
        self._installed = entry.model
        self._speed = Speed()
        self._count_known()

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def repositories(self) -> set[str]:
        return {source.repository for source in self.entry.sources}

    @property
    def elsewhere(self) -> bool:
        """Whether it waits for another program, or for the network, and so takes no turn from others."""
        return self.state is ActivityState.WAITING and bool(self._note)

    def activity(self) -> Activity:
        files = self.counter.files()
        done, total = sum(file.done for file in files), sum(file.size for file in files)
        state, note, retry, speed = self.state, self._note, -1.0, 0.0
        if state is ActivityState.RUNNING:
            if waiting := self.counter.waiting():
                state, (retry, note) = ActivityState.WAITING, waiting
                self._speed.rest()
            else:
                speed = self._speed.feed(done)
        elif state is not ActivityState.CHECKING:
            self._speed.rest()
        left = (total - done) / speed if speed > 0 else -1.0
        entry = self.entry
        return Activity(
            *(entry.id, ActivityKind.DOWNLOAD, state, entry.title, entry.model, entry.medium),
            *(done, total, round(speed), round(left, 1), round(retry, 1), note, files, entry.failure),
            result={"model": self._installed} if state is ActivityState.DONE else {},
        )

    def remaining(self) -> int:
        """Bytes that it will still write, as far as it knows."""
        return sum(file.size - file.done for file in self.counter.files())

    def halt(self, wish: ActivityState) -> None:
        """Stop working and be `wish` then; at once if it does not work."""
        self.wish = wish
        self._stop.set()
        self._halt.set()

    def ready(self) -> None:
        """Forget an earlier stop or failure."""
        self._stop.clear()
        self.wish = None
        self.entry = replace(self.entry, failure=None)
        self.set_state(ActivityState.QUEUED)

    def set_state(self, state: ActivityState, note: str = "") -> None:
        self.state, self._note = state, note
        self._means.told(self)

    def fail(self, error: AtelierError) -> None:
        failure = Failure(error.code, dict(error.arguments), error.details)
        if error.code == "disk-full":
            failure = Failure("download-disk-full", {"path": str(self._means.store.cache)}, str(error))
        self.entry = replace(self.entry, failure=failure)
        self.set_state(ActivityState.FAILED)

    # -- at work ----------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Fetch everything. Raises `AtelierError`, or `Cancelled` after `halt`."""
        try:
            self.set_state(ActivityState.RUNNING)
            self._await_network()
            sources = [self._resolve(source) for source in self.entry.sources]
            self.entry = replace(self.entry, sources=tuple(sources))
            self._means.keep(self)
            self._count_known()
            self._make_sure_of_room()
            for source in self.entry.sources:
                self._get(source)
            self._installed = self._means.chooser.installed(self.entry.model, self.entry.sources[-1])
        finally:
            self.counter.settle(ActivityState.QUEUED)

    def tidy(self) -> None:
        """Leave no record of what nothing has arrived of."""
        for source in self.entry.sources:
            lock = self._means.store.lock(source.repository)
            with contextlib.suppress(Timeout, AtelierError), lock.acquire(timeout=0):
                self._means.store.forget_empty(source.repository, source.commit, source.names)

    def _check(self) -> None:
        if self._stop.is_set():
            raise Cancelled

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Cancelled

    def _await_network(self) -> None:
        while self._means.offline():
            if self.state is not ActivityState.WAITING:
                self.set_state(ActivityState.WAITING, "hub-offline")
            self._pause(_OFFLINE_SECONDS)
        self.set_state(ActivityState.RUNNING)

    def _resolve(self, source: Source) -> Source:
        """`source` with its commit and names, and a manifest. What was begun goes on with the commit it began with;
        what is whole gets the newest one."""
        store = self._means.store
        if source.commit and (manifest := store.manifest(source.repository, source.commit)):
            if all(manifest.row(name) for name in source.names):
                self._begin(source, manifest)
                return source
        self._check()
        hub = self._means.hub()
        remote, names = self._ask(hub, source, source.revision)
        same = [item for item in store.manifests(source.repository) if item.revision == source.revision]
        last = same[-1] if same else None
        if last and last.commit != remote.commit:
            with contextlib.suppress(_Gone):
                old, old_names = self._ask(hub, source, last.commit)
                if all(store.is_whole(last, name) for name in old_names):
                    # An update. Other models of the same repository that are here come along.
                    there = {file.name for file in remote.files} - set(old_names)
                    names += [row.file.name for row in last.files if row.verified and row.file.name in there]
                else:
                    remote, names = old, old_names
        names = list(dict.fromkeys(names))
        check_names(names, self.entry.title)
        files = {file.name: file for file in remote.files}
        rows = tuple(Row(files[name]) for name in names)
        resolved = replace(source, commit=remote.commit, names=tuple(names))
        self._begin(resolved, Manifest(source.repository, remote.commit, self.entry.model, source.revision, files=rows))
        return resolved

    def _ask(self, hub: Hub, source: Source, revision: str) -> tuple[RemoteModel, list[str]]:
        """The repository at `revision` and what is wanted of it. Raises `_Gone` for a commit that the hub has not."""
        try:
            remote = hub.model(source.repository, revision, stop=self._stop)
        except AtelierError as error:
            if error.code == "hub-missing" and revision != source.revision:
                raise _Gone from error
            raise
        return remote, list(self._means.chooser.names(hub, self.entry.model, source, remote, self._stop))

    def _begin(self, source: Source, manifest: Manifest) -> None:
        """Write down that `source` is under way: what is verified and lies in its place stays so."""
        known = self._means.store.manifest(source.repository, source.commit) or manifest
        manifest = manifest.with_rows(known.files)
        rows = [
            replace(row, verified=row.verified and self._means.store.is_whole(manifest, row.file.name))
            for row in manifest.files
            if row.file.name in source.names
        ]
        self._means.store.write(manifest, rows)

    def _count_known(self) -> None:
        """What is here already, by sizes."""
        store, files = self._means.store, []
        for source in self.entry.sources:
            manifest = store.manifest(source.repository, source.commit) if source.commit else None
            for row in manifest.files if manifest else ():
                if row.file.name in source.names:
                    missing = store.missing(source.repository, source.commit, row.file)
                    files.append(FileProgress(self._title(source, row), row.file.size, row.file.size - missing))
        self.counter.start(files)

    def _title(self, source: Source, row: Row) -> str:
        """A file's name in the progress; files of a second repository are told apart by it."""
        return row.file.name if source == self.entry.sources[-1] else f"{source.repository}/{row.file.name}"

    def _make_sure_of_room(self) -> None:
        need = self.remaining()
        room, limited = self._means.room(self)
        if need and need + min(_SPARE, need // 50) > room:
            arguments = {"model": self.entry.title, "need": size_words(need), "room": size_words(max(0, room))}
            code = "download-over-limit" if limited else "download-no-room"
            raise AtelierError(code, {**arguments, "path": str(self._means.store.cache)})

    def _get(self, source: Source) -> None:
        lock = self._means.store.lock(source.repository)
        self._take(lock)
        try:
            manifest = self._means.store.manifest(source.repository, source.commit)
            if manifest is None:  # removed a moment ago
                raise AtelierError("download-removed", {"model": self.entry.title})
            rows = [row for row in manifest.files if row.file.name in source.names]
            absent = [row for row in rows if not self._find(source, manifest, row)]
            self._fetch_all(source, manifest, absent)
            self._check()
            finished = self._means.store.manifest(source.repository, source.commit) or manifest
            self._means.store.finish(finished, source.names)
        finally:
            lock.release()

    def _take(self, lock: FileLock) -> None:
        """Wait for the lock, showing what the other program has got meanwhile."""
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                if self.state is not ActivityState.WAITING:
                    self.set_state(ActivityState.WAITING, "download-elsewhere")
                self._pause(_LOCK_SECONDS)
                self._count_known()
        if self.state is ActivityState.WAITING:
            self.set_state(ActivityState.RUNNING)

    def _find(self, source: Source, manifest: Manifest, row: Row) -> bool:
        """Use what is on this computer already."""
        title, read = self._title(source, row), 0

        def report(count: int) -> None:
            nonlocal read
            if not read and row.file.size >= _LONG:
                self.set_state(ActivityState.CHECKING)
            read += count
            self.counter.set(title, read, ActivityState.CHECKING)

        found = self._means.store.find(source.repository, source.commit, row, self._stop, report)
        if found:
            self.counter.set(title, row.file.size, ActivityState.DONE)
            if found != row:
                self._means.store.write(manifest, [found])
        else:
            self.counter.set(title, self._means.store.received(source.repository, row.file), ActivityState.QUEUED)
        if self.state is ActivityState.CHECKING:
            self.set_state(ActivityState.RUNNING)
        return found is not None

    def _fetch_all(self, source: Source, manifest: Manifest, rows: Sequence[Row]) -> None:
        """Several files at a time, the largest first. The first fault ends it, but for a damaged file: the others
        can arrive all the same."""
        waiting = deque(sorted(rows, key=lambda row: -row.file.size))
        faults: list[Exception] = []
        lock = threading.Lock()

        def take() -> Row | None:
            with lock:
                return waiting.popleft() if waiting and not (halt.is_set() or self._stop.is_set()) else None

        def run() -> None:
            while row := take():
                try:
                    self._fetch(source, manifest, row, halt)
                except Exception as error:
                    faults.append(error)
                    if not (isinstance(error, AtelierError) and error.code == "download-damaged"):
                        halt.set()
                        return

        halt = self._halt = threading.Event()
        count = min(PARALLEL, len(waiting))
        threads = [threading.Thread(target=run, name=f"download-file-{index}", daemon=True) for index in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._check()
        real = [fault for fault in faults if not isinstance(fault, Cancelled)]
        if real:
            raise real[0]

    def _fetch(self, source: Source, manifest: Manifest, row: Row, halt: threading.Event) -> None:
        store, file, title = self._means.store, row.file, self._title(source, row)
        part = store.part(source.repository, file)
        if self._stop.is_set():
            halt.set()

        def report(done: int) -> None:
            self.counter.set(title, done, ActivityState.RUNNING)

        def waiting(seconds: float, code: str) -> None:
            if seconds > 0:
                self.counter.wait(title, seconds, code)
            else:
                report(store.received(source.repository, file))

        report(store.received(source.repository, file))
        fetch(
            self._means.hub(),
            source.repository,
            source.commit,
            file,
            part,
            limiter=self._means.limiter,
            stop=halt,
            report=report,
            waiting=waiting,
        )
        store.write(manifest, [store.arrive(source.repository, row)])
        self.counter.set(title, file.size, ActivityState.DONE)
