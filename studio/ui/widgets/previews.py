"""Small pictures that tell media and models apart: a sound, a piece of text, notes, drawings, frames of a film.

Each is painted from the model's id alone: the same id always looks the same, and no picture is borrowed.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from math import cos, pi, sin

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QTextLayout,
    QTextOption,
)

from studio.ui.theme import Theme
from studio.ui.widgets.paint import paint_box

BAR, PITCH = 2.5, 5.5
KEPT = 96
PANELS = 4
SPOKEN = 4  # a model of many languages shows one of its first
LETTERS = {
    "fr": "Éé",
    "de": "Ää",
    "es": "Ññ",
    "pt": "Ãã",
    "zh": "文",
    "ja": "あ",
    "ko": "가",
    "ru": "Яя",
    "ar": "ض",
    "hi": "अ",
}
SAMPLES = {
    "en": (
        "The letter was folded into the lens, where no hand had",
        "By morning the river had carried every lantern to",
        "Nobody had opened the piano since the winter of",
        "At low tide the bell could be heard under the",
        "She kept the maps in a biscuit tin, the sea on",
        "On the night train there was one seat left, and",
        "The gardener counted the foxgloves twice before",
        "It rained for nine days, and on the tenth the",
    ),
    "zh": (
        "中秋灯会，河面上的灯一盏一盏亮起来",
        "信折好了，放在灯塔最高的那扇窗边",
        "雨停了，巷子里飘着桂花的香味",
        "他把地图折好，放回旧木箱的最底层",
    ),
    "ja": ("灯籠がひとつ、またひとつと川面に灯る", "手紙は、灯台のいちばん高い窓に置かれた"),
    "ko": ("강 위로 등불이 하나둘 켜지기 시작했다",),
    "fr": ("La lettre était pliée au creux de la lampe, là où",),
    "de": ("Der Brief lag gefaltet in der Linse, wo keine Hand",),
    "es": ("La carta estaba doblada en la lente, donde ninguna",),
    "pt": ("A carta estava dobrada na lente, onde nenhuma mão",),
}
Shape = tuple[QPainterPath, str]


def paint_preview(
    painter: QPainter, rect: QRect, theme: Theme, medium: str, id: str, languages: Sequence[str] = ()
) -> None:
    """Fill `rect` for the model `id`; `languages` are BCP 47 codes, the one to show first."""
    chance = random.Random(id)
    painter.fillRect(rect, theme.color(f"mediumTint.{medium}"))
    painter.save()
    painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
    _PAINTERS[medium](painter, rect, theme, chance, [code.split("-")[0] for code in languages])
    painter.restore()


class Previews:
    """The newest previews as pixmaps; a change of theme makes new ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple, QPixmap] = OrderedDict()

    def get(
        self, theme: Theme, medium: str, id: str, languages: tuple[str, ...], width: int, height: int, ratio: float
    ) -> QPixmap:
        key = (theme.name, medium, id, languages, width, height, ratio)
        found = self._kept.get(key)
        if found is None:
            found = QPixmap(round(width * ratio), round(height * ratio))
            found.setDevicePixelRatio(ratio)
            with QPainter(found) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                paint_preview(painter, QRect(0, 0, width, height), theme, medium, id, languages)
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found


# -- sound, text, notes ---------------------------------------------------------------------------------------


def _sound(painter: QPainter, rect: QRect, theme: Theme, chance: random.Random, languages: list[str]) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("medium.speech"))
    middle, x = rect.center().y() + 0.5, rect.x() + 14.0
    left, whole, tall = 0, 1, 0.0
    while x < rect.right() - 12:
        if left == 0:  # a word, or the silence after it
            left = chance.randint(3, 5) if tall else chance.randint(7, 14)
            tall = 0.0 if tall else chance.uniform(0.36, 0.78)
            whole = left
        if tall:
            swell = sin(pi * (whole - left + 0.6) / (whole + 0.2))
            size = max(4.0, rect.height() * tall * (0.25 + 0.75 * swell) * chance.uniform(0.5, 1.0))
        else:
            size = 2.5
        painter.drawRoundedRect(QRectF(x, middle - size / 2, BAR, size), BAR / 2, BAR / 2)
        x += PITCH
        left -= 1


