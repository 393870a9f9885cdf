"""The Speech tab in its states."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QMimeData, QPoint
from PySide6.QtWidgets import QMenu

from studio.documents.speech import SpeechDocument
from studio.ui.tabs.inspector import Inspector
from studio.ui.tabs.speech import SpeechTab
from studio.ui.widgets.dialogs import Dialog
from studio.ui.widgets.fields import TextField
from tests.fakes.fake_engine import MODELS
from tests.fakes.speaking import VOICES, Speaking
from tests.fakes.studio import Studio
from tests.shots.scene import Scene

GUIDE = (
    "Welcome to the hall of paper lanterns. Every lantern here was folded by hand from a single sheet of mulberry "
    "paper. Walk slowly, and see the colours change as the light passes through the folds. The red ones were made for "
    "weddings, the blue ones for the river. 请抬头看，最大的一盏灯高三米。It took a family of five a whole winter "
    "to finish it. When you are ready, follow the sound of water to the garden."
)
OTHERS = (
    ("Ticket desk greeting", "Good morning, and welcome. Tickets for the hall are at the desk on your left."),
    ("Garden path", "Keep to the stones. The moss is a hundred years old and does not like shoes."),
    ("Closing time", "The hall closes in ten minutes. Please make your way to the exit."),
)

ODD = "مرحبا بالعالم.\nおはようございます。\n今日は2024年3月12日です。\n我今天花了3.5元。\n😀🎉\nHi, and welcome."


def tab(studio: Studio) -> SpeechTab:
    """The Speech tab with the starter's voices, shown."""
    if VOICES[0] not in studio.engine.installed:
        studio.engine.installed = (*MODELS, *VOICES)
        studio.engine.play = Speaking()
        studio.engine.restart()
        studio.wait(lambda: len(studio.services.bridge.models) > 1)
    shown = studio.window.open_tab("speech")
    assert isinstance(shown, SpeechTab)
    return shown


def read(studio: Studio, speech: SpeechTab, text: str, title: str) -> SpeechDocument:
    """A reading that is wholly spoken."""
    speech.room.show(None)
    speech.room.writing.add(-1, text, title=title)
    document = speech.document
    assert document is not None
    speech.room.speak()
    studio.wait(lambda: speech.desk.run_of(document) is None and not document.unmade())
    studio.wait(lambda: bool(document.peaks))
    return document


def _hush(speech: SpeechTab) -> None:
    speech.player.stop()


def empty(studio: Studio) -> None:
    tab(studio)


def guide(studio: Studio) -> SpeechDocument:
    """A whole reading, its third sentence being heard, among others."""
    speech = tab(studio)
    for title, text in OTHERS:
        read(studio, speech, text, title)
    speech.panel.pronunciation.set_lexicon({"mulberry": "mull berry", "Atelier": "attleyay"})
    speech.panel.pronunciation.changed.emit({})
    document = read(studio, speech, GUIDE, "Lantern hall audio guide")
    _hush(speech)
    return document


def spoken(studio: Studio) -> None:
    document = guide(studio)
    speech = tab(studio)
    speech.shelf.list_documents()
    speech.hearing.seek(document.places()[2].start + 2.2)
    studio.spin(60)
    speech.player.pause()
    studio.spin(120)


def making(studio: Studio) -> None:
    """One sentence edited, one being made, one waiting, as another is heard."""
    document = guide(studio)
    speech = tab(studio)
    sentences = document.sentences
    document.change([sentences[6].id], "Voice", model="hibari-heart", voice="heart")
    studio.engine.play = Speaking(pause_at=0)
    for row in (5, 6):
        document.set_text(document.sentences[row].id, document.sentences[row].text.replace(".", " today."))
    speech.room.speak_ids([document.sentences[5].id, document.sentences[6].id])
    document.set_text(document.sentences[4].id, "请抬头看，最大的一盏灯高三米多。")
    run = speech.desk.run_of(document)
    assert run is not None
    studio.wait(lambda: bool(run.live))
    speech.hearing.seek(document.places()[2].start + 2.2)
    studio.spin(60)
    speech.player.pause()
    studio.spin(200)


def notice(studio: Studio) -> None:
    """A voice that cannot say a sentence, and who can."""
    speech = tab(studio)
    speech.picker.choose("hibari-heart")
    studio.spin(300)
    speech.room.writing.add(-1, GUIDE, title="Lantern hall audio guide")
    studio.spin(150)


