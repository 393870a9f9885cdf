"""A model hub on loopback: real enough for huggingface_hub itself, and able to misbehave in every known way.

`FakeHub` serves folders (or {name: bytes}) as repositories on one port and large files on a second one, its CDN. Every
request is recorded in `requests`; `fault(...)` makes later ones go wrong. Used as a program it serves from a process of
its own, so that a measurement is fair: `python -m tests.fakes.hub owner/name=FOLDER …` prints its addresses as one
line of JSON and ends when its standard input does. `HubProcess` starts that.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.fakes.hub_faults import Fault
from tests.fakes.hub_files import HubRepository, hub_file
from tests.fakes.hub_server import Server

LFS_FROM = 64 << 10  # bytes: what is smaller is an ordinary file of git, told by its blob id


@dataclass(frozen=True)
class Asked:
    """A request as it arrived. `port` is "hub" or "cdn"; `range` is the Range header; `start` its first byte."""

    port: str
    method: str
    path: str
    range: str
    authorization: str
    headers: Mapping[str, str]

    @property
    def start(self) -> int:
        return int(self.range.removeprefix("bytes=").split("-")[0]) if self.range else 0


class FakeHub:
    """Ready when made; `close` (or leaving the `with`) ends every connection and thread."""

    def __init__(self) -> None:
        self.repositories: dict[str, HubRepository] = {}
        self.users: dict[str, str] = {}
        self.requests: list[Asked] = []
        self.faults: list[Fault] = []
        self.closing = threading.Event()
        self._servers = [Server(self, "hub"), Server(self, "cdn")]
        self.url, self.cdn = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), name="fake-hub", daemon=True)
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> FakeHub:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        self.closing.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.end_connections()
            server.server_close()

    # -- what it has ------------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        files: Path | Mapping[str, bytes],
        *,
        gated: bool = False,
        private: bool = False,
        revision: str = "main",
        lfs_from: int = LFS_FROM,
        **facts: Any,
    ) -> str:
        """Put `files` on the hub as a new commit of `name`, the head of `revision`; returns the commit. `facts` are
        fields of the hub's answer: pipeline_tag, library_name, tags, likes, downloads, cardData, config, …"""
        repository = self.repositories.setdefault(name, HubRepository(name))
        repository.gated, repository.private = gated, private
        repository.facts.update(facts)
        if isinstance(files, Path):
            contents: dict[str, Path | bytes] = {
                path.relative_to(files).as_posix(): path for path in sorted(files.rglob("*")) if path.is_file()
            }
        else:
            contents = dict(files)
        tree = {at: hub_file(at, content, lfs_from) for at, content in contents.items()}
        told = json.dumps([[at, file.git_sha1] for at, file in sorted(tree.items())] + [len(repository.commits)])
        commit = hashlib.sha1((name + told).encode()).hexdigest()
        repository.refs[revision] = commit
        repository.commits[commit] = tree
        return commit

    def user(self, token: str, name: str = "ada") -> str:
        """Make `token` a valid one, of the user `name`."""
        self.users[token] = name
        return token

    def accept(self, repository: str, user: str = "ada") -> None:
        """Let `user` into a gated or private repository."""
        self.repositories[repository].accepted.add(user)

    def fault(self, kind: str, path: str = "*", *, times: int = 1, **options: Any) -> Fault:
        """Make the next `times` requests (-1: all) whose path fits the pattern go wrong; see `hub_faults.Fault`."""
        made = Fault(kind, path, times, **options)
        self.faults.append(made)
        return made

    def note(self, port: str, method: str, path: str, headers: Mapping[str, str]) -> Asked:
        """Record a request; names of `headers` are in lower case."""
        asked = Asked(port, method, path, headers.get("range", ""), headers.get("authorization", ""), headers)
        self.requests.append(asked)
        return asked

    # -- what was asked ---------------------------------------------------------------------------------------

    def asked(self, pattern: str = "*", port: str = "", method: str = "") -> list[Asked]:
        return [
            item
            for item in list(self.requests)
            if fnmatch(item.path, pattern) and port in ("", item.port) and method in ("", item.method)
        ]

    def starts(self, name: str) -> list[int]:
        """The first bytes of the GET requests for the content of the file `name`, wherever it was served."""
        return [item.start for item in self.asked(f"*/{name}", "cdn", "GET") or self.asked(f"*/{name}", "hub", "GET")]


class HubProcess:
    """The same hub in a process of its own, serving `folders` ({repository: folder}); has `url` and `commits`."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        command = [sys.executable, "-m", "tests.fakes.hub", *(f"{name}={folder}" for name, folder in folders.items())]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        assert self._process.stdout
        told = json.loads(self._process.stdout.readline())
        self.url: str = told["url"]
        self.commits: dict[str, str] = told["commits"]

    def __enter__(self) -> HubProcess:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.communicate()


@contextmanager
def served(folders: Mapping[str, Path]) -> Iterator[tuple[FakeHub, dict[str, str]]]:
    """A hub that serves `folders` ({repository: folder}), with the commit of each."""
    with FakeHub() as hub:
        yield hub, {name: hub.add(name, folder) for name, folder in folders.items()}


def main(arguments: list[str]) -> None:
    folders = {name: Path(folder) for name, _equals, folder in (item.partition("=") for item in arguments)}
    with served(folders) as (hub, commits):
        print(json.dumps({"url": hub.url, "cdn": hub.cdn, "commits": commits}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
