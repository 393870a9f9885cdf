"""The left column: media with their counts, states, switches, and the way to add a file."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from studio.core.i18n import _, n_
from studio.core.jobs import Medium
from studio.ui.icons import paint_icon
from studio.ui.pane import Rule, ScrollPage
from studio.ui.tabs.models.filters import STATES, Counts, Filters
from studio.ui.tabs.models.words import MEDIA
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.choices import CheckBox, Switch
from studio.ui.widgets.models import MEDIUM_ICONS
from studio.ui.widgets.paint import Label, line_text, mirrored, paint_box, painter_for, text_width
from studio.ui.widgets.rooms import HeaderBar, Surface

ROW, SIDE, OUT = 32, 16, 8


class MediumRow(QAbstractButton):
    """A medium with how many models there are; the chosen one is tinted."""

    def __init__(self, text: str, icon: str, color: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._color, self._count = icon, color, ""
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(ROW)

    def set_count(self, count: int) -> None:
        self._count = str(count)
        self.setAccessibleDescription(n_("{count} model", "{count} models", count).format(count=count))
        self.update()

    def count(self) -> int:
        return int(self._count or 0)

    def sizeHint(self) -> QSize:
        return QSize(160, ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, chosen = theme_of(self), self.isChecked()
        with painter_for(self) as painter:
            if chosen or self.underMouse():
                fill = "accent.tint" if chosen else "surface.hover"
                paint_box(painter, self.rect(), theme.color(fill), None, theme.metric("radius.md"))
            ink = "accent.tintText" if chosen else "text.secondary"
            icon = mirrored(self, QRect(OUT, (ROW - 16) // 2, 16, 16))
            paint_icon(painter, icon, self._icon, theme.color(ink if not self._color else self._color))
            small = theme.font("small", 600 if chosen else 400)
            width = text_width(self._count, small)
            count = mirrored(self, QRect(self.width() - OUT - width, 0, width, ROW))
            line_text(painter, count, self._count, small, theme.color(ink if chosen else "text.tertiary"))
            words = mirrored(self, QRect(OUT + 26, 0, self.width() - 2 * OUT - 34 - width, ROW))
            line_text(painter, words, self.text(), theme.font("body", 600 if chosen else 400), theme.color(ink))


class FilterSwitch(Switch):
    """A switch whose words may be shortened; the tooltip tells them whole."""

    def __init__(self, text: str) -> None:
        super().__init__(text, show_text=True)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(96, self.height())


class FilterPanel(Surface):
    """`changed` carries the `Filters` that the user chose; `add_wanted`: a file is to be added."""

    changed = Signal(object)
    add_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface.panel", "right", parent)
        self.filters = Filters()
        self._quiet = False
        head = HeaderBar(_("Models"))
        self._total = Label("", "small", "tertiary")
        head.add_end(self._total)
        head.layout().setContentsMargins(SIDE, 0, SIDE, 0)  # type: ignore[union-attr]
        self.media: dict[Medium | None, MediumRow] = {}
        self.states: dict[str, CheckBox] = {}
        self._counts: dict[str, Label] = {}
        self._lines: dict[str, QWidget] = {}
        self.fits = FilterSwitch(_("Fits this computer"))
        self.commercial = FilterSwitch(_("Commercial use allowed"))
        self.chinese = FilterSwitch(_("Works in Chinese"))
        for switch in (self.fits, self.commercial, self.chinese):
            switch.toggled.connect(self._on_changed)
        self.add = Button(_("Add a model file"), "secondary", "plus")
        self.add.setSizePolicy(self.add.sizePolicy().Policy.Expanding, self.add.sizePolicy().verticalPolicy())
        self.add.clicked.connect(self.add_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(ScrollPage(self._groups()), 1)
        foot = Surface("surface.panel", "top")
        foot.setFixedHeight(theme_of(self).metric("layout.inspectorFooter"))
        row = QHBoxLayout(foot)
        row.setContentsMargins(SIDE, 0, SIDE, 0)
        row.addWidget(self.add)
        column.addWidget(foot)

    def _groups(self) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(OUT, SIDE, OUT, SIDE)
        column.setSpacing(2)
        group = QButtonGroup(self)
        rows = [(None, _("All"), "squares-four", "")]
        rows += [(medium, _(MEDIA[medium]), MEDIUM_ICONS[medium], f"medium.{medium}") for medium in Medium]
        for medium, text, icon, color in rows:
            button = MediumRow(text, icon, color)
            button.clicked.connect(lambda _checked=False, medium=medium: self._choose(medium))
            group.addButton(button)
            self.media[medium] = button
            column.addWidget(button)
        self.media[None].setChecked(True)
        column.addSpacing(12)
        column.addWidget(_inset(Rule()))
        column.addSpacing(12)
        column.addWidget(_inset(Label(_("State"), "label")))
        column.addSpacing(4)
        for state, text in STATES.items():
            box = CheckBox(_(text))
            box.toggled.connect(self._on_changed)
            count = Label("", "small", "tertiary")
            self.states[state], self._counts[state] = box, count
            self._lines[state] = line = QWidget()
            row = QHBoxLayout(line)
            row.setContentsMargins(OUT, 2, OUT, 2)
            row.addWidget(box)
            row.addStretch(1)
            row.addWidget(count)
            column.addWidget(line)
        column.addSpacing(12)
        column.addWidget(_inset(Rule()))
        column.addSpacing(10)
        for switch in (self.fits, self.commercial, self.chinese):
            line = _inset(switch)
            column.addWidget(line)
            column.addSpacing(5)
        column.addStretch(1)
        return inner

    def show_filters(self, filters: Filters) -> None:
        """Show `filters` without telling of a change."""
        self._quiet = True
        self.filters = filters
        self.media[filters.medium].setChecked(True)
        for state, box in self.states.items():
            box.setChecked(state in filters.states)
        self.fits.setChecked(filters.fits)
        self.commercial.setChecked(filters.commercial)
        self.chinese.setChecked(filters.chinese)
        self._quiet = False

    def show_counts(self, counts: Counts) -> None:
        words = n_("{count} model", "{count} models", counts.every).format(count=counts.every)
        self._total.setText(words if counts.every else "")
        for medium, row in self.media.items():
            row.set_count(counts.total if medium is None else counts.media.get(medium, 0))
            row.setVisible(medium in (None, self.filters.medium) or medium in counts.known)
        for state, label in self._counts.items():
            label.setText(str(counts.states[state]))
            self.states[state].setAccessibleDescription(label.text())
        unusable = self.states["unusable"]
        self._lines["unusable"].setVisible(unusable.isChecked() or bool(counts.states["unusable"]))

    def _choose(self, medium: Medium | None) -> None:
        self.filters = replace(self.filters, medium=medium)
        self.changed.emit(self.filters)

    def _on_changed(self) -> None:
        if self._quiet:
            return
        self.filters = replace(
            self.filters,
            states=frozenset(state for state, box in self.states.items() if box.isChecked()),
            fits=self.fits.isChecked(),
            commercial=self.commercial.isChecked(),
            chinese=self.chinese.isChecked(),
        )
        self.changed.emit(self.filters)


def _inset(widget: QWidget) -> QWidget:
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(OUT, 0, OUT, 0)
    row.addWidget(widget)
    return line
