"""The waveform: what is drawn where, zoom, keys; the transport's parts."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.ui.theme import theme_of
from studio.ui.widgets.transport import TransportBar
from studio.ui.widgets.waveform import EDITED, MADE, MOST, RULER, WAITING, Parts, Waveform, clock_time, parts_of

PARTS = parts_of((0, 10, MADE), (10.5, 20, EDITED), (20.5, 40, WAITING))


@pytest.fixture
def wave(theme, qtbot) -> Waveform:
    wave = Waveform()
    qtbot.addWidget(wave)
    wave.resize(808, 200)
    peaks = np.zeros(4001, np.uint8)
    peaks[:2000] = 160
    wave.set_sound(PARTS, peaks)
    with qtbot.waitExposed(wave):
        wave.show()
    return wave


def test_times_are_told_as_on_a_clock() -> None:
    assert [clock_time(value) for value in (0, 13.94, 61, 3725)] == ["0:00", "0:13", "1:01", "1:02:05"]
    assert clock_time(13.94, tenths=True) == "0:13.9"


def test_a_click_tells_the_second(wave: Waveform) -> None:
    seen: list[float] = []
    wave.chosen.connect(seen.append)
    QTest.mouseClick(wave.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(200, 100))
    assert seen == [pytest.approx(200 / wave.zoom(), abs=0.05)]


def test_what_was_heard_and_what_was_edited_have_their_colours(wave: Waveform) -> None:
    wave.set_position(5.0, 0)
    image = wave.viewport().grab().toImage()
    colors = [
        {image.pixelColor(x, y).name() for x in range(*span) for y in range(60, 190)}
        for span in ((4, 90), (112, 190), (230, 390))
    ]
    theme = theme_of(wave)
    speech, plain = theme.color("medium.speech").name(), theme.color("text.secondary").name()
    assert speech in colors[0] and plain not in colors[0]
    assert plain in colors[1] and speech not in colors[1]
    assert speech not in colors[2] and plain not in colors[2]


def test_zoom_keeps_its_place_and_a_whole_goes_on_fitting(wave: Waveform) -> None:
    assert wave.zoom() == pytest.approx(20, abs=0.5)
    assert wave.horizontalScrollBar().maximum() == 0
    wave.set_zoom(80, around=20.0)
    assert wave.horizontalScrollBar().value() == pytest.approx(20 * 80 - 20 * 20, abs=4)
    wave.set_zoom(9999)
    assert wave.zoom() == MOST
    wave.set_zoom(0.001)
    assert wave.zoom() == pytest.approx(wave.least())
    wave.set_sound(parts_of((0, 400, MADE)), np.zeros(40_001, np.uint8))
    assert wave.zoom() == pytest.approx(2.0)


def test_keys_move_the_place(wave: Waveform) -> None:
    seen: list[float] = []
    wave.chosen.connect(seen.append)
    wave.set_position(5.0, 0)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Home):
        QTest.keyClick(wave, key)
    assert seen == [4.0, 6.0, 40.0, 0.0]
    assert wave.accessibleName() and "0:05.0" in wave.accessibleDescription()


def test_it_follows_what_is_heard(wave: Waveform) -> None:
    wave.set_zoom(100)
    wave.set_position(35.0, 2, follow=True)
    left = wave.horizontalScrollBar().value()
    assert left < 3500 < left + wave.viewport().width()


def test_a_day_of_sound_is_drawn_at_once(wave: Waveform) -> None:
    starts = np.linspace(0.0, 86_390.0, 8640, dtype=np.float64)
    wave.set_sound(
        Parts(starts, (starts + 9.0).astype(np.float64), np.zeros(8640, np.int8)), np.full(8_640_001, 90, np.uint8)
    )
    wave.set_zoom(0.0)
    assert not wave.viewport().grab().isNull()


def test_the_ruler_is_readable(wave: Waveform) -> None:
    image = wave.viewport().grab().toImage()
    ground = theme_of(wave).color("surface.window").name()
    assert image.pixelColor(400, RULER - 10).name() == ground


def test_the_transport_tells_what_is_pressed(theme, qtbot) -> None:
    bar = TransportBar()
    qtbot.addWidget(bar)
    bar.resize(800, bar.height())
    with qtbot.waitExposed(bar):
        bar.show()
    heard: list[object] = []
    bar.play_clicked.connect(lambda: heard.append("play"))
    bar.loop_changed.connect(heard.append)
    bar.volume_changed.connect(heard.append)
    bar.set_volume(0.5)
    bar.set_playing(True)
    assert heard == [] and bar.play.accessibleName() == "Pause playback"
    QTest.mouseClick(bar.play, Qt.MouseButton.LeftButton)
    bar.loop.click()
    bar.volume.set_number(30)
    assert heard == ["play", True, 0.3]
    bar.set_silent(True)
    assert bar.notice.isVisible() and not bar.mute.isVisible()
    chosen: list[str] = []
    bar.device_chosen.connect(chosen.append)
    bar.set_devices([("a", "Speakers"), ("b", "Headphones")], "b")
    actions = bar._devices.actions()
    assert [action.text() for action in actions[:3]] == ["As the system is set", "Speakers", "Headphones"]
    assert actions[2].isChecked()
    actions[1].trigger()
    assert chosen == ["a"]
