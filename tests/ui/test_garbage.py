"""Widgets in reference cycles are freed in the window's thread, whatever other threads do."""

from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtWidgets import QApplication, QWidget

from studio.ui.garbage import GarbageCollector, collect_due


def leave_a_widget(freed_in: list[threading.Thread]) -> None:
    widget = QWidget()
    widget.circle = widget  # type: ignore[attr-defined]
    weakref.finalize(widget, lambda: freed_in.append(threading.current_thread()))


def make_garbage() -> None:
    """Circles enough for the automatic collection to come by many times."""
    for _number in range(100_000):
        circle: list[object] = []
        circle.append(circle)


def in_a_thread() -> None:
    thread = threading.Thread(target=make_garbage)
    thread.start()
    thread.join()


def test_another_thread_does_not_free_widgets(qapp: QApplication) -> None:
    before = gc.isenabled()
    gc.enable()
    try:
        collector = GarbageCollector()
        freed_in: list[threading.Thread] = []
        leave_a_widget(freed_in)
        in_a_thread()
        assert freed_in == []
        collect_due()
        collector.close()
        assert gc.isenabled()
        assert set(freed_in) == {threading.main_thread()}
    finally:
        gc.enable() if before else gc.disable()


def test_it_leaves_things_as_they_were(qapp: QApplication) -> None:
    before = gc.isenabled()
    gc.disable()
    try:
        GarbageCollector().close()
        assert not gc.isenabled()
    finally:
        gc.enable() if before else gc.disable()
