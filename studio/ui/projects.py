"""The project in use: chosen, made and renamed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from studio.core.errors import AtelierError
from studio.core.i18n import _
from studio.ui.names import ask_name
from studio.ui.services import Services
from studio.ui.top_bar import TopBar


class Projects(QObject):
    """Shows the project in the bar at the top and in the window's title. `changed` carries the id of another one,
    `refused(error)` says what the disk refused."""

    changed = Signal(str)

    def __init__(
        self, services: Services, window: QWidget, top: TopBar, refused: Callable[[AtelierError], object]
    ) -> None:
        super().__init__(window)
        self._services, self._window, self._top, self._refused = services, window, top, refused
        self._current = ""
        top.project_chosen.connect(self.use)
        top.new_project.connect(self.create)
        top.rename_project.connect(self.rename)
        services.bridge.library_changed.connect(self._on_library)

    @property
    def current(self) -> str:
        """The id of the project in use."""
        return self._current

    def restore(self, id_: str) -> None:
        """Begin with a project, or the one used last if it is gone."""
        self._current = self._services.library.project_for(id_).id
        self._show()

    def use(self, id_: str) -> None:
        if id_ == self._current:
            return
        self._current = id_
        try:
            self._services.settings.update(project=id_)
        except AtelierError as error:
            self._refused(error)
        self._show()
        self.changed.emit(id_)

    def create(self) -> None:
        """Ask for a name and use the new project."""
        library = self._services.library
        title, action = _("New project"), _("Create")
        ask_name(self._window, title, action, "", lambda name: self.use(library.create_project(name).id))

    def rename(self) -> None:
        """Ask for another name of the project in use."""
        project = self._services.library.project(self._current)
        if project is None:
            return

        def rename(name: str) -> None:
            self._services.library.rename_project(project.id, name)
            self._show()

        ask_name(self._window, _("Rename project"), _("Rename"), project.name, rename)

    def _show(self) -> None:
        projects = [(project.id, project.name) for project in self._services.library.projects()]
        self._top.show_projects(projects, self._current)
        name = dict(projects).get(self._current, "")
        self._window.setWindowTitle(f"{name} – Atelier" if name else "Atelier")

    def _on_library(self, change: object) -> None:
        from studio.library import ProjectsChanged

        if isinstance(change, ProjectsChanged):
            self._show()
