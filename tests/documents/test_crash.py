"""SIGKILL in the middle of editing and of saving: no edit older than 2 s is lost, no file is half."""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from studio.documents import DocumentStore, TextDocument
from studio.library import Library

EDITOR = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from studio.documents import DocumentStore
    from studio.library import Library
    library = Library(Path(sys.argv[1]), Path(sys.argv[2]))
    store = DocumentStore(library)
    text = store.open(sys.argv[3])
    version = text.begin_version("job")
    for number in range(100000):
        text.append(version.id, f"{number} 灯 ")
        print(number, time.monotonic(), flush=True)
        time.sleep(0.004)
    """
)


def _document(tmp_path: Path) -> tuple[Path, Path, str]:
    results, index = tmp_path / "结果", tmp_path / "index.db"
    library = Library(results, index)
    store = DocumentStore(library)
    text = store.create("text", "灯会", "The lamp")
    text.set_body("before " * 20_000)
    store.stop()
    library.close()
    return results, index, text.id


def _reopen(results: Path, index: Path, id: str) -> TextDocument:
    library = Library(results, index)
    store = DocumentStore(library)
    text = store.open(id)
    assert isinstance(text, TextDocument)
    assert not text.read_only
    store.stop()
    library.close()
    return text


def test_killed_while_a_model_writes(tmp_path: Path) -> None:
    random.seed(4)
    results, index, id = _document(tmp_path)
    for seconds in (0.3, 1.1, 1.9, 2.6):
        arguments = [sys.executable, "-c", EDITOR, str(results), str(index), id]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline()]
            start = time.monotonic()
            while time.monotonic() - start < seconds + random.random() / 5:
                lines.append(child.stdout.readline())
            killed = time.monotonic()
            child.kill()
            lines += child.stdout.readlines()
        edits = [line.split() for line in lines if line.endswith("\n") and len(line.split()) == 2]
        old = [int(number) for number, when in edits if float(when) < killed - 2.0]
        text = _reopen(results, index, id)
        kept = [int(word) for word in text.body.split() if word.isdecimal()]
        assert kept == list(range(len(kept)))
        assert not old or kept[-1] >= old[-1]
        assert text.versions[0].text == "before " * 20_000
        assert all(version.state in ("done", "stopped") for version in text.versions)


SAVER = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from studio.documents import DocumentStore
    from studio.library import Library
    library = Library(Path(sys.argv[1]), Path(sys.argv[2]))
    store = DocumentStore(library, threaded=False)
    text = store.open(sys.argv[3])
    steps = 0
    def step(event, arguments):
        global steps
        if event in ("open", "os.rename", "os.chmod", "os.mkdir", "tempfile.mkstemp"):
            steps += 1
            if steps == int(sys.argv[4]):
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    text.set_body("after " * 30_000)
    text.set_title("The new lamp")
    sys.addaudithook(step)
    store.save(text)
    """
)


def test_killed_at_every_step_of_a_save(tmp_path: Path) -> None:
    bodies = set()
    for stop in range(1, 40):
        home = tmp_path / str(stop)
        home.mkdir()
        results, index, id = _document(home)
        arguments = [sys.executable, "-c", SAVER, str(results), str(index), id, str(stop)]
        child = subprocess.run(arguments, capture_output=True, text=True)
        text = _reopen(results, index, id)
        bodies.add(text.body[:6])
        assert text.body in ("before " * 20_000, "after " * 30_000)
        files = [path.name for path in (results / "灯会" / "documents").glob("*.json")]
        assert files in (["The lamp.text.json"], ["The new lamp.text.json"])
        if child.returncode == 0:
            assert (text.title, stop > 3) == ("The new lamp", True)
            break
        assert not child.stderr
    assert bodies == {"before", "after "}


HOLDER = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from studio.documents import DocumentStore
    from studio.library import Library
    store = DocumentStore(Library(Path(sys.argv[1]), Path(sys.argv[2])))
    print(store.open(sys.argv[3]).read_only, flush=True)
    time.sleep(60)
    """
)


def test_another_program_holds_a_document_until_it_dies(tmp_path: Path) -> None:
    results, index, id = _document(tmp_path)
    arguments = [sys.executable, "-c", HOLDER, str(results), str(index), id]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "False\n"
        library = Library(results, index)
        store = DocumentStore(library)
        assert store.open(id).read_only
        store.stop()
        child.kill()
    store = DocumentStore(library)
    assert not store.open(id).read_only
    store.stop()
    library.close()
