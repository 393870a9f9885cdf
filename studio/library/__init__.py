"""The user's results: an index, and the ordinary folder that it can be made again from."""

from studio.library.items import Event, Item, ItemsAdded, ItemsChanged, ItemsRemoved, Project, ProjectsChanged
from studio.library.library import Library

__all__ = [
    "Event",
    "Item",
    "ItemsAdded",
    "ItemsChanged",
    "ItemsRemoved",
    "Library",
    "Project",
    "ProjectsChanged",
]
