"""Everything about one model in a sheet: what it is good for, its terms, its files, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QRect, QRectF, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from studio.core.activities import Activity, ActivityState
from studio.core.errors import AtelierError, explain
from studio.core.fits import Fit
from studio.core.i18n import _
from studio.core.licences import terms
from studio.ui.model_bridge import ModelBridge
from studio.ui.pane import IconMark, Rule, ScrollPage
from studio.ui.sheet import Sheet
from studio.ui.tabs.models import words
from studio.ui.tabs.models.acceptance import Acceptance
from studio.ui.tabs.models.files_list import FilesList
from studio.ui.tabs.models.filters import Card
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, IconButton
from studio.ui.widgets.chips import Chip
from studio.ui.widgets.meters import ProgressLine
from studio.ui.widgets.paint import ElidedLabel, Label, paint_box, painter_for
from studio.ui.widgets.previews import paint_preview

SIZE = QSize(720, 640)
FITS = {
    Fit.FITS: ("success", "check"),
    Fit.TIGHT: ("warning", "warning"),
    Fit.TOO_LARGE: ("danger", "warning-circle"),
}


class Preview(QWidget):
    """The painted picture of a model, as on its card."""

    def __init__(self, card: Card, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._info = card.info
        self.setFixedSize(232, 116)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()), 8, 8)
        with painter_for(self) as painter:
            painter.setClipPath(path)
            info = self._info
            paint_preview(painter, QRect(self.rect()), theme, info.medium, info.id, info.languages)
            painter.setClipping(False)
            paint_box(painter, self.rect(), None, theme.color("border.default"), 8)


class DetailsSheet(Sheet):
    """`acted` carries the card and an action of `words`, as the card's own button would; `accepted` the id of a model
    whose terms the hub says are accepted now."""

    acted = Signal(object, str)
    accepted = Signal(str)

    def __init__(self, host: QWidget, bridge: ModelBridge, card: Card) -> None:
        super().__init__(host, card.info.title, SIZE)
        self.card = card
        self._bridge = bridge
        outer = QVBoxLayout(self.pane)
        outer.setContentsMargins(1, 1, 1, 1)
        outer.setSpacing(0)
        self.add_header(outer, card.info.title)
        outer.addWidget(Rule())
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(16)
        column.addLayout(self._make_top())
        self.acceptance = Acceptance()
        self.acceptance.accepted_clicked.connect(self._on_accepted)
        self.acceptance.token_given.connect(self._on_token)
        column.addWidget(self.acceptance)
        column.addLayout(self._make_facts())
        column.addLayout(self._make_licence())
        column.addLayout(self._make_files())
        column.addStretch(1)
        outer.addWidget(ScrollPage(inner), 1)
        outer.addWidget(Rule())
        outer.addLayout(self._make_foot())
        self._url = ""
        self.show_card(card)
        bridge.ask(bridge.client.details(card.info.id), self._on_details, self._on_no_details, owner=self)

    # -- parts ------------------------------------------------------------------------------------------------

    def _make_top(self) -> QHBoxLayout:
        info = self.card.info
        row = QHBoxLayout()
        row.setSpacing(20)
        row.addWidget(Preview(self.card), 0, Qt.AlignmentFlag.AlignTop)
        side = QVBoxLayout()
        side.setSpacing(10)
        chips = QHBoxLayout()
        chips.setSpacing(8)
        self._state = Chip()
        self._fit = Chip()
        chips.addWidget(self._state)
        chips.addWidget(self._fit)
        chips.addStretch(1)
        side.addLayout(chips)
        about = _(info.description) if info.description else _("Its page on the hub tells what it is good for.")
        side.addWidget(Label(about, "body", "primary", wrap=True))
        self._problem = Label("", "small", "danger", wrap=True)
        side.addWidget(self._problem)
        side.addStretch(1)
        row.addLayout(side, 1)
        return row

    def _make_facts(self) -> QGridLayout:
        info = self.card.info
        rows = [
            (_("Medium"), _(words.MEDIA[info.medium])),
            (_("Languages"), _(", ").join(words.native(code) for code in dict.fromkeys(info.languages))),
            (_("Size on disk"), words.size_words(info.size) if info.size else _("Not known yet")),
            (_("Memory"), words.memory_amount(self.card.memory)),
            (_("Context"), _("{count} tokens").format(count=f"{info.context:,}") if info.context else ""),
            (_("Repository"), info.repository),
            (_("Commit"), info.revision),
        ]
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, 96)
        grid.setColumnStretch(1, 1)
        for number, (name, value) in enumerate((name, value) for name, value in rows if value):
            grid.addWidget(Label(name, "small", "tertiary"), number, 0)
            shown = ElidedLabel(value, "small", "primary")
            shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(shown, number, 1)
        return grid

    def _make_licence(self) -> QVBoxLayout:
        info, licence = self.card.info, terms(self.card.info.license)
        column = QVBoxLayout()
        column.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(12)
        title = _("Licence: {name}").format(name=_(licence.title)) if info.license else _("Licence")
        head.addWidget(Label(title, "label"))
        head.addStretch(1)
        if licence.url:
            link = Button(_("Read the licence"), "link", size="sm")
            link.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(licence.url)))
            head.addWidget(link)
        column.addLayout(head)
        marks = {
            True: ("check", "success.text"),
            False: ("prohibit", "danger.text"),
            None: ("question", "text.tertiary"),
        }
        for number, sentence in enumerate(words.licence_sentences(info)):
            row = QHBoxLayout()
            row.setSpacing(8)
            icon, color = marks[licence.commercial] if number == 0 else ("info", "text.tertiary")
            row.addWidget(IconMark(icon, color, 14), 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(Label(sentence, "small", "secondary", wrap=True), 1)
            column.addLayout(row)
        return column

    def _make_files(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(Label(_("Files"), "label"))
        head.addStretch(1)
        self._whole = Label(_("Asking the hub"), "small", "tertiary")
        head.addWidget(self._whole)
        column.addLayout(head)
        box = _Well()
        inside = QVBoxLayout(box)
        inside.setContentsMargins(2, 4, 2, 4)
        self.files = FilesList()
        inside.addWidget(self.files)
        column.addWidget(box)
        self._files_box = box
        box.hide()
        return column

    def _make_foot(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setContentsMargins(24, 12, 24, 16)
        column.setSpacing(10)
        self._progress = QWidget()
        line = QHBoxLayout(self._progress)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        self._line = ProgressLine("", _("Progress"))
        self._going = ElidedLabel("", "small", "secondary")
        self.pause = IconButton("pause", _("Pause the download"))
        self.cancel = IconButton("x", _("Cancel the download"))
        self.pause.clicked.connect(self._on_pause)
        self.cancel.clicked.connect(lambda: self.acted.emit(self.card, words.CANCEL))
        line.addWidget(self._going, 2)
        line.addWidget(self._line, 1)
        line.addWidget(self.pause)
        line.addWidget(self.cancel)
        column.addWidget(self._progress)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.page = Button(_("Open its page"), "ghost", "arrow-square-out")
        self.page.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(self._url)))
        self.verify = Button(_("Check its files"), "ghost", "shield-check")
        self.verify.clicked.connect(lambda: self.acted.emit(self.card, words.VERIFY))
        self.remove = Button(_("Remove…"), "ghost", "trash")
        self.remove.clicked.connect(lambda: self.acted.emit(self.card, words.REMOVE))
        for button in (self.page, self.verify, self.remove):
            row.addWidget(button)
        row.addStretch(1)
        self.main = Button("", "primary")
        self.main.clicked.connect(self._on_main)
        row.addWidget(self.main)
        column.addLayout(row)
        return column

    # -- what is shown ----------------------------------------------------------------------------------------

    def show_card(self, card: Card) -> None:
        """Show what changed: state, progress, what can be done."""
        self.card = card
        info = card.info
        look = card.look
        going = card.activity if card.going else None
        self._state.set_state(look.words, look.tone, look.icon)
        self._state.setVisible(going is None)
        tone, icon = FITS.get(card.fit, ("neutral", ""))
        self._fit.set_state(words.fit_words(card.fit), tone, icon)
        self._fit.setVisible(card.fit is not Fit.UNKNOWN)
        self._problem.setText(self._trouble())
        self._problem.setVisible(bool(self._problem.text()))
        self.acceptance.setVisible(words.needs_acceptance(info, card.accepted) and going is None)
        self._show_main(card)
        self.remove.setVisible(words.removable(info) and going is None)
        self.verify.setVisible(info.usable and going is None)
        self.page.setVisible(bool(self._url) or bool(info.repository))
        self._show_progress(going)

    def _trouble(self) -> str:
        activity = self.card.activity
        if activity is not None and activity.failure is not None and not self.card.going:
            return str(AtelierError(activity.failure.code, dict(activity.failure.arguments)))
        info = self.card.info
        if info.problem:
            return explain(info.problem, {"model": info.title}).text
        return words.note_of(info, None, self.card.opens)[0]

    def _show_main(self, card: Card) -> None:
        action = card.main_action
        shown = bool(action) and action not in (words.REVIEW, words.DETAILS, words.REMOVE)
        self.main.setVisible(shown)
        if shown:
            self.main.setText(_(words.ACTIONS[action]))
            self.main.set_icon("download-simple" if action == words.DOWNLOAD else "")

    def _show_progress(self, going: Activity | None) -> None:
        self._progress.setVisible(going is not None)
        if going is None:
            self._line.reset_progress()
            return
        paused = going.state is ActivityState.PAUSED
        self._line.set_fraction(words.share(going))
        parts = (words.activity_title(going), words.amount_words(going), words.rate_words(going))
        self._going.setText(" · ".join(part for part in parts if part))
        self._line.setAccessibleDescription(self._going.text())
        self.pause.set_icon("play" if paused else "pause")
        self.pause.set_name(_("Go on") if paused else _("Pause the download"))
        self.files.show_progress(going.files)
        if going.files:
            self._files_box.show()

    def _on_details(self, answer: Mapping[str, Any]) -> None:
        self._url = str(answer.get("url") or "")
        self.page.setVisible(bool(self._url))
        self.acceptance.set_url(str(answer.get("accept_url") or self._url))
        files = answer.get("files") or ()
        going = self.card.activity if self.card.going else None
        if files and not (going is not None and going.files):
            self.files.show_files(files)
        self._files_box.setVisible(bool(self.files.files()))
        to_come = int(answer.get("download") or 0)
        size = sum(int(file["size"] or 0) for file in files)
        whole = words.size_words(size) if size else ""
        if to_come and size and to_come < size:
            whole = _("{size}, of which {rest} are still to come").format(size=whole, rest=words.size_words(to_come))
        self._whole.setText(whole or _("Not known while the hub cannot be reached"))
        if self.card.info.gated and answer.get("access"):
            self.accepted.emit(self.card.info.id)
        elif self.acceptance.isVisibleTo(self.pane):
            client = self._bridge.client
            self._bridge.ask(client.token_state(), self.acceptance.show_token, self._on_no_details, owner=self)

    def _on_no_details(self, error: AtelierError) -> None:
        self._whole.setText(explain(error.code, error.arguments).title)

    # -- doing ------------------------------------------------------------------------------------------------

    def _on_main(self) -> None:
        action = self.card.main_action
        self.acted.emit(self.card, action)
        if action in (words.OPEN, words.CONVERT):
            self.close_sheet()

    def _on_pause(self) -> None:
        paused = self.card.activity is not None and self.card.activity.state is ActivityState.PAUSED
        self.acted.emit(self.card, words.GO_ON if paused else words.PAUSE)

    def _on_token(self, token: str) -> None:
        def kept(state: Mapping[str, Any]) -> None:
            self.acceptance.keep.set_busy(False)
            self.acceptance.show_token(state)

        client = self._bridge.client
        self._bridge.ask(client.set_token(token), kept, self._on_refused, owner=self)

    def _on_accepted(self) -> None:
        self.acceptance.accepted.set_busy(True, _("Asking"))
        self.acceptance.message.set_text("")
        client = self._bridge.client
        self._bridge.ask(client.details(self.card.info.id), self._on_access, self._on_refused, owner=self)

    def _on_access(self, answer: Mapping[str, Any]) -> None:
        self.acceptance.accepted.set_busy(False)
        if answer.get("access"):
            self.accepted.emit(self.card.info.id)
            self.acted.emit(self.card, words.DOWNLOAD)
        elif answer.get("access") is None:
            self.acceptance.show_problem(_("The hub cannot be reached, so it cannot be asked. Try again later."))
        else:
            self.acceptance.show_problem(
                _("The hub says that the terms are not accepted yet, or that the token belongs to somebody else.")
            )

    def _on_refused(self, error: AtelierError) -> None:
        self.acceptance.show_problem(str(error))


class _Well(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme.color("surface.field"), theme.color("border.default"), 6)
