"""The look of the program: colours, lengths, type, icons and motion from `assets/theme/tokens.json`.

One `Theme` belongs to the application: `Theme(app)` right after `QApplication`, before the first widget. Every widget
reaches it with `theme_of(widget)`, so constructors need not hand it on. Colours are asked for while painting and never
kept: `apply` gives all widgets a new palette and style sheet, which makes Qt repaint them, and icons of `Theme.icon`
take their colour when they are drawn. Whoever must keep colours (a text document, a cached picture) connects to
`Theme.changed`.

Names are paths into the tokens: `color("surface.window")`, `metric("control.md")`, `font("body")`, `motion("panel")`.
An unknown name is a mistake in the program and raises KeyError.

Type: Windows and macOS use their own interface font. Other desktops have no one such font, and the one that is there
may lack weights, so Inter comes along. Source Serif 4, for reading, comes along everywhere.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from typing import Literal, cast

from PySide6.QtCore import QEasingCurve, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPalette, QRawFont, QStyleHints
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from studio.core.paths import asset
from studio.ui.focus import FocusRing
from studio.ui.icons import ThemedIconEngine

Choice = Literal["dark", "light", "system"]
MEDIA = ("image", "text", "music", "speech", "animation")

_BUNDLES_INTERFACE_FONT = sys.platform not in ("darwin", "win32")
_FIELD = re.compile(r"\{\{([\w.]+)\}\}")
_SCHEMES = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light, "system": Qt.ColorScheme.Unknown}
_TIGHT = {"display": 96, "heading": 98}  # per cent: large sizes stand a little closer
_ROLES = {
    QPalette.ColorRole.Window: "surface.window",
    QPalette.ColorRole.WindowText: "text.primary",
    QPalette.ColorRole.Base: "surface.field",
    QPalette.ColorRole.AlternateBase: "surface.panel",
    QPalette.ColorRole.Text: "text.primary",
    QPalette.ColorRole.PlaceholderText: "text.tertiary",
    QPalette.ColorRole.Button: "surface.raised",
    QPalette.ColorRole.ButtonText: "text.primary",
    QPalette.ColorRole.BrightText: "danger.text",
    QPalette.ColorRole.Highlight: "selection",
    QPalette.ColorRole.HighlightedText: "text.primary",
    QPalette.ColorRole.Link: "accent.text",
    QPalette.ColorRole.LinkVisited: "accent.text",
    QPalette.ColorRole.ToolTipBase: "surface.overlay",
    QPalette.ColorRole.ToolTipText: "text.primary",
    QPalette.ColorRole.Accent: "accent.fill",
    QPalette.ColorRole.Light: "surface.hover",
    QPalette.ColorRole.Midlight: "surface.hover",
    QPalette.ColorRole.Mid: "border.default",
    QPalette.ColorRole.Dark: "border.strong",
    QPalette.ColorRole.Shadow: "surface.well",
}


@cache
def tokens() -> dict:
    """`tokens.json` as it stands."""
    return json.loads(asset("theme", "tokens.json").read_text(encoding="utf-8"))


def flatten(tree: dict | list, prefix: str = "") -> Iterator[tuple[str, str | int | float]]:
    """The leaves of a token tree as ("surface.window", "#18181A")."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        name = f"{prefix}{key}"
        if isinstance(value, dict | list):
            yield from flatten(value, f"{name}.")
        else:
            yield name, value


