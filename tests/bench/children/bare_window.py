"""The least window: prints `time.monotonic()` once it has been painted."""

from __future__ import annotations

import time

from PySide6.QtWidgets import QApplication, QLabel

app = QApplication([])
label = QLabel("Atelier")
label.show()
app.processEvents()
print(time.monotonic())
