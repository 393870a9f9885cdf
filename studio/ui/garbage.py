"""Python's garbage is collected in the window's thread alone.

What refers to itself in a circle is freed by whichever thread the collector happens to run in. For a widget, or a timer
that runs, any thread but the window's is the wrong one: the program ends in an abort, now and then and far from the
cause.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 1000


class GarbageCollector(QObject):
    """Takes the place of the automatic collection until `close`; made in the window's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._automatic = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(collect_due)
        self._timer.start()

    def close(self) -> None:
        """Leave it to the interpreter again, if it was before."""
        self._timer.stop()
        if self._automatic:
            gc.enable()


def collect_due() -> None:
    """Collect as the interpreter would have: the oldest generation whose count has passed its threshold."""
    counts, thresholds = gc.get_count(), gc.get_threshold()
    for generation in (2, 1, 0):
        if thresholds[generation] and counts[generation] > thresholds[generation]:
            gc.collect(generation)
            return
