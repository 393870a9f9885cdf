"""The tokens keep their contrast, and the theme hands them out and changes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from studio.ui.theme import Theme, flatten, theme_of, tokens


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    theme = qapp.property("theme") or Theme(qapp)
    theme.apply("dark")
    return theme


TEXT, GRAPHIC = 4.5, 3.0
SURFACES = ("well", "window", "panel", "raised", "hover", "field", "overlay")
BOXES = ("window", "panel", "raised", "field", "overlay")


def luminance(colour: str) -> float:
    """Relative luminance of "#RRGGBB" (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def pairs(theme: dict) -> Iterator[tuple[str, str, str, float]]:
    """(name, foreground, background, ratio that is needed)"""
    surface, text, accent = theme["surface"], theme["text"], theme["accent"]
    for level in ("primary", "secondary", "tertiary"):
        for name in SURFACES:
            yield f"text.{level} on {name}", text[level], surface[name], TEXT
    yield "text.primary on pressed", text["primary"], surface["pressed"], TEXT
    for fill in ("fill", "fillHover", "fillPressed"):
        yield f"onAccent on accent.{fill}", text["onAccent"], accent[fill], TEXT
    yield "onAccent on danger.fill", text["onAccent"], theme["danger"]["fill"], TEXT
    for name in ("tintText", "text"):
        yield f"accent.{name} on accent.tint", accent[name], accent["tint"], TEXT
    for level in ("primary", "secondary"):
        yield f"text.{level} on accent.tint", text[level], accent["tint"], TEXT
    yield "text.primary on selection", text["primary"], theme["selection"], TEXT
    for name in BOXES:
        yield f"text.disabled on {name}", text["disabled"], surface[name], TEXT
        yield f"accent.text on {name}", accent["text"], surface[name], TEXT
        for kind in ("success", "warning", "danger", "info"):
            yield f"{kind}.text on {name}", theme[kind]["text"], surface[name], TEXT
        for medium, colour in theme["medium"].items():
            yield f"medium.{medium} on {name}", colour, surface[name], GRAPHIC
            yield f"mediumText.{medium} on {name}", theme["mediumText"][medium], surface[name], TEXT
        yield f"focus.ring on {name}", theme["focus"]["ring"], surface[name], GRAPHIC
        yield f"border.strong on {name}", theme["border"]["strong"], surface[name], GRAPHIC
    for kind in ("success", "warning", "danger", "info"):
        yield f"{kind}.text on its tint", theme[kind]["text"], theme[kind]["tint"], TEXT
        yield f"text.primary on {kind}.tint", text["primary"], theme[kind]["tint"], TEXT
    for medium, colour in theme["medium"].items():
        yield f"medium.{medium} on its tint", colour, theme["mediumTint"][medium], GRAPHIC
        yield f"mediumText.{medium} on its tint", theme["mediumText"][medium], theme["mediumTint"][medium], TEXT
    yield "tintText on panel (a pressed tonal button)", accent["tintText"], surface["panel"], TEXT
    yield "text.secondary on hover (a neutral chip)", text["secondary"], surface["hover"], TEXT
    yield "piano.keyLabel on whiteKey", theme["piano"]["keyLabel"], theme["piano"]["whiteKey"], TEXT
    for number, colour in enumerate(theme["voice"]):
        for name in ("rowNatural", "rowSharp"):
            yield f"voice.{number} on {name}", colour, theme["piano"][name], GRAPHIC
        for name in ("well", "panel"):
            yield f"voice.{number} on {name}", colour, surface[name], GRAPHIC


@pytest.mark.parametrize("name", ["dark", "light"])
def test_colours_can_be_read(name):
    failures = [
        f"{what}: {contrast(front, back):.2f}, needs {need}"
        for what, front, back, need in pairs(tokens()["themes"][name])
        if contrast(front, back) < need
    ]
    assert not failures


def test_contrast_formula():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_lengths_lie_on_the_grid():
    assert not [name for name, value in tokens()["space"].items() if value % 4]


def test_both_themes_name_the_same_colours():
    dark, light = ({name for name, _ in flatten(tokens()["themes"][name])} for name in ("dark", "light"))
    assert dark == light


@pytest.mark.parametrize("name", ["dark", "light"])
def test_style_sheet_is_filled(theme: Theme, name):
    theme.apply(name)
    sheet = theme.style_sheet()
    assert "{{" not in sheet
    assert theme.color("accent.fill").name() in sheet


def test_no_minimum_height_for_buttons(theme: Theme, qtbot):
    """One in the style sheet would beat the fixed heights of painted buttons."""
    button = QPushButton("Plain")
    qtbot.addWidget(button)
    button.setFixedHeight(20)
    button.ensurePolished()
    assert button.maximumHeight() == button.minimumHeight() == 20


def test_switching_changes_palette_icons_and_tells(theme: Theme, qtbot):
    theme.apply("dark")
    icon = theme.icon("gear-six", "text.primary")
    before = icon.pixmap(16, 16).toImage()
    with qtbot.waitSignal(theme.changed, timeout=1000):
        theme.apply("light")
    assert (theme.name, theme.choice, theme.is_dark) == ("light", "light", False)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    window = tokens()["themes"]["light"]["surface"]["window"]
    assert app.palette().color(QPalette.ColorRole.Window).name().upper() == window
    assert icon.pixmap(16, 16).toImage() != before


def test_following_the_system(theme: Theme):
    theme.apply("system")
    scheme = QApplication.styleHints().colorScheme()
    assert theme.is_dark == (scheme != Qt.ColorScheme.Light)


def test_colours_are_copies(theme: Theme):
    theme.color("surface.panel").setAlpha(0)
    assert theme.color("surface.panel").alpha() == 255


@pytest.mark.parametrize("less_motion", [False, True])
def test_unknown_names_are_mistakes(theme: Theme, monkeypatch: pytest.MonkeyPatch, less_motion):
    monkeypatch.setattr(theme, "reduce_motion", less_motion)
    for ask in (theme.color, theme.metric, theme.font, theme.motion, theme.icon):
        with pytest.raises(KeyError):
            ask("no.such.name")


@pytest.mark.parametrize(
    "role", ["rail", "caption", "small", "body", "label", "title", "heading", "display", "reading"]
)
def test_fonts_have_the_size_of_the_scale(theme: Theme, role):
    font = theme.font(role)
    assert font.pointSizeF() == pytest.approx(tokens()["type"]["scale"][role]["pt"], abs=0.06) or font.pixelSize() > 0
    assert font.featureTags()
    assert any("SC" in family or "YaHei" in family for family in font.families())


def test_less_motion(theme: Theme):
    usual = theme.reduce_motion
    try:
        theme.reduce_motion = False
        assert theme.motion("panel") == 180
        theme.reduce_motion = True
        assert theme.motion("panel") == 0
        assert theme.motion("toastHold") == 5000
    finally:
        theme.reduce_motion = usual


def test_theme_is_found_from_any_widget(theme: Theme, qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    assert theme_of(widget) is theme


def test_ring_follows_the_keyboard_only(theme: Theme, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    first, second = QPushButton("One", window), QPushButton("Two", window)
    second.move(120, 0)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    assert second.hasFocus()
    assert theme.ring.target() is second
    qtbot.mousePress(first, Qt.MouseButton.LeftButton)
    first.setFocus(Qt.FocusReason.MouseFocusReason)
    window.setFocus()
    assert theme.ring.target() is None
    qtbot.mouseRelease(first, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("weight", [400, 600])
def test_chinese_is_no_bolder_light_on_dark_than_dark_on_light(theme: Theme, weight: int) -> None:
    def drawn(ink: Qt.GlobalColor, ground: Qt.GlobalColor) -> bytes:
        picture = QImage(120, 32, QImage.Format.Format_RGB32)
        picture.fill(ground)
        painter = QPainter(picture)
        painter.setFont(theme.font("body", weight))
        painter.setPen(ink)
        painter.drawText(picture.rect(), Qt.AlignmentFlag.AlignCenter, "任何电脑")
        painter.end()
        grey = picture.convertToFormat(QImage.Format.Format_Grayscale8)
        return bytes(grey.constBits())

    dark, light = drawn(Qt.GlobalColor.black, Qt.GlobalColor.white), drawn(Qt.GlobalColor.white, Qt.GlobalColor.black)
    assert any(light)
    assert all(abs(255 - one - other) <= 1 for one, other in zip(dark, light, strict=True))