def _text(painter: QPainter, rect: QRect, theme: Theme, chance: random.Random, languages: list[str]) -> None:
    spoken = [code for code in dict.fromkeys(languages) if code in SAMPLES][:SPOKEN] or ["en"]
    code = chance.choice(spoken if spoken[0] == "en" else spoken[:1])
    ink = theme.color("mediumText.text")
    large = theme.font("reading", 600)
    large.setPixelSize(round(rect.height() * 0.47))
    painter.setFont(large)
    painter.setPen(ink)
    letters = LETTERS.get(code, "Aa")
    pad = round(rect.width() * 0.075)
    box = QRect(rect.x() + pad, rect.y(), round(QFontMetricsF(large).horizontalAdvance(letters)) + 4, rect.height())
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, letters)
    small = theme.font("reading")
    small.setPixelSize(max(9, min(14, round(rect.height() * 0.12))))
    room = QRectF(box.right() + 14, rect.y(), rect.right() - box.right() - 14 - pad * 0.6, rect.height())
    _paragraph(painter, room, chance.choice(SAMPLES[code]), small, theme.color("text.secondary"))


def _paragraph(painter: QPainter, room: QRectF, text: str, font: QFont, color: QColor) -> None:
    """Up to three lines in the middle of `room`, broken between words and cut off after the last."""
    layout = QTextLayout(text, font)
    layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
    leading = QFontMetricsF(font).height() * 1.2
    layout.beginLayout()
    lines = 0
    while lines < 3 and (line := layout.createLine()).isValid():
        line.setLineWidth(room.width())
        line.setPosition(QPointF(0, lines * leading))
        lines += 1
    layout.endLayout()
    painter.setPen(color)
    layout.draw(painter, QPointF(room.x(), room.center().y() - lines * leading / 2))


def _notes(painter: QPainter, rect: QRect, theme: Theme, chance: random.Random, languages: list[str]) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    high = max(3.0, rect.height() / 22)
    # (colour, where the voice lies, beats between its notes)
    voices = ((0, 0.16, (1, 1, 2)), (1, 0.36, (2, 2, 1)), (2, 0.5, (2, 1, 1)), (3, 0.78, (2, 4, 2)))
    beat = 9.0
    for number, lies, beats in voices:
        painter.setBrush(theme.color(f"voice.{number}"))
        x, step = rect.x() + 6.0, 0
        while x < rect.right() - 6:
            long = chance.choice(beats) * beat
            step = max(-3, min(3, step + chance.choice((-1, -1, 0, 1, 1))))
            y = rect.y() + rect.height() * lies + step * high * 1.15
            if chance.random() > 0.12:
                painter.drawRoundedRect(QRectF(x, y, min(long - 2, rect.right() - 6 - x), high), high / 2, high / 2)
            x += long


# -- drawings -------------------------------------------------------------------------------------------------
# Each is drawn in a box from 0 to 100; colours are written out because pictures look the same in both themes.


def _path(*points: tuple[float, float]) -> QPainterPath:
    path = QPainterPath(QPointF(*points[0]))
    for point in points[1:]:
        path.lineTo(*point)
    path.closeSubpath()
    return path


def _oval(x: float, y: float, width: float, height: float) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QPointF(x, y), width / 2, height / 2)
    return path


def _box(x: float, y: float, width: float, height: float, radius: float = 0) -> QPainterPath:
    path = QPainterPath()
    path.addRoundedRect(QRectF(x, y, width, height), radius, radius)
    return path


def _curve(start: tuple[float, float], *bends: tuple[float, float, float, float]) -> QPainterPath:
    path = QPainterPath(QPointF(*start))
    for bend in bends:
        path.quadTo(*bend)
    path.closeSubpath()
    return path


