"""The bar at the top: project, search, device and memory, panels, settings."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from studio.core.i18n import _
from studio.core.models import DeviceStatus
from studio.ui.theme import Theme, theme_of
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.meters import MemoryGauge, Segment
from studio.ui.widgets.paint import Separator
from studio.ui.widgets.rooms import LogoMark, SearchButton, Surface

GIB = 1024**3
_SEARCH, _SEARCH_COMPACT = 380, 260


class ProjectButton(Button):
    """Names the project in use; its text is the user's own and therefore in the primary colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "ghost", "folder", "sm", caret=True, parent=parent)
        self.set_icon("folder", "text.secondary")
        self.setMaximumWidth(260)

    def set_project(self, title: str) -> None:
        self.setText(title)
        self.setAccessibleName(_("Project: {name}").format(name=title))
        self.setToolTip(title)
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        return QSize(96, self.height())

    def sizeHint(self) -> QSize:
        return super().sizeHint().boundedTo(QSize(self.maximumWidth(), self.height()))

    def _colors(self, theme: Theme) -> tuple[QColor | None, QColor | None, QColor]:
        fill, border, _text = super()._colors(theme)
        return fill, border, theme.color("text.primary")


class DeviceButton(Button):
    """The memory gauge, to be clicked for what is loaded."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "ghost", size="sm", parent=parent)
        self.gauge = MemoryGauge()
        self.gauge.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.addWidget(self.gauge)
        self.show_device(None)

    def show_device(self, device: DeviceStatus | None) -> None:
        if device is None:
            self.gauge.set_memory(_("Engine"), (), 1, _("starting"))
            self.setAccessibleName(_("Device: the engine is starting"))
        else:
            figures = memory_words(device)
            self.gauge.set_memory(device_word(device), segments(device), device.memory_total, figures)
            self.setAccessibleName(_("{device}, {figures} in use").format(device=device.name, figures=figures))
            self.setToolTip(f"{device.name}\n" + _("{figures} in use").format(figures=figures))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self.gauge.sizeHint().width() + 16, self.height())


class TopBar(Surface):
    """Signals say what was asked for; the window does it. `project_chosen` carries a project's id."""

    project_chosen = Signal(str)
    new_project = Signal()
    rename_project = Signal()
    search_requested = Signal()
    device_requested = Signal()
    settings_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface.window", "bottom", parent)
        theme = theme_of(self)
        self.setFixedHeight(theme.metric("layout.topBar"))
        self._mark = LogoMark(24, self)
        self._mark.move((theme.metric("layout.rail") - 24) // 2, 10)
        self.project = ProjectButton(self)
        self._menu = QMenu(self)
        self.project.clicked.connect(self._open_projects)
        keys = QKeySequence("Ctrl+K").toString(QKeySequence.SequenceFormat.NativeText).replace("+", " ")
        self.search = SearchButton(_("Search results, models and commands"), keys, self)
        self.search.clicked.connect(self.search_requested)
        self.device = DeviceButton(self)
        self.device.clicked.connect(self.device_requested)
        self.panels = IconButton("layout", _("Panels"))
        self.panels_menu = QMenu(self)
        self.panels.clicked.connect(lambda: self._open(self.panels_menu, self.panels))
        self.settings = IconButton("gear-six", _("Settings"))
        self.settings.clicked.connect(self.settings_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.metric("layout.rail") - 2, 0, 12, 0)
        row.setSpacing(0)
        row.addWidget(self.project)
        row.addStretch(1)
        row.addWidget(self.device)
        row.addSpacing(8)
        row.addWidget(Separator(vertical=True))
        row.addSpacing(8)
        row.addWidget(self.panels)
        row.addWidget(self.settings)
        self._projects: list[tuple[str, str]] = []
        self._current = ""

    def show_projects(self, projects: Sequence[tuple[str, str]], current: str) -> None:
        """`projects` are (id, name)."""
        self._projects, self._current = list(projects), current
        self.project.set_project(dict(projects).get(current, current))
        self._place_search()

    def set_compact(self, compact: bool) -> None:
        self.device.gauge.set_compact(compact)
        self.project.setMaximumWidth(180 if compact else 260)
        self.search.setText(_("Search") if compact else _("Search results, models and commands"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_search()

    def show_device(self, device: DeviceStatus | None) -> None:
        self.device.show_device(device)
        self._place_search()

    def _place_search(self) -> None:
        """In the middle of the window where it fits, else in the middle of what its neighbours leave."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
        compact = self.window().width() < theme_of(self).metric("layout.compactBelow")
        left, right = self.project.geometry().right() + 16, self.device.x() - 16
        width = max(120, min(_SEARCH_COMPACT if compact else _SEARCH, right - left))
        x = min(max((self.width() - width) // 2, left), right - width)
        self.search.setGeometry(QRect(x, (self.height() - 28) // 2, width, 28))

    def _open_projects(self) -> None:
        self._menu.clear()
        for id_, name in self._projects:
            action = QAction(name.replace("&", "&&"), self._menu, checkable=True, checked=id_ == self._current)
            action.triggered.connect(lambda _checked=False, id_=id_: self.project_chosen.emit(id_))
            self._menu.addAction(action)
        self._menu.addSeparator()
        self._menu.addAction(_("New project…"), self.new_project.emit)
        self._menu.addAction(_("Rename project…"), self.rename_project.emit)
        self._open(self._menu, self.project)

    def _open(self, menu: QMenu, button: QWidget) -> None:
        below = button.mapToGlobal(QPoint(0, button.height() + 4))
        overhang = below.x() + menu.sizeHint().width() - self.mapToGlobal(QPoint(self.width() - 8, 0)).x()
        menu.popup(below - QPoint(max(0, overhang), 0))


def device_word(device: DeviceStatus) -> str:
    return "CPU" if device.kind == "cpu" else "GPU"


def memory_words(device: DeviceStatus) -> str:
    """ "3.1 / 12 GB" """
    return _("{used} / {total} GB").format(
        used=f"{device.memory_used / GIB:.1f}", total=f"{device.memory_total / GIB:.0f}"
    )


def gigabytes(size: int) -> str:
    if size < GIB:
        return _("{size} MB").format(size=f"{size / 1024**2:.0f}")
    return _("{size} GB").format(size=f"{size / GIB:.1f}")


def segments(device: DeviceStatus) -> list[Segment]:
    """What others use, in grey, then each loaded model in its medium's colour."""
    ours = sum(model.memory for model in device.loaded)
    others = Segment(max(0, device.memory_used - ours), "text.secondary", _("Other programs"))
    return [others, *(Segment(model.memory, f"medium.{model.medium}", model.title) for model in device.loaded)]
