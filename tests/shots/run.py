"""Pictures of every tab, state and dialogue: `python tests/shots/run.py DIR [--only NAME …]`.

Each scene of `tests/shots/<tab>.py` (a list `SCENES`) is shown in both languages and both sizes, and grabbed in both
themes: `DIR/<tab>-<scene>--<theme>-<language>-<width>x<height>.png`. The components' pages come from `components.py`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from studio.core import i18n
from studio.ui.theme import Theme
from tests.fakes.studio import Studio
from tests.shots.scene import Scene

THEMES = ("light", "dark")
LANGUAGES = ("en", "zh_CN")
SIZES = ((1440, 900), (1024, 700))
_OWN = ("run", "scene", "components", "__init__")


def scenes() -> Iterator[tuple[str, Scene]]:
    """(tab, scene) of every module beside this one."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in _OWN:
            module = importlib.import_module(f"tests.shots.{path.stem}")
            yield from ((path.stem, scene) for scene in module.SCENES)


def grab(widget: QWidget) -> QPixmap:
    """The window with the menu that is open above it."""
    picture = widget.grab()
    popup = QApplication.activePopupWidget()
    if popup is not None:
        painter = QPainter(picture)
        painter.drawPixmap(widget.mapFromGlobal(popup.pos()), popup.grab())
        painter.end()
    return picture


def shoot(tab: str, scene: Scene, language: str, size: tuple[int, int], folder: Path) -> None:
    """Show one scene in one language and size, and grab it in both themes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        studio = Studio(Path(home), language=language, size=size, welcomed=scene.welcomed)
        try:
            scene.show(studio)
            studio.spin(150)
            for theme in THEMES:
                studio.settings.update(theme=theme)
                studio.spin(50)
                grab(studio.window).save(
                    str(folder / f"{tab}-{scene.name}--{theme}-{language}-{size[0]}x{size[1]}.png")
                )
        finally:
            popup = QApplication.activePopupWidget()
            if popup is not None:
                popup.close()
            studio.close()


def shoot_components(folder: Path, language: str) -> None:
    from tests.shots.components import PAGES

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme = app.property("theme") or Theme(app)
    i18n.set_language(language)
    for choice in THEMES:
        theme.apply(choice)
        for name, make in PAGES.items():
            page = make()
            page.show()
            page.grab().save(str(folder / f"{name}--{choice}-{language}-1440x900.png"))
            page.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=(), help="scenes whose name holds one of these words")
    parser.add_argument("--language", choices=(*LANGUAGES, "long"), action="append")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    wanted = arguments.only
    for language in arguments.language or LANGUAGES:
        if not wanted or "components" in wanted:
            shoot_components(arguments.folder, "en" if language == "long" else language)
        for tab, scene in scenes():
            if wanted and not any(word in f"{tab}-{scene.name}" for word in wanted):
                continue
            for size in SIZES:
                shoot(tab, scene, language, size, arguments.folder)
    print(arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