def _boat() -> list[Shape]:
    hull = _curve((10, 64), (50, 74, 90, 64), (80, 88, 66, 88), (50, 90, 34, 88), (18, 86, 10, 64))
    return [
        (_box(47, 8, 5, 60), "#7A4A2B"),
        (_curve((54, 12), (84, 34, 84, 58), (68, 56, 54, 58)), "#F7B733"),
        (_curve((45, 18), (22, 38, 18, 58), (32, 54, 45, 58)), "#FFE2A0"),
        (hull, "#D9552C"),
        (_curve((18, 76), (50, 84, 82, 76), (78, 84, 72, 86), (50, 90, 28, 86)), "#A93A1C"),
    ]


def _lantern() -> list[Shape]:
    body = _oval(50, 50, 60, 66)
    ribs = [(_oval(50, 50, width, 66), tone) for width, tone in ((60, "#E2472E"), (38, "#F26A3D"), (16, "#FFA04D"))]
    return [
        (_box(48, 4, 4, 14), "#7A4A2B"),
        (body, "#E2472E"),
        *ribs,
        (_box(34, 14, 32, 8, 3), "#F7C948"),
        (_box(34, 78, 32, 8, 3), "#F7C948"),
        (_path((46, 86), (54, 86), (52, 98), (48, 98)), "#F7C948"),
    ]


def _mushroom() -> list[Shape]:
    cap = _curve((8, 54), (12, 10, 50, 10), (88, 10, 92, 54), (50, 64, 8, 54))
    return [
        (_curve((38, 54), (42, 70, 34, 90), (50, 98, 66, 90), (58, 70, 62, 54)), "#F6E3C5"),
        (cap, "#D8392F"),
        (_oval(34, 34, 16, 14), "#FFF3E6"),
        (_oval(62, 28, 12, 10), "#FFF3E6"),
        (_oval(72, 46, 14, 10), "#FFF3E6"),
        (_oval(48, 50, 12, 7), "#FFF3E6"),
    ]


def _moon() -> list[Shape]:
    crescent = _oval(48, 50, 76, 76).subtracted(_oval(70, 38, 62, 62))
    return [
        (crescent, "#F7C948"),
        (_oval(24, 62, 9, 9), "#E0A92E"),
        (_oval(38, 77, 6, 6), "#E0A92E"),
        (_star(76, 26, 11), "#FFE9A8"),
        (_star(88, 52, 6), "#FFE9A8"),
    ]


def _star(x: float, y: float, size: float) -> QPainterPath:
    angles = [(pi * n / 5 - pi / 2, size if n % 2 == 0 else size * 0.45) for n in range(10)]
    return _path(*[(x + cos(angle) * far, y + sin(angle) * far) for angle, far in angles])


def _whale() -> list[Shape]:
    body = _curve((10, 52), (14, 26, 44, 26), (74, 28, 78, 56), (84, 48, 82, 34), (94, 30, 96, 20), (100, 60, 76, 74))
    body = body.united(_curve((10, 52), (8, 84, 46, 86), (74, 84, 80, 62), (60, 50, 10, 52)))
    return [
        (body, "#3E97E8"),
        (_curve((14, 62), (34, 70, 60, 78), (34, 92, 14, 62)), "#CFE8FF"),
        (_oval(28, 52, 6, 6), "#12314F"),
        (_curve((34, 24), (30, 8, 20, 10), (34, 6, 36, 18), (38, 6, 50, 8), (40, 12, 38, 24)), "#8CC7FA"),
    ]


def _castle() -> list[Shape]:
    towers = [(_box(x, 40, 18, 50), "#CFC4E6") for x in (10, 72)]
    roofs = [(_path((x - 3, 40), (x + 9, 16), (x + 21, 40)), "#D8437E") for x in (10, 72)]
    return [
        *towers,
        (_box(26, 52, 48, 38), "#E8E0F5"),
        (_box(40, 34, 20, 24), "#DCD2EE"),
        (_path((36, 34), (50, 6), (64, 34)), "#B7357A"),
        *roofs,
        (_curve((42, 90), (42, 64, 50, 64), (58, 64, 58, 90)), "#6A4FA8"),
        (_oval(50, 44, 7, 8), "#6A4FA8"),
    ]