def writing(studio: Studio) -> None:
    """A sentence that is being written; the dictionary open."""
    speech = tab(studio)
    speech.room.writing.add(-1, GUIDE, title="Lantern hall audio guide")
    speech.panel.pronunciation.set_lexicon({"mulberry": "mull berry", "Atelier": "[ˌætəljˈA]"})
    speech.panel.pronunciation.set_expanded(True)
    studio.spin(200)
    speech.speech_stage.list.write_at(1, 20)


def menu(studio: Studio) -> None:
    """What can be done with a sentence."""
    speech = tab(studio)
    speech.room.writing.add(-1, GUIDE, title="Lantern hall audio guide")
    studio.spin(100)
    row = QMenu(studio.window)
    speech.room.writing.fill_row_menu(row, 1)
    view = speech.speech_stage.list
    rect = view.visualRect(view.rows.index(1, 0))
    row.popup(view.viewport().mapToGlobal(rect.bottomRight()) - row.rect().topRight())


def folds(studio: Studio) -> None:
    """Everything unfolded: a blend and the family's own fields."""
    spoken(studio)
    speech = tab(studio)
    speech.panel.blend.set_expanded(True)
    speech.panel.blend.on.setChecked(True)
    speech.panel.ends.set_expanded(True)
    speech.panel.ends.trim.setChecked(True)
    speech.panel.ends.fade_out.set_value(1.5)
    speech.panel.form.set_expanded(True)
    studio.spin(250)
    assert isinstance(speech.inspector, Inspector)
    speech.inspector.area.verticalScrollBar().setValue(10_000)


def export_menu(studio: Studio) -> None:
    """The formats of a file."""
    spoken(studio)
    header = tab(studio).header
    formats = QMenu(studio.window)
    header.export.menu_wanted.emit(formats)
    more = header.export.more
    formats.popup(more.mapToGlobal(more.rect().bottomRight()) - QPoint(formats.sizeHint().width(), 0))


def resumed(studio: Studio) -> None:
    """An engine that died, and a reading that went on by itself."""
    speech = tab(studio)
    studio.engine.play = Speaking(fail_at=(3, "crash"))
    read(studio, speech, GUIDE, "Lantern hall audio guide")
    _hush(speech)


def rename(studio: Studio) -> None:
    spoken(studio)
    tab(studio).rename()
    assert studio.window.findChild(Dialog) is not None


def left_out(studio: Studio) -> None:
    """Sentences that no voice, or not this one, can say; two rows chosen; a wrong pronunciation."""
    speech = tab(studio)
    speech.picker.choose("hibari-heart")
    studio.spin(300)
    speech.room.writing.add(-1, ODD, title="Greetings")
    fold = speech.panel.pronunciation
    fold.set_expanded(True)
    fold.add_word("lantern")
    fold.findChildren(TextField)[-1].insert("[xxQ")
    view = speech.speech_stage.list
    for row in (1, 5):
        view.selectionModel().select(view.rows.index(row, 0), QItemSelectionModel.SelectionFlag.Select)
    speech.room.speak()
    studio.wait(lambda: speech.room.run() is None)
    speech.room.speak()
    _hush(speech)


def pasted(studio: Studio) -> None:
    """Several lines in the field of the next sentence."""
    speech = tab(studio)
    speech.room.writing.add(-1, OTHERS[0][1], title=OTHERS[0][0])
    view = speech.speech_stage.list
    studio.spin(200)
    view.write_at(2)
    assert view.editor is not None
    source = QMimeData()
    source.setText("\n".join(f"Line number {number} of what was pasted." for number in range(1, 6)))
    view.editor.insertFromMimeData(source)


def more(studio: Studio) -> None:
    """What a narrow header keeps in a menu."""
    spoken(studio)
    header = tab(studio).header
    rest = QMenu(studio.window)
    header.fill_more(rest)
    if header.more.isVisible():
        rest.popup(header.more.mapToGlobal(QPoint(0, header.more.height() + 4)))


SCENES = [
    Scene("empty", empty),
    Scene("spoken", spoken),
    Scene("making", making),
    Scene("notice", notice),
    Scene("left-out", left_out),
    Scene("writing", writing),
    Scene("pasted", pasted),
    Scene("more", more),
    Scene("menu", menu),
    Scene("folds", folds),
    Scene("export", export_menu),
    Scene("resumed", resumed),
    Scene("rename", rename),
]
