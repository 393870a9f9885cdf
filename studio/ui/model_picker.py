"""Choosing the model of a tab: the button that names it, and the list that opens below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QVBoxLayout, QWidget

from studio.core.errors import explain
from studio.core.i18n import N_, _
from studio.core.jobs import Medium
from studio.core.models import ModelInfo, ModelState
from studio.ui.icons import paint_icon
from studio.ui.pane import Popover
from studio.ui.services import Services
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button
from studio.ui.widgets.chips import chip_width, paint_chip
from studio.ui.widgets.models import MEDIUM_ICONS, STATES, ModelPickerButton
from studio.ui.widgets.paint import Label, line_text, paint_box

LANGUAGES = {
    "en": N_("English"),
    "zh": N_("Chinese"),
    "ja": N_("Japanese"),
    "ko": N_("Korean"),
    "fr": N_("French"),
    "de": N_("German"),
    "es": N_("Spanish"),
    "it": N_("Italian"),
    "pt": N_("Portuguese"),
    "ru": N_("Russian"),
    "ar": N_("Arabic"),
    "hi": N_("Hindi"),
    "th": N_("Thai"),
    "vi": N_("Vietnamese"),
    "nl": N_("Dutch"),
    "pl": N_("Polish"),
    "tr": N_("Turkish"),
    "uk": N_("Ukrainian"),
    "id": N_("Indonesian"),
}
ORIGINS = {
    "starter": N_("Starter"),
    "hub": N_("Installed"),
    "imported": N_("Imported"),
    "folder": N_("Used in place"),
}
ROW = 52
LIST_ROWS = 6


def languages(info: ModelInfo) -> str:
    """The languages of a model in words: two names, or how many."""
    codes = dict.fromkeys(code.split("-")[0] for code in info.languages)
    if len(codes) > 2:
        return _("{count} languages").format(count=len(codes))
    return _(", ").join(_(LANGUAGES.get(code, code)) for code in codes)


def speaks(info: ModelInfo, language: str) -> bool:
    """Whether the model is made for `language` ("zh_CN", "en"); one that says nothing of languages may be."""
    return not info.languages or any(code.split("-")[0] == language[:2] for code in info.languages)


def origin_line(info: ModelInfo) -> str:
    parts = [_(ORIGINS.get(info.origin, "")), languages(info)]
    return " · ".join(part for part in parts if part)


def state_of(info: ModelInfo) -> str:
    """The state as the picker's chip names it."""
    return {ModelState.DAMAGED: "failed", ModelState.NOT_INSTALLED: "not_installed"}.get(info.state, "ready")


class ModelPicker(QWidget):
    """Names the model in use; a click opens the list, and from there one more leads to all models of the medium.
    `fits` tells which of the medium's models are chosen from.
    `changed` carries the chosen `ModelInfo`, or None while there is none. The choice is remembered for each medium."""

    changed = Signal(object)

    def __init__(
        self,
        services: Services,
        medium: Medium,
        parent: QWidget | None = None,
        *,
        fits: Callable[[ModelInfo], bool] = lambda _info: True,
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._fits = fits
        self._medium = medium
        self._models: list[ModelInfo] = []
        self._current: ModelInfo | None = None
        self._known = False
        self._loading = False
        self._wanted = ""  # chosen elsewhere, and not told by the engine yet
        self.button = ModelPickerButton(str(medium))
        self.button.clicked.connect(self.open_list)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.button)
        self._popover: Popover | None = None
        services.bridge.models_changed.connect(self.set_models)
        self._describe()
        if services.bridge.models:
            self.set_models(services.bridge.models)

    @property
    def current(self) -> ModelInfo | None:
        return self._current

    @property
    def known(self) -> bool:
        """Whether the engine has told its models yet."""
        return self._known

    def models(self) -> list[ModelInfo]:
        return list(self._models)

    def set_models(self, models: Sequence[ModelInfo]) -> None:
        """What there is now. The choice stays while its model does."""
        self._known = True
        self._models = [info for info in models if info.medium == self._medium and self._fits(info)]
        last = (self._services.settings.values.last or {}).get(f"model.{self._medium}")
        wanted = (last, self._current.id if self._current else "")
        found = next((info for id in wanted for info in self._models if info.id == id), None)
        found = found or next((info for info in self._models if info.usable), None) or next(iter(self._models), None)
        if self._wanted and any(info.id == self._wanted for info in self._models):
            wanted, self._wanted = self._wanted, ""
            found = next(info for info in self._models if info.id == wanted)
            self._services.settings.remember(**{f"model.{self._medium}": wanted})
        new = _as_installed(found) != _as_installed(self._current)
        self._current = found
        self._describe()
        if new or found is None:
            self.changed.emit(found)

    def choose(self, model_id: str) -> bool:
        """Use the model `model_id`; False if it is not in the list. A model that was just installed is used as soon as
        the engine knows it."""
        found = next((info for info in self._models if info.id == model_id), None)
        self._wanted = "" if found is not None else model_id
        if found is None:
            self._services.bridge.refresh_models()
            return False
        if self._current is None or found.id != self._current.id:
            self._current = found
            self._services.settings.remember(**{f"model.{self._medium}": found.id})
            self._describe()
            self.changed.emit(found)
        return True

    def set_loading(self, loading: bool) -> None:
        """Whether the model is being loaded now."""
        if loading != self._loading:
            self._loading = loading
            self._describe()

    def _describe(self) -> None:
        if self._current is None:
            self.button.set_model(_("No model yet") if self._known else _("Looking for models"), "")
            self.button.set_state("none")
            return
        self.button.set_model(self._current.title, origin_line(self._current))
        self.button.set_state("loading" if self._loading else state_of(self._current))

    # -- the list ---------------------------------------------------------------------------------------------

    def open_list(self) -> None:
        """Open the list below the button, with what is installed now."""
        self._services.bridge.refresh_models()
        popover = _ModelPopover(self.window(), self._models, self._current, self._on_chosen, self._on_more)
        self._popover = popover
        popover.closed.connect(popover.deleteLater)
        place = self.button.mapTo(self.window(), QPoint(0, self.button.height() + 4))
        width = max(self.button.width(), 304)
        room = self.window().height() - place.y() - 8
        popover.setGeometry(place.x(), place.y(), width, min(popover.height_for(width), room))
        popover.open_popover(popover.first)

    def _on_more(self) -> None:
        if self._popover is not None:
            self._popover.close_popover()
        self._services.models.asked_to_show.emit(self._medium)

    def _on_chosen(self, info: ModelInfo) -> None:
        if self._popover is not None:
            self._popover.close_popover()
        self.choose(info.id)


