"""Making the next parts of a result while the last one is being passed on, in order and with little kept waiting."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from studio.core.errors import Cancelled

T = TypeVar("T")
Check = Callable[[], None]
Part = Callable[[Check], Iterable[T]]


@contextmanager
def ahead(parts: Sequence[Part[T]], check: Check, workers: int = 1) -> Iterator[Iterator[Iterator[T]]]:
    """The pieces of each of `parts`, part after part, made on `workers` threads that are a few parts ahead at most.
    The first part is made alone until its first piece is there, which so comes soonest. What a part raises is raised
    where its pieces are taken. Each is given a `check` to call at every step, which raises when the given one does or
    when nobody wants more; the threads have ended when the `with` block is left."""
    line = _Line(parts, check, workers)
    threads = [threading.Thread(target=line.work, name=f"ahead-{index}", daemon=True) for index in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield (line.take(index) for index in range(len(parts)))
    finally:
        line.stop()
        for thread in threads:
            thread.join()


class _Line(Generic[T]):
    """Parts that wait, are made or are ready."""

    def __init__(self, parts: Sequence[Part[T]], check: Check, workers: int) -> None:
        self._parts, self._check, self._workers = parts, check, workers
        self._changed = threading.Condition()
        self._ready: defaultdict[int, deque[T]] = defaultdict(deque)
        self._ended: dict[int, BaseException | None] = {}
        self._next = self._wanted = 0
        self._begun = False  # something of the first part is there
        self._unwanted = False

    def work(self) -> None:
        while (index := self._claim()) is not None:
            error: BaseException | None = None
            try:
                for piece in self._parts[index](self._check_both):
                    with self._changed:
                        self._ready[index].append(piece)
                        self._begun = True
                        self._changed.notify_all()
                    self._check_both()
            except BaseException as raised:
                error = raised
            with self._changed:
                self._ended[index] = error
                self._begun = True
                self._changed.notify_all()

    def take(self, index: int) -> Iterator[T]:
        with self._changed:
            self._wanted = index
            self._changed.notify_all()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready[index] or index in self._ended)
                if not self._ready[index]:
                    del self._ready[index]
                    if error := self._ended.pop(index):
                        raise error
                    return
                piece = self._ready[index].popleft()
            yield piece

    def stop(self) -> None:
        with self._changed:
            self._unwanted = True
            self._changed.notify_all()

    def _claim(self) -> int | None:
        """The next part to make, when it is near enough to what is taken; None when there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._unwanted or self._next >= len(self._parts) or self._is_near())
            if self._unwanted or self._next >= len(self._parts):
                return None
            self._next += 1
            return self._next - 1

    def _is_near(self) -> bool:
        return self._next == 0 or (self._begun and self._next <= self._wanted + self._workers)

    def _check_both(self) -> None:
        if self._unwanted:
            raise Cancelled
        self._check()
