"""States of the window itself."""

from __future__ import annotations

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.core.messages import Hung
from tests.fakes.plays import STORY, Writing, fails
from tests.fakes.studio import Studio
from tests.shots.scene import Scene

TITLES = ("The Lamp at Gull Point", "Gallery wall label", "Song of the ferry", "Two gulls argue")


def running(studio: Studio) -> None:
    """One text is being written, two wait."""
    finished(studio)
    studio.engine.play = Writing(" ".join([STORY] * 8), words_per_second=400, pause_at=120)
    studio.submit(TITLES[0], words="250")
    studio.submit(TITLES[1])
    studio.submit(TITLES[2])
    studio.wait(lambda: studio.window.model.live.words >= 120)


def finished(studio: Studio) -> None:
    """Some texts are done, one failed."""
    studio.engine.play = Writing()
    for title in TITLES[1:3]:
        studio.submit(title)
    _idle(studio)
    studio.engine.play = fails("out-of-memory", device="CPU")
    studio.submit(TITLES[3])
    _idle(studio)
    for toast in studio.window.toasts.toasts():
        studio.window.toasts.remove(toast)


def _idle(studio: Studio) -> None:
    model = studio.window.model
    studio.spin(50)
    studio.wait(lambda: model.running is None and not model.waiting)
    studio.spin(50)


def _queue(studio: Studio) -> None:
    running(studio)
    studio.window.toggle_queue()
    panel = studio.window._panel
    assert panel is not None
    panel.now.setCurrentIndex(panel.now.jobs.index(1))


def _queue_empty(studio: Studio) -> None:
    studio.window.toggle_queue()


def _unavailable(studio: Studio) -> None:
    for _number in range(3):
        studio.engine.crash()
        studio.spin(50)


def _palette(studio: Studio) -> None:
    finished(studio)
    studio.window.open_palette()
    studio.spin(200)


def _palette_found(studio: Studio) -> None:
    _palette(studio)
    palette = studio.window._palette
    assert palette is not None
    palette._field.setText("ga")
    studio.spin(300)


def _palette_nothing(studio: Studio) -> None:
    _palette(studio)
    palette = studio.window._palette
    assert palette is not None
    palette._field.setText("zzqx")
    studio.spin(300)


def _device(studio: Studio) -> None:
    finished(studio)
    studio.window.open_device()


def _toasts(studio: Studio) -> None:
    finished(studio)
    window = studio.window
    window.toast(_("Saved {name}.").format(name="The Lamp at Gull Point.docx"), actions=[(_("Show folder"), int)])
    window.show_error(AtelierError("out-of-memory", {"device": "CPU"}, "llama_decode: -3"), [(_("Try again"), int)])


def _held(studio: Studio) -> None:
    studio.engine.play = fails("disk-full", path="/results")
    for title in TITLES[:3]:
        studio.submit(title)
    studio.wait(lambda: studio.window.model.held is not None)


def _hung(studio: Studio) -> None:
    studio.services.bridge.hung.emit(Hung("none", "step", 32.0))


def _closing(studio: Studio) -> None:
    from studio.ui.widgets.dialogs import Choice, Dialog

    choices = [Choice("keep", _("Stay")), Choice("go", _("Stop and close"), "danger")]
    words = _("It stops when Atelier closes, and is offered again at the next start. Waiting jobs are kept.")
    Dialog(studio.window, _("Stop what is being made?"), words, choices, "keep").open()


def _drawer(studio: Studio) -> None:
    finished(studio)
    if studio.window.columns is not None:
        studio.window.columns.show_history(True)


def _projects(studio: Studio) -> None:
    for name in ("Lantern Festival", "Sticker Set"):
        studio.services.library.create_project(name)
    studio.spin(100)
    studio.window.top.project.click()


def _drop(studio: Studio) -> None:
    studio.window.drop_hint.show_words(_("Restore its settings"))


SCENES = [
    Scene("welcome", lambda studio: None, welcomed=False),
    Scene("running", running),
    Scene("queue", _queue),
    Scene("queue-empty", _queue_empty),
    Scene("engine-unavailable", _unavailable),
    Scene("palette", _palette),
    Scene("palette-found", _palette_found),
    Scene("palette-nothing", _palette_nothing),
    Scene("device", _device),
    Scene("projects", _projects),
    Scene("new-project", lambda studio: studio.window.projects.create()),
    Scene("panels", lambda studio: studio.window.top.panels.click()),
    *(
        Scene(f"settings-{page}", lambda studio, page=page: studio.window.open_settings(page))
        for page in ("general", "files", "engine", "about")
    ),
    Scene("help", lambda studio: studio.window.open_help()),
    Scene("toasts", _toasts),
    Scene("hung", _hung),
    Scene("held", _held),
    Scene("closing", _closing),
    Scene("history", _drawer),
    Scene("drop", _drop),
]
