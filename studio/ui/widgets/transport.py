"""The bar below a sound: go back, play, go on, loop, the time, the volume, the device, the zoom; 52 high."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import IconButton
from studio.ui.widgets.paint import Label, Separator, painter_for, text_width
from studio.ui.widgets.rooms import Surface
from studio.ui.widgets.sliders import SlimSlider
from studio.ui.widgets.waveform import clock_time

HEIGHT, ROUND = 52, 36


class PlayButton(QPushButton):
    """The round button: play, or pause while it plays."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playing = False
        self.setFixedSize(ROUND, ROUND)
        self.setAutoDefault(False)
        self.setProperty("radius", ROUND // 2)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.set_playing(False)

    def set_playing(self, playing: bool) -> None:
        self._playing = playing
        name = _("Pause playback") if playing else _("Play")
        self.setAccessibleName(name)
        self.setToolTip(_("{action} (Space in the list)").format(action=name))
        self.update()

    def is_playing(self) -> bool:
        return self._playing

    def sizeHint(self) -> QSize:
        return QSize(ROUND, ROUND)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            painter.setPen(Qt.PenStyle.NoPen)
            fill, ink = "text.primary", "surface.window"
            if not self.isEnabled():
                fill, ink = "surface.raised", "text.disabled"
            elif self.underMouse():
                fill = "text.secondary"
            painter.setBrush(theme.color(fill))
            painter.drawEllipse(self.rect())
            side = 16
            box = QRect((ROUND - side) // 2 + (0 if self._playing else 1), (ROUND - side) // 2, side, side)
            paint_icon(painter, box, "pause-fill" if self._playing else "play-fill", theme.color(ink))


class TransportBar(Surface):
    """`play_clicked`, `previous_clicked`, `next_clicked`; `loop_changed` carries on or off, `volume_changed` 0 to 1,
    `zoom_changed` 0 (the whole) to 1 (the closest), `device_chosen` an id ("": the system's own choice). The menu of
    devices asks for them with `devices_wanted` when it opens; answer with `set_devices`."""

    play_clicked = Signal()
    previous_clicked = Signal()
    next_clicked = Signal()
    loop_changed = Signal(bool)
    volume_changed = Signal(float)
    zoom_changed = Signal(float)
    devices_wanted = Signal()
    device_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface.window", "top", parent)
        self.setFixedHeight(HEIGHT)
        self.previous = IconButton("skip-back-fill", _("Previous sentence"))
        self.play = PlayButton()
        self.next = IconButton("skip-forward-fill", _("Next sentence"))
        self.loop = IconButton("repeat", _("Repeat this sentence"), checkable=True)
        self.time = Label("0:00.0", "body")
        self.time.setFont(theme_of(self).font("body", 600))
        self.total = Label("", "body", "tertiary")
        self.notice = IconButton("speaker-simple-x", _("There is no sound device; it plays silently."))
        self.notice.hide()
        self.mute = IconButton("speaker-high", _("Sound device"))
        self.volume = SlimSlider(100, 0, 100, default=100, name=_("Volume"))
        self.volume.setFixedWidth(80)
        self.zoom_label = Label(_("Zoom"), "small", "secondary")
        self.zoom = SlimSlider(30, 0, 100, default=30, name=_("Zoom"))
        self.zoom.setFixedWidth(64)
        self._muted = 0.0
        self._quiet = False
        self._devices = QMenu(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        for widget in (self.previous, self.play, self.next):
            row.addWidget(widget)
        row.addSpacing(4)
        row.addWidget(self.loop)
        row.addSpacing(8)
        row.addWidget(self.time)
        row.addWidget(self.total)
        row.addStretch(1)
        row.addWidget(self.notice)
        row.addWidget(self.mute)
        row.addWidget(self.volume)
        row.addSpacing(4)
        row.addWidget(Separator(vertical=True))
        row.addSpacing(4)
        row.addWidget(self.zoom_label)
        row.addWidget(self.zoom)
        self.previous.clicked.connect(self.previous_clicked)
        self.play.clicked.connect(self.play_clicked)
        self.next.clicked.connect(self.next_clicked)
        self.loop.toggled.connect(self.loop_changed)
        self.volume.value_changed.connect(self._on_volume)
        self.zoom.value_changed.connect(self._on_zoom)
        self.mute.clicked.connect(self._open_devices)
        self.notice.clicked.connect(self._open_devices)
        self.set_time(0.0, 0.0)

    def set_time(self, position: float, total: float) -> None:
        self.time.setText(clock_time(position, tenths=True))
        self.total.setText(f"/ {clock_time(total, tenths=True)}")
        widest = text_width(clock_time(total, tenths=True).replace("1", "0"), self.time.font())
        self.time.setMinimumWidth(widest + 1)

    def set_playing(self, playing: bool) -> None:
        self.play.set_playing(playing)

    def set_ready(self, ready: bool) -> None:
        """Whether there is anything to hear."""
        for widget in (self.previous, self.play, self.next, self.loop, self.zoom):
            widget.setEnabled(ready)

    def set_silent(self, silent: bool) -> None:
        """Say that there is no device."""
        self.notice.setVisible(silent)
        self.mute.setVisible(not silent)

    def set_volume(self, volume: float) -> None:
        """0 to 1; emits nothing."""
        self._quiet = True
        self.volume.set_number(round(volume * 100))
        self._quiet = False

    def set_zoom(self, zoom: float) -> None:
        """0 to 1; emits nothing."""
        self._quiet = True
        self.zoom.set_number(round(zoom * 100))
        self._quiet = False

    def set_devices(self, devices: list[tuple[str, str]], chosen: str) -> None:
        """(id, name) of each; `chosen` "" is the system's own choice."""
        menu = self._devices
        menu.clear()
        group = QActionGroup(menu)
        rows = [("", _("As the system is set")), *devices] if devices else []
        if not rows:
            menu.addAction(_("No sound device was found. It plays silently.")).setEnabled(False)
        for id, name in rows:
            action = QAction(name, menu, checkable=True, checked=id == chosen)
            action.triggered.connect(lambda _checked=False, id=id: self.device_chosen.emit(id))
            group.addAction(action)
            menu.addAction(action)
        menu.addSeparator()
        mute = menu.addAction(_("Mute"), self._toggle_mute)
        mute.setCheckable(True)
        mute.setChecked(self.volume.number() == 0)

    def _open_devices(self) -> None:
        self.devices_wanted.emit()
        button = self.notice if self.notice.isVisible() else self.mute
        size = self._devices.sizeHint()
        self._devices.popup(button.mapToGlobal(QPoint(0, -size.height() - 4)))

    def _toggle_mute(self) -> None:
        level = self.volume.number()
        self.volume.set_number(0 if level else self._muted or 100)
        self._muted = level

    def _on_volume(self, value: float) -> None:
        self._show_speaker()
        if not self._quiet:
            self.volume_changed.emit(value / 100)

    def _on_zoom(self, value: float) -> None:
        if not self._quiet:
            self.zoom_changed.emit(value / 100)

    def _show_speaker(self) -> None:
        level = self.volume.number()
        self.mute.set_icon("speaker-slash" if level == 0 else "speaker-low" if level < 50 else "speaker-high")
