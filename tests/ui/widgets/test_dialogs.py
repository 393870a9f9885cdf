"""Questions over the window: all their words can be read, whatever stands below them."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from studio.ui.widgets.dialogs import Choice, Dialog, breakable
from studio.ui.widgets.paint import Label, Spinner

ENGLISH = "This format can run programs when it is opened, and this file asks for some: os.system, builtins.eval. "
CHINESE = "这种格式在打开时可以运行程序，所以工作室从不直接打开它。请寻找同一模型的另一种格式再试一次。"
UNBROKEN = "internationalization-of-checkpoints_" * 4
CHOICES = [Choice("cancel", "Cancel"), Choice("go", "Convert and add", "primary")]


def host(qtbot, size: tuple[int, int]) -> QWidget:
    window = QWidget()
    window.resize(*size)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


def cut(dialog: Dialog) -> list[str]:
    """Words of the dialog that need more height than they have."""
    labels = [label for label in dialog.panel.findChildren(QLabel) if label.isVisible() and label.text()]
    assert labels
    return [label.text() for label in labels if label.heightForWidth(label.width()) > label.height()]


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700)], ids=["large", "small"])
@pytest.mark.parametrize("lines", [1, 2, 3, 6])
@pytest.mark.parametrize("words", [ENGLISH, CHINESE, UNBROKEN], ids=["english", "chinese", "unbroken"])
@pytest.mark.parametrize("late", ["before", "at once", "after"])
def test_words_are_whole_with_lines_below_them(
    theme, qtbot, size: tuple[int, int], lines: int, words: str, late: str
) -> None:
    """`late`: when what stands below is added, beside the opening."""
    window = host(qtbot, size)
    dialog = Dialog(window, words[:40], words * lines, CHOICES, "cancel")

    def add() -> None:
        row = QHBoxLayout()
        row.addWidget(Spinner())
        row.addWidget(Label("One moment", "small", "tertiary"), 1)
        dialog.content.addLayout(row)
        dialog.content.addWidget(Label(words, "small", "tertiary", wrap=True))

    if late == "before":
        add()
    dialog.open()
    if late == "after":
        qtbot.wait(10)
    if late != "before":
        add()
    qtbot.wait(30)
    assert cut(dialog) == []
    assert window.rect().contains(dialog.panel.geometry())
    dialog.choose("cancel")


def test_longer_words_in_a_shown_dialog_get_their_room(theme, qtbot) -> None:
    dialog = Dialog(host(qtbot, (1024, 700)), "Looking", "One line.", CHOICES, "cancel")
    note = Label("One moment", "small", "tertiary", wrap=True)
    dialog.content.addWidget(note)
    dialog.open()
    qtbot.wait(30)
    before = dialog.panel.height()
    dialog.panel.body.setText(ENGLISH * 3)
    note.setText(CHINESE * 3)
    qtbot.wait(30)
    assert cut(dialog) == []
    assert dialog.panel.height() > before + 60
    dialog.choose("cancel")


def test_words_without_spaces_end_their_lines_inside(theme, qtbot) -> None:
    dialog = Dialog(host(qtbot, (1024, 700)), UNBROKEN, UNBROKEN, CHOICES, "cancel")
    dialog.open()
    label = dialog.panel.body
    assert label.text().replace("\u200b", "") == UNBROKEN
    assert label.heightForWidth(label.width()) > label.fontMetrics().height() * 1.5
    assert breakable("A short sentence, and 这种格式在打开时可以运行程序所以工作室从不直接打开它请寻找另一种.") == (
        "A short sentence, and 这种格式在打开时可以运行程序所以工作室从不直接打开它请寻找另一种."
    )
    dialog.choose("cancel")
