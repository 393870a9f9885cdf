"""What the memory gauge opens: the device, what is loaded, and a way to put a model away."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.core.models import DeviceStatus
from studio.ui.pane import IconMark, Popover, Rule
from studio.ui.queue.words import MEDIUM_ICONS
from studio.ui.top_bar import gigabytes, memory_words, segments
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.meters import SegmentBar
from studio.ui.widgets.paint import ElidedLabel, Label

WIDTH = 320


class DevicePopover(Popover):
    """`unload(model id)` asks for a model to leave the memory."""

    unload = Signal(str)

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self.setAccessibleName(_("Device and memory"))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 16, 16, 16)
        self._column.setSpacing(12)
        self._anchor: QWidget | None = None

    def open_at(self, anchor: QWidget, device: DeviceStatus | None) -> None:
        self._anchor = anchor
        self.show_device(device)
        buttons = self.findChildren(Button)
        self.open_popover(buttons[0] if buttons else None)

    def show_device(self, device: DeviceStatus | None) -> None:
        """Fill in what is known now; keeps its right edge under the anchor."""
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        if device is None:
            self._column.addWidget(Label(_("The engine is starting."), "body", "secondary", wrap=True))
        else:
            self._show_status(device)
        self._place()

    def _show_status(self, device: DeviceStatus) -> None:
        head = QWidget()
        row = QHBoxLayout(head)
        row.setContentsMargins(0, 0, 0, 0)
        name = ElidedLabel(device.name, "label")
        row.addWidget(name, 1)
        row.addWidget(Label(memory_words(device), "small", "secondary"))
        bar = SegmentBar(8, _("Memory"))
        bar.set_segments(segments(device), device.memory_total)
        bar.setAccessibleDescription(memory_words(device))
        self._column.addWidget(head)
        self._column.addWidget(bar)
        self._column.addWidget(Rule())
        if not device.loaded:
            self._column.addWidget(
                Label(_("No model is loaded. The first job loads one."), "small", "tertiary", wrap=True)
            )
        for model in device.loaded:
            line = QWidget()
            row = QHBoxLayout(line)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(10)
            row.addWidget(IconMark(MEDIUM_ICONS[model.medium], f"medium.{model.medium}"))
            row.addWidget(ElidedLabel(model.title, "body"), 1)
            row.addWidget(Label(gigabytes(model.memory), "small", "tertiary"))
            button = Button(_("Unload"), "secondary", size="sm")
            button.setAccessibleName(_("Unload {name}").format(name=model.title))
            button.clicked.connect(lambda _checked=False, id_=model.id: self.unload.emit(id_))
            row.addWidget(button)
            self._column.addWidget(line)

    def _place(self) -> None:
        self._column.activate()
        self.resize(
            WIDTH,
            self._column.totalHeightForWidth(WIDTH)
            if self._column.hasHeightForWidth()
            else self._column.sizeHint().height(),
        )
        if self._anchor is not None:
            corner = self._anchor.mapTo(self.host, QPoint(self._anchor.width(), self._anchor.height() + 6))
            self.move(min(corner.x(), self.host.width() - 8) - WIDTH, corner.y())
