"""The settings: every one takes effect at once, and is written down at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QStackedWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

import studio
from studio.core import paths
from studio.core.errors import AtelierError
from studio.core.i18n import LANGUAGES, _
from studio.ui.files import open_path
from studio.ui.icons import paint_icon
from studio.ui.model_settings import ModelSettings
from studio.ui.pane import OverlayPane, Rule, ScrollPage
from studio.ui.services import Services
from studio.ui.sheet import Sheet
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.choices import SegmentedControl, Switch
from studio.ui.widgets.paint import Label, line_text, paint_box, painter_for
from studio.ui.widgets.rooms import LogoMark

GIB = 1024**3
_LIMITS = (0, 2, 4, 8, 16, 32, 64)


class SettingsSheet(Sheet):
    """`results_chosen(folder)` asks the program to move to another folder of results; the rest is done here."""

    results_chosen = Signal(str)

    def __init__(self, host: QWidget, services: Services, page: str = "general") -> None:
        super().__init__(host, _("Settings"), QSize(760, 540))
        self._services = services
        self._pages = QStackedWidget(self.pane)
        self._group = QButtonGroup(self)
        outer = QVBoxLayout(self.pane)
        outer.setContentsMargins(1, 1, 1, 1)
        outer.setSpacing(0)
        self.add_header(outer, _("Settings"))
        outer.addWidget(Rule())
        row = QHBoxLayout()
        row.setSpacing(0)
        self._nav = QVBoxLayout()
        self._nav.setContentsMargins(12, 12, 12, 12)
        self._nav.setSpacing(2)
        row.addLayout(self._nav)
        row.addWidget(Rule(upright=True))
        row.addWidget(self._pages, 1)
        outer.addLayout(row, 1)
        self._names: list[str] = []
        self._add("general", _("General"), "sliders-horizontal", self._general())
        self._add("files", _("Files"), "folder", self._files())
        self._add("models", _("Models"), "cube", _page(ModelSettings(services)))
        self._add("engine", _("Engine"), "cpu", self._engine())
        self._add("about", _("About"), "info", self._about())
        self._nav.addStretch(1)
        self.show_page(page)

    @property
    def page(self) -> str:
        """The name of the page that is shown."""
        return self._names[self._pages.currentIndex()]

    def show_page(self, name: str) -> None:
        number = self._names.index(name)
        self._pages.setCurrentIndex(number)
        self._group.button(number).setChecked(True)

    # -- pages ------------------------------------------------------------------------------------------------

    def _general(self) -> QWidget:
        values = self._services.settings.values
        languages = [("system", _("System")), *LANGUAGES.items()]
        themes = [("system", _("System")), ("light", _("Light")), ("dark", _("Dark"))]
        motion = [("system", _("System")), ("off", _("Full")), ("on", _("Reduced"))]
        return _page(
            _row(_("Language"), "", self._segments("language", languages, values.language, _("Language"))),
            _row(_("Colours"), "", self._segments("theme", themes, values.theme, _("Colours"))),
            _row(
                _("Motion"),
                _("Reduced: nothing slides or fades."),
                self._segments("reduce_motion", motion, values.reduce_motion, _("Motion")),
            ),
            Rule(),
            _row(
                _("Tell me when something is done"),
                _("With a notification, while another window is in front."),
                self._switch("notify", values.notify, _("Tell me when something is done")),
            ),
            _row(
                _("Keep the computer awake"),
                _("While something is being made."),
                self._switch("keep_awake", values.keep_awake, _("Keep the computer awake")),
            ),
        )

    def _files(self) -> QWidget:
        self._folder = Label(str(self._services.settings.values.results), "small", "secondary", wrap=True)
        choose = Button(_("Choose another folder…"))
        choose.clicked.connect(self._choose_folder)
        show = Button(_("Show folder"), "ghost", "folder-open")
        show.clicked.connect(lambda: open_path(self._services.settings.values.results))
        self._trouble = Label("", "small", "danger", wrap=True)
        self._trouble.hide()
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(choose)
        buttons.addWidget(show)
        buttons.addStretch(1)
        note = _("Results are ordinary files in this folder. What is in the old folder stays there.")
        return _page(
            Label(_("Folder for results"), "body"),
            self._folder,
            buttons,
            self._trouble,
            Label(note, "small", "tertiary", wrap=True),
        )

    def _engine(self) -> QWidget:
        device = self._services.client.device
        total = device.memory_total if device else 0
        limits = [gib for gib in _LIMITS if not gib or not total or gib * GIB < total]
        names = [(gib, _("All") if not gib else _("{count} GB").format(count=gib)) for gib in limits]
        current = round(self._services.settings.values.memory_limit / GIB)
        control = SegmentedControl(names, current if current in limits else 0, _("Memory for models"))
        control.setFixedWidth(52 * len(names))
        control.changed.connect(lambda gib: self._update(memory_limit=gib * GIB))
        name = device.name if device else _("The engine is starting.")
        return _page(
            _row(_("Device"), "", Label(name, "body", "secondary")),
            _row(
                _("Memory for models"),
                _("Models that do not fit are put away, the longest unused first."),
                control,
            ),
        )

    def _about(self) -> QWidget:
        title = QHBoxLayout()
        title.setSpacing(16)
        title.addWidget(LogoMark(44))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Label("Atelier", "heading"))
        words.addWidget(Label(_("Release {version}").format(version=studio.__version__), "small", "tertiary"))
        title.addLayout(words)
        title.addStretch(1)
        notices = QTextBrowser()
        notices.setMarkdown(notice_text())
        notices.setOpenExternalLinks(True)
        notices.setAccessibleName(_("Licences"))
        notices.setFont(theme_of(self).font("small"))
        notices.setTabChangesFocus(True)
        box = OverlayPane("surface.field", "radius.md")
        box.frame(notices)
        inside = QVBoxLayout(box)
        inside.setContentsMargins(8, 8, 2, 8)
        inside.addWidget(notices)
        box.setMinimumHeight(220)
        line = _("Everything runs on this computer. Nothing is sent anywhere.")
        return _page(
            title, Label(line, "body", "secondary", wrap=True), Label(_("Licences"), "label"), box, stretch=box
        )

    # -- making -----------------------------------------------------------------------------------------------

    def _add(self, name: str, title: str, icon: str, page: QWidget) -> None:
        button = _NavButton(title, icon)
        self._group.addButton(button, len(self._names))
        button.clicked.connect(lambda: self.show_page(name))
        self._names.append(name)
        self._nav.addWidget(button)
        self._pages.addWidget(page)

    def _segments(self, setting: str, items: list[tuple[Any, str]], current: Any, name: str) -> QWidget:
        control = SegmentedControl(items, current, name)
        control.setFixedWidth(276)
        control.changed.connect(lambda value: self._update(**{setting: value}))
        return control

    def _switch(self, setting: str, on: bool, name: str) -> QWidget:
        switch = Switch(name, on)
        switch.toggled.connect(lambda value: self._update(**{setting: value}))
        return switch

    def _update(self, **changes: Any) -> None:
        try:
            self._services.settings.update(**changes)
        except AtelierError as error:
            self._trouble.setText(str(error))
            self._trouble.show()
            self.show_page("files")

    def _choose_folder(self) -> None:
        current = str(self._services.settings.values.results)
        folder = QFileDialog.getExistingDirectory(self.window(), _("Folder for results"), current)
        if folder and Path(folder) != Path(current):
            trouble = folder_trouble(Path(folder))
            self._trouble.setText(str(trouble or ""))
            self._trouble.setVisible(trouble is not None)
            if trouble is None:
                self.results_chosen.emit(folder)


class _NavButton(QAbstractButton):
    def __init__(self, text: str, icon: str) -> None:
        super().__init__()
        self._icon = icon
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedSize(168, 32)

    def sizeHint(self) -> QSize:
        return self.size()

    def paintEvent(self, event: object) -> None:
        theme, chosen = theme_of(self), self.isChecked()
        with painter_for(self) as painter:
            if chosen or self.underMouse():
                fill = "accent.tint" if chosen else "surface.hover"
                paint_box(painter, self.rect(), theme.color(fill), None, theme.metric("radius.md"))
            color = theme.color("accent.tintText" if chosen else "text.secondary")
            paint_icon(painter, self.rect().adjusted(12, 8, -140, -8), self._icon, color)
            font = theme.font("body", 600 if chosen else 400)
            line_text(painter, self.rect().adjusted(38, 0, -8, 0), self.text(), font, color)


def _page(*rows: QWidget | QHBoxLayout, stretch: QWidget | None = None) -> QWidget:
    inner = QWidget()
    layout = QVBoxLayout(inner)
    layout.setContentsMargins(24, 20, 24, 20)
    layout.setSpacing(16)
    for row in rows:
        if isinstance(row, QWidget):
            layout.addWidget(row, 1 if row is stretch else 0)
        else:
            layout.addLayout(row)
    if stretch is None:
        layout.addStretch(1)
    return ScrollPage(inner)


def _row(title: str, help_text: str, control: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(24)
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(Label(title, "body", wrap=True))
    if help_text:
        words.addWidget(Label(help_text, "small", "tertiary", wrap=True))
    row.addLayout(words, 1)
    row.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
    return row


def folder_trouble(folder: Path) -> AtelierError | None:
    """Why results cannot go into `folder`, or None. Tried by writing a file, because rights alone tell little."""
    from studio.core.files import write_bytes

    probe = folder / ".atelier-probe"
    try:
        paths.ensure(folder)
        write_bytes(probe, b"")
        probe.unlink(missing_ok=True)
    except AtelierError as error:
        return error
    except OSError as error:
        from studio.core.errors import from_os_error

        return from_os_error(error, folder)
    return None


def notice_text() -> str:
    """NOTICE and the list of third-party parts, wherever this installation keeps them."""
    found = [text for name in ("NOTICE", "THIRD_PARTY.md") if (text := _shipped(name))]
    return "\n\n".join(found)


def _shipped(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, distribution

    for folder in (paths.asset().parent, paths.asset()):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    try:
        files = distribution("atelier").files or []
        return next((file.read_text() for file in files if file.name == name), "")
    except (PackageNotFoundError, OSError):
        return ""
