"""A whole program in this process, with a fake engine and a folder of its own: for tests and for shots."""

from __future__ import annotations

import gettext
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QElapsedTimer, QEvent, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from studio.core import i18n
from studio.core.jobs import Job, Medium, Request, Task
from studio.core.settings import Settings
from studio.ui.main_window import MainWindow
from studio.ui.program import Program
from studio.ui.services import Services
from studio.ui.tabs import TabSpec
from studio.ui.theme import Theme
from tests.fakes.fake_engine import MODELS, FakeEngine
from tests.fakes.models import FakeModels


class Studio:
    """`home` is the folder for settings, data and results. `language` may be "long": English made 40 % longer, to see
    whether the layout has room for other languages."""

    def __init__(
        self,
        home: Path,
        *,
        language: str = "en",
        theme: str = "light",
        size: tuple[int, int] = (1440, 900),
        tabs: tuple[TabSpec, ...] | None = None,
        engine: FakeEngine | None = None,
        models: FakeModels | None = None,
        welcomed: bool = True,
        **settings: Any,
    ) -> None:
        os.environ["ATELIER_HOME"] = str(home)
        app = QApplication.instance() or QApplication([])
        assert isinstance(app, QApplication)
        self.app = app
        self.settings = Settings()
        values = {"theme": theme, "language": "en" if language == "long" else language, "reduce_motion": "on"}
        self.settings.update(**{**values, "welcomed": welcomed, **settings})
        self.engine = engine or FakeEngine()
        self.models = models or FakeModels()
        before = cast(Theme | None, app.property("theme"))
        self._reduced_before = before is not None and before.reduce_motion
        self.program = Program(
            app,
            self.settings,
            make_client=lambda _settings: self.engine,
            make_models=lambda: self.models,
            tabs=tabs,
            theme=before,
        )
        if language == "long":
            i18n._catalogue = _Longer()
        try:
            assert self.program.open()
            self.window.resize(*size)
            self.window.activateWindow()
            self.wait(lambda: bool(self.services.bridge.models))
        except BaseException:
            self.close()  # what is left open would change the tests that follow
            raise

    @property
    def window(self) -> MainWindow:
        assert self.program.window is not None
        return self.program.window

    @property
    def services(self) -> Services:
        assert self.program.services is not None
        return self.program.services

    def submit(self, title: str = "The Lamp at Gull Point", **origin: str) -> Job:
        """Ask for a text, as a tab would."""
        params = {"prompt": "A keeper finds a letter in the old lamp room."}
        request = Request(
            Medium.TEXT,
            "gguf",
            MODELS[0].id,
            Task.INSTRUCT,
            params,
            title=title,
            project=self.window.project,
            origin=origin,
        )
        return self.services.queue.submit(request)

    def wait(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Let events happen until `condition` holds. The limit ends what hangs; a busy machine takes seconds for the
        first import of a large library."""
        clock = QElapsedTimer()
        clock.start()
        while not condition():
            if clock.elapsed() > seconds * 1000:
                raise TimeoutError("the window did not get there")
            self.spin(10)

    def spin(self, milliseconds: int) -> None:
        """Let events happen for a while."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def close(self) -> None:
        self.program.close()
        self.program.theme.reduce_motion = self._reduced_before  # tests share the theme
        self.engine.release()
        self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)


class _Longer(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return f"{message} {'ow' * max(1, len(message) // 5)}" if message else ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)