def _plant() -> list[Shape]:
    leaves = [
        (_curve((50, 60), (16, 56, 14, 24), (46, 30, 50, 60)), "#3FA66B"),
        (_curve((50, 60), (84, 58, 88, 28), (54, 30, 50, 60)), "#2E8B57"),
        (_curve((50, 62), (34, 30, 52, 6), (68, 32, 50, 62)), "#63C086"),
    ]
    return [
        *leaves,
        (_path((28, 64), (72, 64), (66, 94), (34, 94)), "#D9793B"),
        (_box(24, 58, 52, 10, 3), "#B95F27"),
    ]


def _volcano() -> list[Shape]:
    return [
        (_path((6, 92), (38, 30), (62, 30), (94, 92)), "#5A4A6E"),
        (_path((38, 30), (62, 30), (70, 46), (60, 42), (54, 58), (46, 44), (36, 54), (32, 42)), "#F2622E"),
        (_oval(44, 20, 18, 16), "#C9C2D6"),
        (_oval(58, 14, 20, 18), "#E2DDEA"),
    ]


DRAWINGS: tuple[Callable[[], list[Shape]], ...] = (
    _boat,
    _lantern,
    _mushroom,
    _moon,
    _whale,
    _castle,
    _plant,
    _volcano,
)
GROUNDS = ("#F9C9B0", "#CFE3D4", "#D9CDF2", "#BFDDE4", "#F6DFA6", "#F6C6D6", "#C9D6F5")


@cache
def _parts(number: int) -> tuple[QPainterPath, list[Shape]]:
    """The outline of a drawing, and its shapes."""
    shapes = DRAWINGS[number]()
    outline = QPainterPath()
    for path, _color in shapes:
        outline = outline.united(path)
    return outline, shapes


def _drawing(painter: QPainter, box: QRectF, number: int) -> None:
    """A drawing with the white edge of a sticker."""
    outline, shapes = _parts(number)
    painter.save()
    painter.translate(box.topLeft())
    painter.scale(box.width() / 100, box.height() / 100)
    white = QColor("#FFFFFF")
    painter.setPen(QPen(white, 9, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(white)
    painter.drawPath(outline)
    painter.setPen(Qt.PenStyle.NoPen)
    for path, color in shapes:
        painter.setBrush(QColor(color))
        painter.drawPath(path)
    painter.restore()


def _pictures(painter: QPainter, rect: QRect, theme: Theme, chance: random.Random, languages: list[str]) -> None:
    drawings = chance.sample(range(len(DRAWINGS)), PANELS)
    grounds = chance.sample(GROUNDS, PANELS)
    wide = rect.width() / PANELS
    side = min(wide, rect.height()) * 0.86
    for number, (drawing, ground) in enumerate(zip(drawings, grounds, strict=True)):
        left = round(rect.x() + number * wide)
        panel = QRect(left, rect.y(), round(rect.x() + (number + 1) * wide) - left, rect.height())
        color = QColor(ground)
        painter.fillRect(panel, color.darker(130) if theme.is_dark else color)
        box = QRectF(0, 0, side, side)
        box.moveCenter(QRectF(panel).center())
        _drawing(painter, box, drawing)


def _frames(painter: QPainter, rect: QRect, theme: Theme, chance: random.Random, languages: list[str]) -> None:
    drawing = chance.randrange(len(DRAWINGS))
    gap = rect.width() * 0.03
    wide = (rect.width() - gap * (PANELS + 1)) / PANELS
    tall = rect.height() * 0.72
    paper = QColor("#FFFFFF") if not theme.is_dark else theme.color("surface.pressed")
    for number in range(PANELS):
        frame = QRectF(rect.x() + gap + number * (wide + gap), rect.y() + (rect.height() - tall) / 2, wide, tall)
        paint_box(painter, frame, paper, None, 3)
        side = min(wide, tall) * 0.76
        box = QRectF(0, 0, side, side)
        box.moveCenter(frame.center() + QPointF(0, -sin(pi * number / (PANELS - 1)) * tall * 0.14 + tall * 0.05))
        _drawing(painter, box, drawing)


_PAINTERS = {"speech": _sound, "text": _text, "music": _notes, "image": _pictures, "animation": _frames}