def _as_installed(info: ModelInfo | None) -> ModelInfo | None:
    """Whether a model is loaded now makes it no other model."""
    loaded = info is not None and info.state is ModelState.LOADED
    return replace(info, state=ModelState.INSTALLED) if info is not None and loaded else info


class _Models(QAbstractListModel):
    def __init__(self, models: Sequence[ModelInfo], parent: QWidget) -> None:
        super().__init__(parent)
        self._models = list(models)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._models)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole):
        info = self._models[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return info
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(part for part in (info.title, origin_line(info), _(STATES[state_of(info)][0])) if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(part for part in (info.description, info.license) if part)
        return None


class _ModelDelegate(QStyledItemDelegate):
    def __init__(self, medium: str, current: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._medium, self._current = medium, current

    def sizeHint(self, option: QStyleOptionViewItem, index) -> QSize:
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index) -> None:
        widget = option.widget  # type: ignore[attr-defined]
        theme = theme_of(widget)
        info: ModelInfo = index.data(Qt.ItemDataRole.UserRole)
        rect: QRect = option.rect.adjusted(0, 1, 0, -1)  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if info.id == self._current:
            paint_box(painter, rect, theme.color("accent.tint"), theme.color("accent.fill"), 6)
        elif state & QStyle.StateFlag.State_MouseOver:
            paint_box(painter, rect, theme.color("surface.hover"), None, 6)
        if state & QStyle.StateFlag.State_HasFocus:
            paint_box(painter, rect, None, theme.color("focus.ring"), 6, 2)
        tile = QRect(rect.x() + 8, rect.center().y() - 15, 32, 32)
        paint_box(painter, tile, theme.color(f"mediumTint.{self._medium}"), None, 4)
        ink = theme.color(f"medium.{self._medium}")
        paint_icon(painter, tile.adjusted(8, 8, -8, -8), f"{MEDIUM_ICONS[self._medium]}-fill", ink)
        words, tone, icon, dot = STATES[state_of(info)]
        width = chip_width(theme, _(words), icon, dot=dot)
        chip = QRect(rect.right() - width - 8, rect.center().y() - 9, width, 20)
        paint_chip(painter, chip, theme, _(words), tone, icon, dot=dot)
        room = chip.x() - tile.right() - 18
        name = QRect(tile.right() + 10, rect.y() + 6, room, 20)
        line_text(painter, name, info.title, theme.font("body", 600), theme.color("text.primary"))
        line = QRect(tile.right() + 10, rect.y() + 25, room, 16)
        line_text(painter, line, origin_line(info), theme.font("caption"), theme.color("text.tertiary"))
        painter.restore()


class _ModelPopover(Popover):
    def __init__(
        self,
        host: QWidget,
        models: Sequence[ModelInfo],
        current: ModelInfo | None,
        chosen: Callable[[ModelInfo], None],
        more: Callable[[], None],
    ) -> None:
        super().__init__(host, "radius.lg")
        self.setAccessibleName(_("Models"))
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 12)
        column.setSpacing(8)
        self._count = len(models)
        self.first: QWidget
        browse = Button(_("More models…"), "secondary", "cube", "sm")
        browse.clicked.connect(more)
        if models:
            view = QListView()
            view.setAccessibleName(_("Models"))
            view.setModel(_Models(models, view))
            view.setItemDelegate(_ModelDelegate(str(models[0].medium), current.id if current else "", view))
            view.setMouseTracking(True)
            view.setFixedHeight(ROW * min(len(models), LIST_ROWS) + 4)
            view.activated.connect(lambda index: chosen(index.data(Qt.ItemDataRole.UserRole)))
            view.clicked.connect(lambda index: chosen(index.data(Qt.ItemDataRole.UserRole)))
            row = next((i for i, info in enumerate(models) if current and info.id == current.id), 0)
            view.setCurrentIndex(view.model().index(row, 0))
            column.addWidget(view)
            words = _("Find, download and add others on the Models tab.")
            self.first = view
        else:
            words = explain("starter-missing").text
            self.first = browse
        note = Label(words, "small", "secondary", wrap=True)
        note.setContentsMargins(8, 0, 8, 0)
        self._note = note
        column.addWidget(note)
        row_box = QWidget()
        row_column = QVBoxLayout(row_box)
        row_column.setContentsMargins(8, 0, 8, 0)
        row_column.addWidget(browse, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(row_box)

    def height_for(self, width: int) -> int:
        note = self._note.heightForWidth(width - 16)
        rows = ROW * min(self._count, LIST_ROWS) + 4 + 8 if self._count else 0
        return 8 + rows + note + 8 + 28 + 12
