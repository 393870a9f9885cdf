"""Pages that show every widget in every state, at 1440 × 900: the first as in the components mock-up, the second
with the composed widgets. `PAGES` names what makes each page; the caller applies a theme, shows the page and grabs it.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPaintEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.core.i18n import _
from studio.ui.focus import make_frame
from studio.ui.theme import theme_of
from studio.ui.widgets.buttons import Button, GenerateButton, IconButton
from studio.ui.widgets.chips import Chip, WordMark
from studio.ui.widgets.choices import CheckBox, ChipRow, SegmentedControl, Switch, ToggleChip
from studio.ui.widgets.dialogs import Choice, DialogPanel
from studio.ui.widgets.fields import ComboField, FieldMessage, NumberField, SeedField, TextField
from studio.ui.widgets.folds import FoldSection
from studio.ui.widgets.meters import ContextMeter, MemoryGauge, ProgressLine, Segment
from studio.ui.widgets.models import ModelPickerButton
from studio.ui.widgets.paint import Label, Separator, Spinner, paint_box, painter_for
from studio.ui.widgets.prompt import PromptEdit
from studio.ui.widgets.rooms import Card, EmptyState, HeaderBar, LogoMark, Sample, SearchButton, Surface
from studio.ui.widgets.sliders import SliderRow, SlimSlider
from studio.ui.widgets.tiles import Shape, ShapeTile, SizeShapes, Template, TemplateTiles
from studio.ui.widgets.toasts import Toast
from studio.ui.widgets.versions import Role, VersionList

LEFT, RIGHT = 32, 724


class _FocusedSlider(SlimSlider):
    def hasFocus(self) -> bool:
        return True


class _FocusedShape(ShapeTile):
    def hasFocus(self) -> bool:
        return True


class _Page(Surface):
    def __init__(self) -> None:
        super().__init__("surface.panel")
        self.resize(1440, 900)

    def put(self, widget: QWidget, x: int, y: int, width: int = 0, height: int = 0) -> QWidget:
        widget.setParent(self)
        hint = widget.sizeHint()
        widget.setGeometry(QRect(x, y, width or hint.width(), height or hint.height()))
        return widget

    def head(self, text: str, x: int, y: int, width: int) -> None:
        """A section's name with its line; `y` is the middle of the words."""
        self.put(Label(text, "label"), x, y - 8, width, 16)
        self.put(Separator(), x, y + 16, width, 1)

    def caption(self, text: str, x: int, y: int, width: int) -> None:
        label = Label(text, "caption", "tertiary")
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.put(label, x, y - 8, width, 16)


