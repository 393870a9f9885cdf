"""How a card looks, in the grid and as a row, and where its buttons lie."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.core.activities import Activity, ActivityState
from studio.core.fits import Fit
from studio.core.i18n import _
from studio.ui.icons import paint_icon
from studio.ui.tabs.models import words
from studio.ui.tabs.models.filters import Card
from studio.ui.tabs.models.listing import Role
from studio.ui.tabs.models.words import Look
from studio.ui.theme import Theme, theme_of
from studio.ui.widgets.chips import HEIGHT as CHIP
from studio.ui.widgets.chips import chip_width, paint_chip
from studio.ui.widgets.models import MEDIUM_ICONS
from studio.ui.widgets.paint import line_text, paint_box, paint_spinner, text_width
from studio.ui.widgets.previews import Previews

PREVIEW, CARD, ROW = 116, 268, 64
PAD, BUTTON, SMALL = 12, 28, 24
LINE, RING = 4, 4
WIDE_LIST = 720  # narrower rows leave out the figures
BUTTONS = 144  # what the buttons of a row take at most, with their distance
FITS = {
    Fit.FITS: ("cpu", "text.secondary", "text.tertiary"),
    Fit.UNKNOWN: ("cpu", "text.secondary", "text.tertiary"),
    Fit.TIGHT: ("warning", "warning.text", "warning.text"),
    Fit.TOO_LARGE: ("warning-circle", "danger.text", "danger.text"),
}


@dataclass(frozen=True)
class Spot:
    """A painted button: what it does and where it lies. `icon` alone makes a square one."""

    action: str
    rect: QRect
    kind: str = "secondary"
    text: str = ""
    icon: str = ""


def going(card: Card) -> Activity | None:
    return card.activity if card.going else None


def spots(theme: Theme, rect: QRect, card: Card, *, rtl: bool, row: bool) -> list[Spot]:
    """The buttons of a card that fills `rect`."""
    edge = rect.right() + 1 - PAD
    found: list[Spot] = []
    if (activity := going(card)) is not None:
        y = rect.center().y() - SMALL // 2 + 1 if row else rect.bottom() + 1 - 68
        paused = activity.state is ActivityState.PAUSED
        ends = activity.state is not ActivityState.CHECKING
        pair = [(words.CANCEL, "x")] if ends else []
        if activity.kind.value == "download" and ends:
            pair.append((words.GO_ON, "play") if paused else (words.PAUSE, "pause"))
        for number, (action, icon) in enumerate(pair):
            found.append(Spot(action, QRect(edge + 4 - SMALL * (number + 1), y, SMALL, SMALL), "ghost", "", icon))
    else:
        y = rect.center().y() - BUTTON // 2 + 1 if row else rect.bottom() + 1 - PAD - BUTTON
        action = card.main_action
        text = _(words.ACTIONS[action])
        icon = "download-simple" if action == words.DOWNLOAD else ""
        font = theme.font("small", 600 if icon else 500)
        width = text_width(text, font) + 22 + (22 if icon else 0)
        kind = "primary" if action == words.DOWNLOAD else "secondary"
        found.append(Spot(action, QRect(edge - width, y, width, BUTTON), kind, text, icon))
        if card.info.voices and card.info.usable:
            icon = {"playing": "stop-fill", "loading": "loading"}.get(card.playing, "play-fill")
            found.append(Spot(words.PLAY, QRect(edge - width - 6 - BUTTON, y, BUTTON, BUTTON), "secondary", "", icon))
        elif action in (words.RESUME, words.AGAIN, words.CONVERT) and words.removable(card.info):
            found.append(
                Spot(words.REMOVE, QRect(edge - width - 6 - BUTTON, y, BUTTON, BUTTON), "secondary", "", "trash")
            )
    if rtl:
        found = [Spot(s.action, mirror(rect, s.rect), s.kind, s.text, s.icon) for s in found]
    return found


def mirror(outer: QRect, inner: QRect) -> QRect:
    """`inner` as it lies in `outer` when read from right to left."""
    return QRect(outer.left() + outer.right() - inner.right(), inner.y(), inner.width(), inner.height())


class CardDelegate(QStyledItemDelegate):
    """Paints cards, or rows when `row` is set. `hot` is the painted button under the mouse: (row, action, pressed);
    `ring`: show where the keyboard is."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.row = False
        self.size = QSize(262, CARD)
        self.gap = 16
        self.hot: tuple[int, str, bool] = (-1, "", False)
        self.ring = False
        self._previews = Previews()

    def sizeHint(self, option: QStyleOptionViewItem, index) -> QSize:
        return QSize(self.size.width() + self.gap, self.size.height() + self.gap)

    def card_rect(self, cell: QRect, *, rtl: bool) -> QRect:
        """The card in its cell: the ring of the focus has room before it, the gap lies after it and below."""
        rect = QRect(cell.topLeft() + QPoint(RING, RING), self.size)
        return mirror(cell, rect) if rtl else rect

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index) -> None:
        widget = option.widget  # type: ignore[attr-defined]
        theme = theme_of(widget)
        card: Card = index.data(Role.CARD)
        state = option.state  # type: ignore[attr-defined]
        rtl = option.direction == Qt.LayoutDirection.RightToLeft  # type: ignore[attr-defined]
        rect = self.card_rect(option.rect, rtl=rtl)  # type: ignore[attr-defined]
        pen = _Pen(painter, theme, rect, rtl)
        over = bool(state & QStyle.StateFlag.State_MouseOver)
        focused = self.ring and bool(state & QStyle.StateFlag.State_HasFocus)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        border = "border.strong" if over else "border.default"
        paint_box(painter, rect, theme.color("surface.raised"), theme.color(border), 8)
        if self.row:
            self._paint_row(pen, card, widget.devicePixelRatioF())
        else:
            self._paint_card(pen, card, widget.devicePixelRatioF())
        self._paint_spots(painter, theme, rect, card, index.row(), rtl)
        if focused:
            paint_box(painter, rect.adjusted(-3, -3, 3, 3), None, theme.color("focus.ring"), 10, 2)
        painter.restore()

    # -- the two forms ----------------------------------------------------------------------------------------

    def _paint_card(self, pen: _Pen, card: Card, ratio: float) -> None:
        theme, rect, info = pen.theme, pen.rect, card.info
        top = rect.adjusted(1, 1, -1, 0)
        top.setHeight(PREVIEW - 1)
        path = QPainterPath()
        path.addRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), 7, 7)
        pen.painter.save()
        pen.painter.setClipPath(path)
        picture = self._previews.get(theme, info.medium, info.id, info.languages, top.width(), top.height(), ratio)
        pen.painter.drawPixmap(top.topLeft(), picture)
        pen.painter.restore()
        pen.painter.fillRect(QRect(rect.x() + 1, rect.y() + PREVIEW, rect.width() - 2, 1), theme.color("border.subtle"))
        x, right, y = rect.x() + PAD, rect.right() + 1 - PAD, rect.y() + PREVIEW
        icon = QRect(right - 16, y + 15, 16, 16)
        pen.icon(icon, f"{MEDIUM_ICONS[info.medium]}-fill", f"medium.{info.medium}")
        pen.text(QRect(x, y + 13, right - 24 - x, 20), info.title, "body", "text.primary", 600)
        pen.text(QRect(x, y + 33, right - x, 18), words.card_line(info), "small", "text.tertiary")
        self._paint_figures(pen, QRect(x, y + 57, right - x, 18), card)
        if (activity := going(card)) is not None:
            place = QRect(x, rect.bottom() + 1 - 68, right - x, 58)
            room = place.width() - 2 * SMALL
            self._paint_progress(pen, place, activity, room)
        else:
            above = rect.bottom() + 1 - PAD - BUTTON - 26
            note, ink = words.note_of(info, card.activity, card.opens)
            if note:
                pen.text(QRect(x, above, right - x, 18), note, "small", ink)
            buttons = spots(theme, rect, card, rtl=False, row=False)
            room = min((spot.rect.x() for spot in buttons), default=right) - 8 - x
            beside = rect.bottom() + 1 - PAD - (BUTTON + CHIP) // 2
            if chip_width(theme, card.look.words, card.look.icon) <= room:
                self._paint_chip(pen, QPoint(x, beside), card, room)
            elif not note:  # words there say the same at greater length
                pen.text(QRect(x, above, right - x, 18), card.look.words, "small", "text.secondary")

    def _paint_row(self, pen: _Pen, card: Card, ratio: float) -> None:
        theme, rect, info = pen.theme, pen.rect, card.info
        tile = pen.place(QRect(rect.x() + 12, rect.y() + 12, 64, 40))
        path = QPainterPath()
        path.addRoundedRect(QRectF(tile), 4, 4)
        paint_box(pen.painter, tile, theme.color(f"mediumTint.{info.medium}"), None, 4)
        sign = QRect(rect.x() + 34, rect.y() + 22, 20, 20)
        pen.icon(sign, f"{MEDIUM_ICONS[info.medium]}-fill", f"medium.{info.medium}")
        buttons = spots(theme, rect, card, rtl=False, row=True)
        right = min((spot.rect.x() for spot in buttons), default=rect.right() - PAD) - 16
        x, y = rect.x() + 88, rect.y()
        figures = rect.width() >= WIDE_LIST
        state = 260 if figures else 150
        # The figures stand below one another, whatever the buttons of their row take.
        wide = (rect.right() - BUTTONS - x - state) * 58 // 100 if figures else max(120, right - x - state)
        pen.text(QRect(x, y + 12, wide, 20), info.title, "body", "text.primary", 600)
        pen.text(QRect(x, y + 33, wide, 18), words.card_line(info), "small", "text.tertiary")
        if figures:
            self._paint_figures(pen, QRect(x + wide + 12, y + 23, right - state - x - wide - 12, 18), card)
        end = QRect(right - state + 16, y, state - 16, ROW)
        if (activity := going(card)) is not None:
            self._paint_progress(pen, QRect(end.x(), y + 3, end.width(), 58), activity, end.width())
            return
        look = card.look
        width = min(chip_width(theme, look.words, look.icon), end.width())
        self._paint_chip(pen, QPoint(end.right() + 1 - width, rect.center().y() - CHIP // 2 + 1), card, width)

    # -- parts ------------------------------------------------------------------------------------------------

    def _paint_figures(self, pen: _Pen, place: QRect, card: Card) -> None:
        """The size on disk, and the memory it needs as judged for this computer."""
        info, x = card.info, place.x()
        size = words.size_words(info.size) if info.size else _("Size unknown")
        pen.icon(QRect(x, place.y() + 2, 14, 14), "hard-drives", "text.secondary")
        width = min(text_width(size, pen.theme.font("small")), place.width() - 20)
        pen.text(QRect(x + 20, place.y(), width, 18), size, "small", "text.secondary")
        x += 20 + width + 16
        icon, ink, _quiet = FITS[card.fit]
        room, font = place.right() + 1 - x - 20, pen.theme.font("small")
        told = words.need_words(card.memory, card.fit)
        need = next((each for each in told if text_width(each, font) <= room), told[-1])
        pen.icon(QRect(x, place.y() + 2, 14, 14), icon, ink)
        pen.text(QRect(x + 20, place.y(), room, 18), need, "small", ink)

    def _paint_chip(self, pen: _Pen, corner: QPoint, card: Card, room: int) -> None:
        look: Look = card.look
        width = min(chip_width(pen.theme, look.words, look.icon), room)
        rect = pen.place(QRect(corner, QSize(width, CHIP)))
        paint_chip(pen.painter, rect, pen.theme, look.words, look.tone, look.icon, rtl=pen.rtl)

    def _paint_progress(self, pen: _Pen, place: QRect, activity: Activity, room: int) -> None:
        theme = pen.theme
        title = QRect(place.x(), place.y() + 2, room, 20)
        pen.text(title, words.activity_title(activity), "small", "text.primary", 600)
        line = pen.place(QRect(place.x(), place.y() + 29, place.width(), LINE))
        paint_box(pen.painter, line, theme.color("border.default"), None, LINE / 2)
        share = activity.done / activity.total if activity.total else 0.0
        if share > 0:
            width = max(LINE, round(line.width() * min(1.0, share)))
            done = pen.place(QRect(place.x(), place.y() + 29, width, LINE))
            quiet = activity.state in (ActivityState.PAUSED, ActivityState.QUEUED)
            paint_box(pen.painter, done, theme.color("border.strong" if quiet else "accent.fill"), None, LINE / 2)
        done_words = words.amount_words(activity)
        below = QRect(place.x(), place.y() + 38, place.width(), 18)
        width = text_width(done_words, theme.font("caption"))
        pen.text(below, done_words, "caption", "text.secondary")
        rate = QRect(below.x() + width + 8, below.y(), max(0, below.width() - width - 8), 18)
        told = words.rate_words(activity)
        if text_width(told, theme.font("caption")) > rate.width():
            told = words.left_words(activity.seconds_left)
        pen.text(rate, told, "caption", "text.secondary", align=Qt.AlignmentFlag.AlignTrailing)

    def _paint_spots(self, painter: QPainter, theme: Theme, rect: QRect, card: Card, row: int, rtl: bool) -> None:
        hot_row, hot, pressed = self.hot
        for spot in spots(theme, rect, card, rtl=rtl, row=self.row):
            here = hot_row == row and hot == spot.action
            fill, border, ink = _look(theme, spot.kind, here, here and pressed)
            paint_box(painter, spot.rect, fill, border, theme.metric("radius.md"))
            if not spot.text:
                box = QRect(0, 0, 14, 14)
                box.moveCenter(spot.rect.center())
                box.translate(0, 1) if box.height() % 2 != spot.rect.height() % 2 else None
                if spot.icon == "loading":
                    paint_spinner(painter, box, ink, 0)
                else:
                    paint_icon(painter, box, spot.icon, ink)
                continue
            inner = spot.rect.adjusted(11, 0, -11, 0)
            if spot.icon:
                icon = QRect(inner.x(), inner.center().y() - 7, 16, 16)
                paint_icon(painter, mirror(spot.rect, icon) if rtl else icon, spot.icon, ink)
                inner.adjust(*((0, 0, -22, 0) if rtl else (22, 0, 0, 0)))
            font = theme.font("small", 600 if spot.kind == "primary" else 500)
            line_text(painter, inner, spot.text, font, ink)


def _look(theme: Theme, kind: str, hovered: bool, pressed: bool) -> tuple[QColor | None, QColor | None, QColor]:
    """(fill, border, text) of a painted button."""
    if kind == "primary":
        fill = "accent.fillPressed" if pressed else "accent.fillHover" if hovered else "accent.fill"
        return theme.color(fill), None, theme.color("text.onAccent")
    if kind == "ghost":
        ghost = theme.color("surface.pressed" if pressed else "surface.hover") if hovered else None
        return ghost, None, theme.color("text.primary" if hovered else "text.secondary")
    fill = "surface.pressed" if pressed else "surface.hover" if hovered else "surface.raised"
    return theme.color(fill), theme.color("border.default"), theme.color("text.primary")


@dataclass(frozen=True)
class _Pen:
    """Draws in places that are told from left to right, and lie mirrored in a right-to-left window."""

    painter: QPainter
    theme: Theme
    rect: QRect
    rtl: bool

    def place(self, rect: QRect) -> QRect:
        return mirror(self.rect, rect) if self.rtl else rect

    def icon(self, rect: QRect, name: str, color: str) -> None:
        paint_icon(self.painter, self.place(rect), name, self.theme.color(color))

    def text(
        self,
        rect: QRect,
        text: str,
        role: str,
        color: str,
        weight: int = 0,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeading,
    ) -> None:
        font = self.theme.font(role, weight)
        line_text(self.painter, self.place(rect), text, font, self.theme.color(color), align)