class Theme(QObject):
    """The application's one source of colours, lengths, fonts and icons.

    `changed` follows every change of colours, after all widgets have the new palette and style sheet.
    """

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._choice: Choice = "system"
        self._name = ""
        self._colors: dict[str, QColor] = {}
        self._fonts: dict[tuple[str, int], QFont] = {}
        self._metrics = {
            name: value
            for group in ("space", "radius", "control", "icon", "layout")
            for name, value in flatten(tokens()[group], f"{group}.")
            if isinstance(value, int)
        }
        hints = app.styleHints()
        self.reduce_motion = _wants_less_motion(hints)
        self._kept_font = _keep_strokes_even()
        self._families = _interface_families(app)
        app.setProperty("theme", self)
        style = QStyleFactory.create("Fusion")
        if style is not None:
            app.setStyle(style)
        app.setFont(self.font("body"))
        hints.colorSchemeChanged.connect(self._on_color_scheme)
        self.ring = FocusRing(app, self.color)

    # -- choosing ---------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The colours in use: "dark" or "light"."""
        return self._name

    @property
    def choice(self) -> Choice:
        """What was asked for: "dark", "light" or "system"."""
        return self._choice

    @property
    def is_dark(self) -> bool:
        return self._name == "dark"

    def apply(self, choice: Choice) -> None:
        """Use dark or light colours, or those of the system (and follow them when they change)."""
        self._choice = choice
        hints = self._app.styleHints()
        if choice == "system":
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(_SCHEMES[choice])  # window frames and system dialogs go along
        self._use(choice if choice != "system" else self._system())

    def _system(self) -> str:
        return "light" if self._app.styleHints().colorScheme() == Qt.ColorScheme.Light else "dark"

    def _on_color_scheme(self) -> None:
        if self._choice == "system":
            self._use(self._system())

    def _use(self, name: str) -> None:
        if name == self._name:
            return
        self._name = name
        self._colors = {
            path: QColor(value) for path, value in flatten(tokens()["themes"][name]) if isinstance(value, str)
        }
        self._app.setPalette(self._palette())
        self._app.setStyleSheet(self.style_sheet())
        self.changed.emit()

    # -- values -----------------------------------------------------------------------------------------------

    def color(self, name: str) -> QColor:
        """A copy of the colour, e.g. "accent.fill", "medium.text", "voice.0"."""
        return QColor(self._colors[name])

    def metric(self, name: str) -> int:
        """A length in logical pixels, e.g. "control.md", "layout.inspector.default"."""
        return self._metrics[name]

    def opacity(self, name: str) -> float:
        return tokens()["opacity"][name]

    def motion(self, name: str) -> int:
        """Milliseconds; 0 where the system asks for less motion ("toastHold" is a wait and stays)."""
        duration = tokens()["motion"][name]
        moving = name not in ("toastHold", "progressTick")
        return 0 if moving and self.reduce_motion else duration

    @property
    def easing(self) -> QEasingCurve:
        return QEasingCurve(QEasingCurve.Type.OutCubic)

    def line_height(self, role: str) -> int:
        """Logical pixels from one baseline to the next."""
        return tokens()["type"]["scale"][role]["lineHeight"]

    def font(self, role: str, weight: int = 0) -> QFont:
        """The font of a role of the type scale ("body", "caption", "reading" …) or "mono"; `weight` 100–900."""
        key = (role, weight)
        if key not in self._fonts:
            self._fonts[key] = self._make_font(role, weight)
        return QFont(self._fonts[key])

    def icon(self, name: str, color: str = "text.secondary", size: int = 16) -> QIcon:
        """A Phosphor 1.3 icon ("sparkle-fill"), at most `size` pixels; it follows the theme by itself."""
        return QIcon(ThemedIconEngine(self, name, color, size))

    # -- making -----------------------------------------------------------------------------------------------

    def _make_font(self, role: str, weight: int) -> QFont:
        kind = tokens()["type"]
        scale = kind["scale"]["body" if role == "mono" else role]
        weight = weight or scale["weight"]
        font = QFont()
        if role == "mono":
            font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
            font.setFamilies([*font.families(), *kind["cjk"]])
        elif role == "reading":
            _load_fonts("SourceSerif4")
            semibold = ["Source Serif 4 SemiBold"] if weight == 600 else []
            font.setFamilies([*semibold, *kind["reading"], "Noto Serif CJK SC", *kind["cjk"]])
        else:
            font.setFamilies(self._families)
        font.setWeight(QFont.Weight(weight))
        if sys.platform == "darwin":
            font.setPixelSize(scale["px"])
        else:
            font.setPointSizeF(scale["pt"])
        font.setFeature(QFont.Tag("tnum"), 1)
        if role in _TIGHT:
            font.setLetterSpacing(QFont.SpacingType.PercentageSpacing, _TIGHT[role])
        if _BUNDLES_INTERFACE_FONT:
            font.setFeature(QFont.Tag("cv11"), 1)  # Inter's single-storey a
            font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        return font

    def _palette(self) -> QPalette:
        palette = QPalette()
        for role, name in _ROLES.items():
            palette.setColor(role, self.color(name))
        disabled = self.color("text.disabled")
        for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, disabled)
        return palette

    def style_sheet(self) -> str:
        """The template, filled: `{{surface.panel}}` is a colour, `{{radius.md}}` a length with its unit."""
        template = asset("theme", "style.qss.template").read_text(encoding="utf-8")

        def value(match: re.Match[str]) -> str:
            name = match[1]
            return self._colors[name].name() if name in self._colors else f"{self._metrics[name]}px"

        return _FIELD.sub(value, template)


def theme_of(widget: QObject | None = None) -> Theme:
    """The application's theme. `widget` says on whose behalf; it may be left out."""
    app = QApplication.instance()
    theme = app.property("theme") if app is not None else None
    if theme is None:
        raise RuntimeError("Theme(app) has to be made before the first widget.")
    return cast(Theme, theme)


def repolish(widget: QWidget) -> None:
    """Let the style sheet see a changed dynamic property of `widget`."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


@cache
def _load_fonts(prefix: str) -> None:
    for path in sorted(asset("fonts").glob(f"{prefix}-*.[ot]tf")):
        QFontDatabase.addApplicationFont(str(path))


def _wants_less_motion(hints: QStyleHints) -> bool:
    accessibility = hints.accessibility()
    preference = getattr(accessibility, "motionPreference", None)  # Qt 6.12 and newer say
    return preference is not None and preference().name == "ReducedMotion"


def _keep_strokes_even() -> QRawFont | None:
    """Qt draws fonts of the CFF kind, such as Noto Sans CJK, with thicker strokes and mixes their edges as light adds
    up: right for dark on light, but light on dark looks bold. Without both they are drawn as the Latin letters are.

    FreeType has the switch, and Qt offers no way to it. It counts for fonts that are first used afterwards in the
    thread of the window, as long as the font that is returned is kept: without any, Qt starts FreeType anew.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        gui = ctypes.CDLL("libQt6Gui.so.6")
        library, switch = gui._Z14qt_getFreetypev, gui.FT_Property_Set
    except (OSError, AttributeError):
        return None  # this Qt has another FreeType than the system's: the letters are bolder, and that is all
    kept = QRawFont(str(asset("fonts", "Inter-Regular.ttf")), 13)
    library.restype = ctypes.c_void_p
    switch(ctypes.c_void_p(library()), b"cff", b"no-stem-darkening", ctypes.byref(ctypes.c_ubyte(1)))
    return kept


def _interface_families(app: QApplication) -> list[str]:
    own = ["Inter"] if _BUNDLES_INTERFACE_FONT else app.font().families()
    if _BUNDLES_INTERFACE_FONT:
        _load_fonts("Inter")
    return [*own, *tokens()["type"]["cjk"]]
