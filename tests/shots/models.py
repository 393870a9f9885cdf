"""The Models tab in its states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio.core.activities import Activity, ActivityKind, ActivityState
from studio.core.errors import AtelierError
from studio.core.jobs import Failure, Medium
from studio.core.models import DeviceStatus, ModelState
from studio.ui.tabs.models.tab import ModelsTab
from studio.ui.widgets.dialogs import Dialog
from tests.fakes.model_shelf import CATALOGUE, GB
from tests.fakes.models import inspection
from tests.fakes.studio import Studio
from tests.shots.scene import Scene

GPU = DeviceStatus(id="cuda:0", kind="cuda", name="GPU", memory_total=12 << 30, memory_used=int(2.6 * (1 << 30)))


def tab(studio: Studio) -> ModelsTab:
    """The Models tab, shown, with what there is."""
    studio.models.limit = 32 * GB
    studio.engine.device = GPU
    studio.services.bridge.device_changed.emit(GPU)
    shown = studio.window.open_tab("models")
    assert isinstance(shown, ModelsTab)
    studio.wait(lambda: studio.services.models.known and shown.shelf.disk is not None)
    return shown


def working(state: ActivityState = ActivityState.RUNNING, **more) -> Activity:
    """A download of Stable Diffusion 1.5, at 61 per cent."""
    info = next(info for info in CATALOGUE if info.id == "sd15")
    running = state is ActivityState.RUNNING
    speed, left = (38_000_000.0, 42.0) if running else (0.0, -1.0)
    done = int(info.size * 0.615)
    usual = Activity("d1", ActivityKind.DOWNLOAD, state, info.title, info.id, "image", done, info.size, speed, left)
    return replace(usual, **more)


def _tell(studio: Studio, activity: Activity) -> None:
    studio.models.put(activity)
    studio.wait(lambda: studio.services.models.activities.get(activity.id) == activity)


def plain(studio: Studio) -> None:
    tab(studio)


def downloading(studio: Studio) -> None:
    _tell(studio, working())
    tab(studio)


def rows(studio: Studio) -> None:
    downloading(studio)
    tab(studio).models_stage.set_rows(True)


def paused(studio: Studio) -> None:
    tab(studio)
    _tell(studio, working(ActivityState.PAUSED))
    waiting = working(
        ActivityState.WAITING, id="d2", model="qwen3-4b", title="Qwen3 4B", retry_in=12.0, total=0, done=0
    )
    _tell(studio, waiting)
    tab(studio).models_stage.cards.choose("sd15")


def failed(studio: Studio) -> None:
    tab(studio)
    _tell(studio, working(ActivityState.FAILED, failure=Failure("hub-interrupted", {"host": "huggingface.co"})))
    tab(studio).models_stage.cards.choose("sd15")


def states(studio: Studio) -> None:
    """Part-downloaded, damaged, a newer one, one used in place, a missing one of the starter pack."""
    models = tab(studio)
    by_id = {info.id: info for info in CATALOGUE}
    studio.models.change(
        replace(by_id["qwen3-4b"], state=ModelState.PARTIAL),
        replace(by_id["mistral-7b"], state=ModelState.DAMAGED),
        replace(by_id["sdxl"], update="f" * 40),
        replace(by_id["smollm3-3b"], state=ModelState.INSTALLED, origin="folder"),
        replace(by_id["hibari-heart"], state=ModelState.NOT_INSTALLED),
    )
    studio.wait(lambda: any(info.update for info in studio.services.models.models))
    models.panel.fits.setChecked(False)


def filtered(studio: Studio) -> None:
    models = tab(studio)
    models.panel.media[Medium.TEXT].click()
    models.panel.chinese.setChecked(True)
    models.panel.states["missing"].setChecked(True)


def acceptance(studio: Studio) -> None:
    models = tab(studio)
    info = next(info for info in CATALOGUE if info.id == "sd35-medium")
    models.show_model(info)
    studio.spin(100)


def details(studio: Studio) -> None:
    models = tab(studio)
    studio.models.holding = True
    studio.models.step_seconds = 0.05
    info = next(info for info in CATALOGUE if info.id == "sd15")
    card = models.shelf.card("sd15")
    assert card is not None
    models.acting.act(card, "download")
    studio.wait(lambda: any(a.done for a in studio.services.models.activities.values()))
    models.show_model(info)
    studio.spin(100)


def installed(studio: Studio) -> None:
    models = tab(studio)
    models.show_model(next(info for info in CATALOGUE if info.id == "kokoro-82m"))
    studio.spin(100)


def space(studio: Studio) -> None:
    models = tab(studio)
    models.acting.free_up()
    studio.wait(lambda: models.acting.space is not None)
    assert models.acting.space is not None
    table = models.acting.space.list
    table.toggle(table.table.index(0, 0))


def verified(studio: Studio) -> None:
    models = tab(studio)
    studio.models.damaged = {"sdxl": ["unet/model.safetensors"]}
    models.verify_all()
    studio.wait(lambda: studio.window.findChild(Dialog) is not None)


def refusal(studio: Studio) -> None:
    models = tab(studio)
    studio.models.inspections["style.ckpt"] = inspection(
        "pickle", "", found=["os.system", "builtins.eval"], size=2 * GB
    )
    models.look_at(Path("style.ckpt"))
    studio.spin(150)


def recognised(studio: Studio) -> None:
    models = tab(studio)
    studio.models.inspections["paper-cut.safetensors"] = inspection(
        "lora", "Paper cut", architecture="stable-diffusion-xl", family="diffusion", size=228_000_000
    )
    models.look_at(Path("paper-cut.safetensors"))
    studio.spin(150)


def hub(studio: Studio) -> None:
    models = tab(studio)
    _search(studio, models, "lantern")
    models.search_hub()
    studio.wait(lambda: models.models_stage.cards.listing.rowCount() > 0)


def query(studio: Studio) -> None:
    _search(studio, tab(studio), "qwen")


def offline(studio: Studio) -> None:
    models = tab(studio)
    studio.models.offline = True
    _search(studio, models, "qwen")
    models.search_hub()
    studio.wait(lambda: not models.models_stage.hub.settings.isHidden())


def empty(studio: Studio) -> None:
    _search(studio, tab(studio), "xylophone")


def _search(studio: Studio, models: ModelsTab, text: str) -> None:
    models.models_stage.search.setText(text)
    models.models_stage.search.settle()
    studio.spin(50)


def settings(studio: Studio) -> None:
    tab(studio)
    studio.settings.update(model_folders=("/home/user/ComfyUI/models",))
    studio.window.open_settings("models")
    studio.spin(100)


def busy(studio: Studio) -> None:
    """The strip: two downloads at once."""
    downloading(studio)
    _tell(studio, working(id="d2", model="qwen3-4b", title="Qwen3 4B", done=400_000_000, total=2_500_000_000))


def unknown(studio: Studio) -> None:
    """A file that nothing can make sense of."""
    models = tab(studio)
    studio.models.refusals["notes.gguf"] = AtelierError("file-unreadable", {"path": "notes.gguf"})
    models.look_at(Path("notes.gguf"))
    studio.spin(150)


SCENES = [
    Scene("plain", plain),
    Scene("downloading", downloading),
    Scene("busy", busy),
    Scene("rows", rows),
    Scene("paused", paused),
    Scene("failed", failed),
    Scene("states", states),
    Scene("filtered", filtered),
    Scene("acceptance", acceptance),
    Scene("details", details),
    Scene("installed", installed),
    Scene("space", space),
    Scene("verified", verified),
    Scene("refusal", refusal),
    Scene("unknown", unknown),
    Scene("recognised", recognised),
    Scene("query", query),
    Scene("hub", hub),
    Scene("offline", offline),
    Scene("empty", empty),
    Scene("settings", settings),
]
