"""What outlives a window: services, theme, language. Windows are made anew when the language or the folder changes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QLibraryInfo,
    QLocale,
    QObject,
    QSocketNotifier,
    Qt,
    QTimer,
    QtMsgType,
    QTranslator,
    Signal,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from studio import families
from studio.core import i18n, paths
from studio.core.errors import AtelierError
from studio.core.settings import Settings, Values
from studio.ui.bridge import Bridge
from studio.ui.garbage import GarbageCollector
from studio.ui.main_window import MainWindow
from studio.ui.model_bridge import ModelBridge
from studio.ui.notices import Notices
from studio.ui.pane import app_icon
from studio.ui.services import Services
from studio.ui.tabs import TabSpec, usable_tabs
from studio.ui.theme import Choice, Theme

if TYPE_CHECKING:
    import socket

    from studio.client.base import EngineClient
    from studio.client.instance import Visit
    from studio.client.models import ModelsClient
    from studio.client.power import KeepAwake

_log = logging.getLogger(__name__)
_DOWNLOADS_MS = 2_000  # after the window is there
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class Program(QObject):
    """`open()` builds services and window; `close()` ends them. `crashed(traceback)` and `visited(Visit)` may be
    emitted from any thread."""

    crashed = Signal(str)
    visited = Signal(object)

    def __init__(
        self,
        qt: QApplication,
        settings: Settings,
        *,
        make_client: Callable[[Settings], EngineClient] | None = None,
        make_models: Callable[[], ModelsClient] | None = None,
        tabs: tuple[TabSpec, ...] | None = None,
        theme: Theme | None = None,
    ) -> None:
        super().__init__()
        self._qt, self._settings, self._tabs = qt, settings, tabs or usable_tabs()
        self._make_client = make_client or _local_engine
        self._make_models = make_models or _local_models
        self._values = settings.values
        self._translator: QTranslator | None = None
        self._keep_awake: KeepAwake | None = None
        self.services: Services | None = None
        self.window: MainWindow | None = None
        self.notices: Notices | None = None
        self._garbage = GarbageCollector(self)
        qInstallMessageHandler(_on_qt_message)
        qt.setApplicationName("Atelier")
        qt.setDesktopFileName("atelier")
        qt.setWindowIcon(app_icon())
        qt.setQuitOnLastWindowClosed(False)
        self._use_language(settings.values.language)
        self.theme = theme or Theme(qt)
        self._system_reduces = self.theme.reduce_motion
        self._use_motion(settings.values)
        self.theme.apply(_theme_choice(settings.values))
        self.crashed.connect(self._on_crash, Qt.ConnectionType.QueuedConnection)
        self.visited.connect(self._on_visit, Qt.ConnectionType.QueuedConnection)
        self._unsubscribe = settings.subscribe(self._on_settings)

    def open(self) -> bool:
        """Show the window; the engine starts once it is painted. False if there was trouble without a way on."""
        while True:
            try:
                self._build()
                break
            except AtelierError as error:
                _log.error("cannot start: %s %s", error.code, error.details)
                self._take_down()
                if not self.show_trouble(error):
                    return False
        window = self._open_window()
        self._qt.processEvents()  # the first paint
        QTimer.singleShot(0, self, self._start_services)
        if not self._settings.values.welcomed:
            window.open_welcome(self._begin)
        return True

    def close(self) -> None:
        """End everything that runs; returns when it is gone."""
        self._unsubscribe()
        if self.window is not None:
            self.window.hide()
            self.window.deleteLater()
            self.window = None
        self._take_down()
        self._garbage.close()
        qInstallMessageHandler(None)

    def quit_on_signals(self) -> None:
        """Let SIGINT and SIGTERM end the program as closing the window does, without a question."""
        import signal
        import socket

        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: None)
        notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read, self)
        notifier.activated.connect(lambda: self._on_signal(ours))
        self._signal_sockets = (ours, theirs)

    def _on_signal(self, ours: socket.socket) -> None:
        ours.recv(16)
        if self.window is not None:
            self.window.tabs_close_ok()
            self.window.save_state()
        self._qt.quit()

    def show_trouble(self, error: AtelierError) -> bool:
        """Say why there is no window; True when the user found a way on (another folder of results)."""
        from studio.ui.trouble import show_trouble

        return show_trouble(error, self._settings)

    def open_files(self, arguments: Sequence[str], folder: str = "") -> None:
        """Open files named on the command line, as if they were dropped on the window."""
        files = [Path(folder) / argument for argument in arguments if not argument.startswith("-")]
        if files and self.window is not None:
            self.window.drop_files(files)

    # -- services ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        from studio.client.power import KeepAwake
        from studio.client.queue import JobQueue
        from studio.documents import DocumentStore
        from studio.library import Library

        library = Library(self._settings.values.results)
        client = self._make_client(self._settings)
        queue = JobQueue(client, library)
        documents = DocumentStore(library)
        bridge = Bridge(client, queue, library)
        models = ModelBridge(self._make_models(), bridge)
        self.services = Services(self._settings, client, queue, library, documents, self.theme, bridge, models)
        self._keep_awake = KeepAwake(queue.subscribe, self._settings)

    def _start_services(self) -> None:
        services = self.services
        if services is None:
            return
        services.client.start()
        services.queue.start()
        # They are wanted as soon as the models are known, and many small files are read for them.
        services.bridge.work(families.all, lambda _families: None, self._on_problem, owner=self)
        services.bridge.work(services.library.refresh, lambda _done: None, self._on_problem, owner=self)
        if self.notices is not None:
            self.notices.tell_problems((self._settings.problem, services.library.problem, services.queue.problem))
        if downloads_left():
            QTimer.singleShot(_DOWNLOADS_MS, services.models, services.models.start)

    def _take_down(self) -> None:
        services, self.services = self.services, None
        if self._keep_awake is not None:
            self._keep_awake.close()
            self._keep_awake = None
        if services is not None:
            services.models.close()
            services.bridge.close()
            services.models.client.stop()
            services.queue.stop()
            services.client.stop()
            services.documents.stop()
            services.library.close()

    # -- windows ----------------------------------------------------------------------------------------------

    def _open_window(self) -> MainWindow:
        assert self.services is not None
        told = self.notices.interrupted_told if self.notices is not None else False
        window = MainWindow(self.services, self._tabs)
        window.closing.connect(self._qt.quit)
        window.results_chosen.connect(self.use_results)
        self.notices = Notices(window, interrupted_told=told)
        self.window = window
        window.show()
        return window

    def _remake_window(self) -> None:
        """The same window in another language: what it showed is shown again."""
        old = self.window
        if old is None:
            return
        page = old.sheet_page()
        if not old.tabs_close_ok():
            return
        old.save_state()
        window = self._open_window()
        window.setGeometry(old.geometry())
        old.hide()
        old.deleteLater()
        self._reopen(window, page)

    def _reopen(self, window: MainWindow, page: str) -> None:
        if not self._settings.values.welcomed:
            window.open_welcome(self._begin)
        elif page:
            window.open_settings(page)

    def _begin(self) -> None:
        if self.window is not None and self.window.tab is not None:
            self.window.tab.first_sample()

    def use_results(self, folder: str) -> None:
        """Move to another folder of results; what is in the old one stays there."""
        old = self.window
        if old is None or not old.tabs_close_ok() or not old.may_leave() or not old.may_stop():
            return
        page = old.sheet_page()
        old.save_state()
        before = self._settings.values
        self._take_down()
        try:
            self._settings.update(results_dir=folder, project="", last=_without_documents(before.last))
            self._build()
        except AtelierError as error:
            self._settings.update(results_dir=before.results_dir, project=before.project, last=before.last)
            self._take_down()
            self._build()
            trouble: AtelierError | None = error
        else:
            trouble = None
        window = self._open_window()
        window.setGeometry(old.geometry())
        old.hide()
        old.deleteLater()
        self._start_services()
        self._reopen(window, page)
        if trouble:
            window.show_error(trouble)

    # -- what happens -----------------------------------------------------------------------------------------

    def _on_settings(self, values: Values) -> None:
        before, self._values = self._values, values
        if values.reduce_motion != before.reduce_motion:
            self._use_motion(values)
        if values.memory_limit != before.memory_limit and self.services is not None:
            self.services.client.set_memory_limit(values.memory_limit)
        if values.theme != before.theme:
            self.theme.apply(_theme_choice(values))
        if values.language != before.language:
            self._use_language(values.language)
            QTimer.singleShot(0, self, self._remake_window)

    def _use_motion(self, values: Values) -> None:
        self.theme.reduce_motion = {"on": True, "off": False}.get(values.reduce_motion, self._system_reduces)

    def _use_language(self, code: str) -> None:
        """Ours, and Qt's own words (menus of fields, file dialogs)."""
        language = i18n.set_language(code)
        QLocale.setDefault(QLocale(language))
        if self._translator is not None:
            self._qt.removeTranslator(self._translator)
            self._translator = None
        if language != "en":
            translator = QTranslator(self)
            folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
            if translator.load(f"qtbase_{language}", folder):
                self._qt.installTranslator(translator)
                self._translator = translator

    def _on_crash(self, text: str) -> None:
        if self.window is None:
            return
        words = str(AtelierError("internal"))  # told once, however often it happens
        if all(toast.words() != words for toast in self.window.toasts.toasts()):
            self.window.show_error(AtelierError("internal", details=text))

    def _on_visit(self, visit: Visit) -> None:
        if self.window is not None:
            self.window.bring_to_front()
            self.open_files(visit.arguments, visit.folder)

    def _on_problem(self, error: AtelierError) -> None:
        if self.window is not None:
            self.window.show_error(error)


def _theme_choice(values: Values) -> Choice:
    choices: dict[str, Choice] = {"dark": "dark", "light": "light"}
    return choices.get(values.theme, "system")


def _without_documents(last: dict | None) -> dict:
    return {name: value for name, value in (last or {}).items() if not name.startswith("tab-")}


def _local_engine(settings: Settings) -> EngineClient:
    from studio.client.devices import default_device
    from studio.client.local import LocalEngine

    return LocalEngine(default_device(), memory_limit=settings.values.memory_limit)


def _local_models() -> ModelsClient:
    from studio.client.local_models import LocalModels

    return LocalModels()


def downloads_left() -> bool:
    """Whether earlier starts left downloads that go on: only then the child of the models is started by itself."""
    try:
        rows = json.loads((paths.models_dir() / "downloads.json").read_text(encoding="utf-8"))
        return bool(rows["downloads"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _on_qt_message(kind: QtMsgType, context: object, message: str) -> None:
    logging.getLogger("qt").log(_QT_LEVELS.get(kind, logging.WARNING), message)