class _Well(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:
        with painter_for(self) as painter:
            paint_box(painter, self.rect(), theme_of(self).color("surface.well"), None, 8)


def _hover(widget: QWidget) -> QWidget:
    widget.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    return widget


def components_page() -> QWidget:
    """Buttons, fields, sliders, chips, progress, type, shapes, empty state, toasts, dialog."""
    page = _Page()
    _buttons(page)
    _fields(page)
    _sliders(page)
    _progress(page)
    _type(page)
    _shapes(page)
    _right_column(page)
    return page


def _buttons(page: _Page) -> None:
    page.head(_("Buttons"), LEFT, 36, 644)
    states = (_("Rest"), _("Hover"), _("Pressed"), _("Focus"), _("Disabled"), _("Busy"))
    for column, state in enumerate(states):
        page.caption(state, LEFT + 108 * column, 71, 96)
    kinds = ((_("Generate"), "primary"), (_("Export"), "secondary"), (_("Repaint"), "tonal"))
    for row, (text, kind) in enumerate(kinds):
        for column in range(5):
            button = Button(text, kind)
            if column == 1:
                _hover(button)
            button.setDown(column == 2)
            button.setEnabled(column != 4)
            page.put(button, LEFT + 108 * column, 91 + 44 * row, 96)
            if column == 3:
                make_frame(button, theme_of(button).color)
    stop = Button(_("Stop"), "secondary", "stop-fill")
    stop.set_icon("stop-fill", "danger.text")
    page.put(stop, LEFT + 540, 91, 96)
    saving = Button(_("Saving"), "secondary")
    saving.set_busy(True)
    page.put(saving, LEFT + 540, 135, 96)


def _fields(page: _Page) -> None:
    page.head(_("Fields"), LEFT, 240, 644)
    for column, (text, state) in enumerate(
        (("512", _("Rest")), ("512", _("Hover")), ("512", _("Focus")), ("512", _("Disabled")), ("9000", _("Error")))
    ):
        field = TextField(text, name=state)
        page.put(field, LEFT + 108 * column, 268, 96)
        page.caption(state, LEFT + 108 * column, 320, 96)
        if column == 1:
            _hover(field)
        elif column == 2:
            page.setFocusProxy(field)
        elif column == 3:
            field.setEnabled(False)
        elif column == 4:
            field.set_error(_("Width can be 256 to 1024 with this model."))
    combo = ComboField([(8, _("Eighth")), (4, _("Quarter"))], name=_("Choice"))
    page.put(combo, LEFT + 540, 268, 96)
    page.caption(_("Choice"), LEFT + 540, 320, 96)
    page.put(FieldMessage(_("Width can be 256 to 1024 with this model.")), LEFT, 336, 400, 16)


def _sliders(page: _Page) -> None:
    page.head(_("Sliders, switches, chips"), LEFT, 382, 644)
    page.put(SliderRow(_("Steps"), 1, 60, 28), LEFT, 411, 296, 28)
    row = SliderRow(_("Focused"), 0, 20, 6.5, decimals=1)
    page.put(row, LEFT, 445, 296, 28)
    focused = _FocusedSlider(6.5, 0, 18, decimals=1, name=_("Focused"))
    row.slider.hide()
    layout = row.layout()
    if layout is not None:
        layout.replaceWidget(row.slider, focused)
    page.put(Switch(_("Off")), 360, 414)
    page.put(Switch(_("On"), True), 408, 414)
    page.put(CheckBox(""), 456, 411)
    page.put(CheckBox("", True), 488, 411)
    warm = ToggleChip(_("Warm"))
    warm.setChecked(True)
    page.put(warm, 520, 409)
    page.put(ToggleChip(_("Plain")), 593, 409)
    modes = ((0, _("From text")), (1, _("From image")), (2, _("Repaint")))
    page.put(SegmentedControl(modes, name=_("Mode")), 360, 447, 250, 28)
    x = LEFT
    for text, tone, icon in (
        (_("Ready"), "success", "dot"),
        (_("Starter"), "info", "package"),
        (_("Installed"), "success", "check"),
        (_("Not installed"), "neutral", ""),
        (_("Needs acceptance"), "warning", "warning"),
        (_("Failed"), "danger", "x-circle"),
    ):
        chip = Chip(text, tone, "" if icon == "dot" else icon, dot=icon == "dot")
        page.put(chip, x, 489)
        x += chip.width() + 8


def _progress(page: _Page) -> None:
    page.head(_("Progress"), LEFT, 539, 644)
    known = ProgressLine("image", _("Making"))
    known.set_fraction(18 / 28)
    page.put(known, LEFT, 572, 180)
    page.put(Label(_("Step 18 of 28, 6 s left"), "small", "secondary"), 228, 566, 400, 16)
    unknown = ProgressLine("image", _("Loading"))
    unknown.set_fraction(None)
    page.put(unknown, LEFT, 598, 180)
    page.put(Label(_("Loading the model, first time only"), "small", "secondary"), 228, 592, 400, 16)
    x = LEFT
    for icon, text, medium in (
        ("image-square-fill", _("Image"), "image"),
        ("article-fill", _("Text"), "text"),
        ("music-notes-fill", _("Music"), "music"),
        ("microphone-fill", _("Speech"), "speech"),
        ("film-strip-fill", _("Animation"), "animation"),
    ):
        mark = WordMark(icon, text, medium)
        page.put(mark, x, 616)
        x += mark.width() + 16


def _type(page: _Page) -> None:
    page.head(_("Type"), LEFT, 664, 644)
    x = LEFT
    for text, role, tone in (
        (_("Display"), "display", "primary"),
        (_("Heading"), "heading", "primary"),
        (_("Title"), "title", "primary"),
        (_("Body") + " 正文", "body", "primary"),
        (_("Label"), "label", "primary"),
        (_("Small"), "small", "secondary"),
        (_("Caption"), "caption", "tertiary"),
        (_("Reading text"), "reading", "primary"),
    ):
        label = Label(text, role, tone)
        label.setAlignment(Qt.AlignmentFlag.AlignTop)
        page.put(label, x, 717 - label.fontMetrics().ascent())
        x += label.width() + 20


def _shapes(page: _Page) -> None:
    page.head(_("Size shapes"), LEFT, 759, 644)
    for column, state in enumerate((_("Rest"), _("Hover"), _("Chosen"), _("Focus"), _("Disabled"))):
        tile = (_FocusedShape if column == 3 else ShapeTile)("4:5", 4, 5)
        tile.setAutoExclusive(False)
        tile.setChecked(column == 2)
        tile.setEnabled(column != 4)
        if column == 1:
            _hover(tile)
        page.put(tile, LEFT + 68 * column, 786)
        page.caption(state, LEFT + 68 * column, 866, 54)


def _right_column(page: _Page) -> None:
    page.head(_("Empty state"), RIGHT, 36, 684)
    well = _Well()
    page.put(well, RIGHT, 63, 684, 248)
    inside = QVBoxLayout(well)
    samples = (
        Sample(_("A short story"), "book-open"),
        Sample(_("Lyrics for a tune"), "music-notes-simple"),
        Sample(_("A shop window"), "tag"),
    )
    words = (_("Write your first page"), _("Say what it should tell, or start from one of these."))
    inside.addWidget(EmptyState("article", *words, samples, "text"))
    page.head(_("Toasts"), RIGHT, 341, 684)
    done = Toast(_("Exported 4 pictures to the desktop."), "success", actions=[(_("Show in folder"), lambda: None)])
    page.put(done, RIGHT, 368, 684, 46)
    failed = Toast(
        _("1536 × 1536 needs about 14 GB; 12 GB is there. The queue goes on."),
        "error",
        title=_("This picture needs more memory than the GPU has"),
        actions=[(_("Make it at 1024"), lambda: None), (_("Run slower, in parts"), lambda: None)],
        details="RuntimeError: out of memory",
    )
    page.put(failed, RIGHT, 422, 684, 102)
    page.head(_("Dialog"), RIGHT, 553, 684)
    panel = DialogPanel(
        _("Move 3 pictures to the trash?"),
        _("You can put them back from the system trash."),
        (Choice("keep", _("Keep")), Choice("trash", _("Move to trash"), "danger")),
    )
    page.put(panel, RIGHT, 581, 440, 148)
    page.head(_("Signs"), RIGHT, 759, 684)
    page.put(LogoMark(24), RIGHT, 790)
    page.put(Spinner(16), RIGHT + 48, 794)


def composed_page() -> QWidget:
    """An inspector, a stage's header, versions, gauges: the composed widgets as the rooms use them."""
    page = _Page()
    _inspector(page)
    _stage(page)
    _versions(page)
    return page


def _inspector(page: _Page) -> None:
    column = Surface("surface.panel", "right")
    layout = QVBoxLayout(column)
    layout.setContentsMargins(16, 8, 17, 16)
    layout.setSpacing(12)
    layout.addWidget(SegmentedControl(((0, _("Write")), (1, _("Rework")), (2, _("Chat"))), name=_("Mode")))
    for state, name, origin in (
        ("ready", "SmolLM2 1.7B", _("Installed · English")),
        ("loading", "SmolLM2 135M", _("Starter · English")),
        ("too_large", "Qwen3 30B", _("Not installed")),
    ):
        picker = ModelPickerButton("text")
        picker.set_model(name, origin)
        picker.set_state(state)
        layout.addWidget(picker)
    layout.addWidget(
        TemplateTiles(
            (
                Template(0, _("Short story"), "book-open"),
                Template(1, _("Lyrics"), "music-notes-simple"),
                Template(2, _("Dialogue"), "chats"),
            ),
            0,
            name=_("Template"),
        )
    )
    prompt = PromptEdit(
        _("What should it say?"),
        text=_("A keeper finds a letter in the old lamp room, written by someone who has not been born yet."),
    )
    prompt.set_counter(_("{n} / {total} tokens").format(n=24, total=77))
    prompt.add_tool("bookmark-simple", _("Save as a preset"))
    layout.addWidget(prompt)
    wrong = PromptEdit("", _("Say what it should tell"), min_lines=1, name=_("Prompt"))
    wrong.set_error(_("The prompt is empty. Say what it should tell."))
    layout.addWidget(wrong)
    tones = ((0, _("Warm")), (1, _("Plain")), (2, _("Playful")), (3, _("Solemn")))
    layout.addWidget(ChipRow(tones, name=_("Tone")))
    layout.addWidget(SliderRow(_("Words"), 1, 800, 500))
    layout.addWidget(SliderRow(_("Freedom"), 0, 1.5, 0.8, step=0.1, decimals=1))
    layout.addWidget(SeedField(284190377, True))
    layout.addWidget(Separator())
    layout.addWidget(FoldSection(_("Advanced"), _("Top-p, repetition, seed")))
    layout.addStretch(1)
    page.put(column, 0, 0, 337, 900)


def _stage(page: _Page) -> None:
    header = HeaderBar("The Lamp at Gull Point", _("Version {n}").format(n=4), "window")
    for icon, name in (("arrow-u-up-left", _("Undo")), ("arrow-u-up-right", _("Redo"))):
        header.add_end(IconButton(icon, name))
    header.add_separator()
    header.add_end(Button(_("Send to"), "secondary", "arrow-square-out", "sm", caret=True))
    header.add_end(Button(_("Export"), "secondary", "export", "sm"))
    page.put(header, 337, 0, 848, 44)
    page.put(SearchButton(_("Search results, models and commands")), 360, 64, 380)
    gauge = MemoryGauge()
    segments = (Segment(2.0, "text.tertiary"), Segment(1.1, "medium.text"))
    gauge.set_memory("GPU", segments, 12, "3.1 / 12 GB")
    page.put(gauge, 780, 68)
    meter = ContextMeter(_("Context"))
    meter.set_context(60, 90, 568, 8192, _("{n} of {total} tokens").format(n="718", total="8,192"))
    page.put(meter, 360, 112)
    stacked = ContextMeter(_("Context"), stacked=True)
    stacked.set_context(60, 90, 1086, 8192, _("{n} of {total} tokens").format(n="1,236", total="8,192"))
    page.put(stacked, 780, 104, 288)
    run = GenerateButton(_("Generate"), _("about {n} s").format(n=4))
    page.put(run, 360, 160, 304)
    stop = GenerateButton(_("Generate"))
    stop.set_running(True, _("Stop writing"), _("about {n} s left").format(n=6))
    page.put(stop, 680, 160, 304)
    rest = GenerateButton(_("Generate"), _("about {n} s").format(n=4))
    rest.setEnabled(False)
    page.put(rest, 360, 216, 304)
    shapes = (("1:1", 1, 1), ("4:5", 4, 5), ("3:2", 3, 2), ("16:9", 16, 9), ("9:16", 9, 16))
    page.put(SizeShapes([Shape(text, text, w, h) for text, w, h in shapes], "1:1", name=_("Size")), 680, 212)
    fold = FoldSection(_("Advanced"), _("Top-p, repetition, seed"), expanded=True)
    fold.body.addWidget(Switch(_("Fits this computer"), True, show_text=True))
    fold.body.addWidget(Switch(_("Works in Chinese"), show_text=True))
    fold.body.addWidget(CheckBox(_("Installed"), True))
    fold.body.addWidget(NumberField(0.35, 0, 5, decimals=2, suffix=" s", name=_("Pause")))
    page.put(fold, 360, 290, 304)
    card = Card()
    card.body.addWidget(Label("SmolLM2 135M", "title"))
    card.body.addWidget(Label("English · Apache-2.0", "small", "tertiary"))
    card.body.addWidget(Chip(_("Starter"), "info", "package"))
    page.put(card, 700, 300, 252)
    links = (("link", _("Show all")), ("ghost", _("Details")), ("danger", _("Move to trash")))
    for number, (kind, text) in enumerate(links):
        page.put(Button(text, kind), 700 + 100 * number, 430)


def _versions(page: _Page) -> None:
    model = QStandardItemModel(page)
    for roles in (
        ("version", "Version 4", _("now"), "The letter was folded into the lens, where no hand had reached", "", 0.5),
        ("version", "Version 3", "10:58", "On the first clear morning of March a letter lay there", "486 words", None),
        ("version", "Version 2", "10:55", "Nobody had opened the lamp room since the war ended", "503 words", None),
        ("heading", _("Earlier"), "", "", "", None),
        ("entry", "Gallery wall label", "", "Product text", "", None),
        ("entry", "Song of the ferry", "", "Lyrics", "", None),
    ):
        item = QStandardItem()
        for role, value in zip(
            (Role.KIND, Role.TITLE, Role.TIME, Role.EXCERPT, Role.NOTE, Role.PROGRESS), roles, strict=True
        ):
            item.setData(value, role)
        item.setData(roles[1] == "Version 2", Role.FAVOURITE)
        item.setData(f"{roles[1]} {roles[3]}", Qt.ItemDataRole.AccessibleTextRole)
        model.appendRow(item)
    head = HeaderBar(_("Versions"))
    head.add_end(IconButton("git-branch", _("Compare")))
    page.put(head, 1240, 0, 200, 44)
    versions = VersionList(_("Versions"))
    versions.setModel(model)
    page.put(versions, 1240, 44, 200, 700)
    versions.setCurrentIndex(model.index(0, 0))


PAGES: dict[str, Callable[[], QWidget]] = {"components": components_page, "components-composed": composed_page}
