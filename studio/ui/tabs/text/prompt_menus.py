"""Earlier and saved prompts, as menus of small tools beside a field."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

from studio.core.i18n import _
from studio.ui.tabs.text.memory import Memory
from studio.ui.tabs.words import short_title
from studio.ui.widgets.prompt import PromptEdit

SHOWN = 15


def add_prompt_menus(prompt: PromptEdit, memory: Memory) -> None:
    """Give `prompt` its two menus."""
    earlier = prompt.add_tool("clock-counter-clockwise", _("Earlier prompts"))
    saved = prompt.add_tool("bookmark-simple", _("Saved prompts"))
    earlier.clicked.connect(lambda: open_menu(history_menu(prompt, prompt.set_text, memory), earlier))
    saved.clicked.connect(lambda: open_menu(saved_menu(prompt, prompt.text, prompt.set_text, memory), saved))


def history_menu(parent: QWidget, use: Callable[[str], None], memory: Memory) -> QMenu:
    menu = QMenu(parent)
    _add_texts(menu, memory.history()[:SHOWN], use, _("Prompts you have used appear here."))
    return menu


def saved_menu(parent: QWidget, text: Callable[[], str], use: Callable[[str], None], memory: Memory) -> QMenu:
    menu = QMenu(parent)
    presets = memory.presets()
    _add_texts(menu, presets, use, _("No prompt is saved yet."))
    menu.addSeparator()
    current = text().strip()
    if current in presets:
        menu.addAction(_("Forget this prompt"), lambda: memory.drop_preset(current))
    else:
        menu.addAction(_("Save this prompt"), lambda: memory.save_preset(current)).setEnabled(bool(current))
    return menu


def open_menu(menu: QMenu, at: QWidget, *, above: bool = False) -> None:
    """Open `menu` at the button `at`; it is gone after use."""
    menu.aboutToHide.connect(menu.deleteLater)
    down = QPoint(0, -menu.sizeHint().height() - 4) if above else QPoint(0, at.height() + 4)
    menu.popup(at.mapToGlobal(down))


def _add_texts(menu: QMenu, texts: list[str], use: Callable[[str], None], none: str) -> None:
    for text in texts:
        action = menu.addAction(short_title(text).replace("&", "&&"))
        action.setToolTip(text[:600])
        action.triggered.connect(lambda _checked=False, text=text: use(text))
    menu.setToolTipsVisible(True)
    if not texts:
        menu.addAction(none).setEnabled(False)
