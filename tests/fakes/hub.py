"""A model hub on loopback: real enough for huggingface_hub itself, and able to misbehave in every known way.

`FakeHub` serves folders (or {name: bytes}) as repositories on one port and large files on a second one, its CDN. Every
request is recorded in `requests`; `fault(...)` makes later ones go wrong. Used as a program it serves from a process of
its own, so that a measurement is fair: `python -m tests.fakes.hub owner/name=FOLDER …` prints its addresses as one
line of JSON and ends when its standard input does. `HubProcess` starts that.
"""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.fakes.hub_faults import Fault, apply

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


@dataclass(frozen=True)
class HubFile:
    """A file of a commit. `content` is its path on disk or its bytes; `sha256` is empty for ordinary git files."""

    name: str
    content: Path | bytes
    size: int
    git_sha1: str
    sha256: str = ""

    @property
    def etag(self) -> str:
        return self.sha256 or self.git_sha1

    def read(self, start: int, count: int) -> bytes:
        if isinstance(self.content, bytes):
            return self.content[start : start + count]
        with self.content.open("rb") as stream:
            stream.seek(start)
            return stream.read(count)


@dataclass
class HubRepository:
    """`commits` maps a commit to its files by name; `facts` are further fields of the hub's answer."""

    name: str
    head: str = ""
    commits: dict[str, dict[str, HubFile]] = field(default_factory=dict)
    gated: bool = False
    private: bool = False
    accepted: set[str] = field(default_factory=set)
    facts: dict[str, Any] = field(default_factory=dict)


class FakeHub:
    """Ready when made; `close` (or leaving the `with`) ends every connection and thread."""

    def __init__(self) -> None:
        self.repositories: dict[str, HubRepository] = {}
        self.users: dict[str, str] = {}
        self.requests: list[Asked] = []
        self.faults: list[Fault] = []
        self.closing = threading.Event()
        self._servers = [_Server(self, "hub"), _Server(self, "cdn")]
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
        lfs_from: int = LFS_FROM,
        **facts: Any,
    ) -> str:
        """Put `files` on the hub as a new commit of `name`, the head of "main"; returns the commit. `facts` are fields
        of the hub's answer: pipeline_tag, library_name, tags, likes, downloads, cardData, config, …"""
        repository = self.repositories.setdefault(name, HubRepository(name))
        repository.gated, repository.private = gated, private
        repository.facts.update(facts)
        if isinstance(files, Path):
            contents: dict[str, Path | bytes] = {
                path.relative_to(files).as_posix(): path for path in sorted(files.rglob("*")) if path.is_file()
            }
        else:
            contents = dict(files)
        tree = {at: _hub_file(at, content, lfs_from) for at, content in contents.items()}
        told = json.dumps([[at, file.git_sha1] for at, file in sorted(tree.items())] + [len(repository.commits)])
        repository.head = hashlib.sha1((name + told).encode()).hexdigest()
        repository.commits[repository.head] = tree
        return repository.head

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


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, hub: FakeHub, port: str) -> None:
        self.hub, self.port_name = hub, port
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what half of the tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server  # type: ignore[assignment]

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded, not printed."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server.hub
        parts = urlsplit(self.path)
        at = unquote(parts.path)
        told = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(
            self.server.port_name, self.command, at, told.get("range", ""), told.get("authorization", ""), told
        )
        hub.requests.append(asked)
        fault = next(
            (item for item in hub.faults if item.takes(asked.port, asked.method, at, self._has_body(at))), None
        )
        if fault and apply(self, fault, hub.closing):
            return
        if self.server.port_name == "cdn":
            self._content(at.removeprefix("/"), fault)
        elif at == "/api/whoami-v2":
            self._whoami()
        elif at == "/api/models":
            self._search(parse_qs(parts.query))
        elif at.startswith("/api/models/"):
            self._api(at.removeprefix("/api/models/"), parse_qs(parts.query))
        elif "/resolve/" in at:
            self._resolve(at.removeprefix("/"), fault)
        else:
            self.error(404, "")

    def _has_body(self, at: str) -> bool:
        """Whether what is asked for is the content of a file, and not a redirect to it."""
        name, resolve, rest = at.removeprefix("/").partition("/resolve/")
        revision, _slash, file_name = rest.partition("/")
        repository = self.server.hub.repositories.get(name)
        if not resolve or repository is None:
            return self.server.port_name == "cdn"
        tree = repository.commits.get(repository.head if revision == "main" else revision, {})
        return file_name in tree and not tree[file_name].sha256

    # -- answers of the interface -----------------------------------------------------------------------------

    def _whoami(self) -> None:
        user = self._user()
        if user:
            self.json({"type": "user", "name": user, "auth": {"type": "access_token"}})
        else:
            self.error(401, "", "Invalid username or password.")

    def _search(self, query: Mapping[str, list[str]]) -> None:
        words = query.get("search", [""])[0].casefold().split()
        filters = query.get("filter", []) + query.get("pipeline_tag", [])
        found = []
        for repository in self.server.hub.repositories.values():
            row = _facts(repository, repository.head)
            marks = {*row["tags"], row["pipeline_tag"], row["library_name"]}
            if repository.private or not all(word in repository.name.casefold() for word in words):
                continue
            if all(mark in marks for mark in filters):
                found.append(row)
        found.sort(key=lambda row: -row["downloads"])
        self.json(found[: int(query.get("limit", ["1000"])[0])])

    def _api(self, at: str, query: Mapping[str, list[str]]) -> None:
        name, _slash, rest = _split(at)
        repository = self._allowed(name, files=rest == "auth-check")
        if repository is None:
            return
        if rest == "auth-check":
            self.json({})
            return
        verb, _slash, rest = rest.partition("/")
        revision, _slash, folder = rest.partition("/")
        commit = self._commit(repository, revision or "main")
        if commit is None:
            return
        files = repository.commits[commit]
        if verb == "tree":
            self.json([_tree(file) for file in files.values() if file.name.startswith(folder)])
            return
        row = _facts(repository, commit)
        blobs = query.get("blobs", [""])[0].lower() in ("true", "1")
        row["siblings"] = [_sibling(file) if blobs else {"rfilename": file.name} for file in files.values()]
        self.json(row)

    # -- files ------------------------------------------------------------------------------------------------

    def _resolve(self, at: str, fault: Fault | None) -> None:
        name, _slash, rest = at.partition("/resolve/")
        revision, _slash, file_name = rest.partition("/")
        repository = self._allowed(name, files=True)
        commit = self._commit(repository, revision) if repository else None
        if repository is None or commit is None:
            return
        file = repository.commits[commit].get(file_name)
        headers = {"X-Repo-Commit": commit}
        if file is None:
            self.error(404, "EntryNotFound", "Entry not found", headers)
            return
        etag = fault.etag if fault and fault.kind == "etag" else file.etag
        headers |= {"X-Linked-Size": str(file.size), "X-Linked-ETag": f'"{etag}"', "ETag": f'"{etag}"'}
        if file.sha256:
            where = f"{self.server.hub.cdn}/{file.sha256}/{quote(file.name)}?signature=1"
            self.answer(302, b"", headers | {"Location": where})
        else:
            self._send(file, headers, fault)

    def _content(self, at: str, fault: Fault | None) -> None:
        digest, _slash, _name = at.partition("/")
        trees = (tree for item in self.server.hub.repositories.values() for tree in item.commits.values())
        file = next((file for tree in trees for file in tree.values() if file.sha256 == digest), None)
        if file is None:
            self.error(403, "", "Access Denied")
            return
        etag = fault.etag if fault and fault.kind == "etag" else hashlib.md5(digest.encode()).hexdigest()
        self._send(file, {"ETag": f'"{etag}"'}, fault)

    def _send(self, file: HubFile, headers: Mapping[str, str], fault: Fault | None) -> None:
        start, end, status = 0, file.size, 200
        asked = self.headers.get("Range")
        if_range = self.headers.get("If-Range")
        if asked and not (fault and fault.kind == "no-range") and if_range in (None, headers["ETag"]):
            first, _dash, last = asked.removeprefix("bytes=").partition("-")
            start, end, status = int(first), min(file.size, int(last) + 1) if last else file.size, 206
            if start >= file.size:
                self.answer(416, b"", {"Content-Range": f"bytes */{file.size}"})
                return
        answer = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream", **headers}
        if status == 206:
            shift = fault.shift if fault and fault.kind == "lying-range" else 0
            answer["Content-Range"] = f"bytes {start + shift}-{end - 1}/{file.size}"
        length = fault.length if fault and fault.length >= 0 else end - start
        self.send_response(status)
        for name, value in (answer | {"Content-Length": str(length)}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            if fault:
                fault.send(self, file, start, end)
            elif isinstance(file.content, Path):
                with file.content.open("rb") as stream:
                    self.connection.sendfile(stream, start, end - start)
            else:
                self.wfile.write(memoryview(file.content)[start:end])

    # -- who may ----------------------------------------------------------------------------------------------

    def _user(self) -> str:
        return self.server.hub.users.get(self.headers.get("Authorization", "").removeprefix("Bearer "), "")

    def _allowed(self, name: str, *, files: bool) -> HubRepository | None:
        """The repository, or None after the hub's own kind of refusal."""
        repository = self.server.hub.repositories.get(name)
        user = self._user()
        if self.headers.get("Authorization") and not user:
            self.error(401, "", "Invalid credentials in Authorization header")
        elif repository is None or (repository.private and user not in repository.accepted):
            self.error(404 if user else 401, "RepoNotFound", "Repository not found")
        elif files and repository.gated and user not in repository.accepted:
            message = f"Access to model {name} is restricted. You must have access to it and be authenticated."
            self.error(403 if user else 401, "GatedRepo", message)
        else:
            return repository
        return None

    def _commit(self, repository: HubRepository, revision: str) -> str | None:
        commit = repository.head if revision == "main" else revision
        if commit in repository.commits:
            return commit
        self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return None

    # -- plain answers ----------------------------------------------------------------------------------------

    def json(self, data: Any) -> None:
        self.answer(200, json.dumps(data).encode(), {"Content-Type": "application/json; charset=utf-8"})

    def error(self, status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None) -> None:
        told = {"X-Error-Code": code, "X-Error-Message": message, **(headers or {})}
        self.answer(status, json.dumps({"error": message}).encode(), {k: v for k, v in told.items() if v})

    def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _split(at: str) -> tuple[str, str, str]:
    owner, _slash, rest = at.partition("/")
    name, slash, rest = rest.partition("/")
    return f"{owner}/{name}", slash, rest


def _hub_file(name: str, content: Path | bytes, lfs_from: int) -> HubFile:
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    git, sha256 = hashlib.sha1(b"blob %d\0" % size), hashlib.sha256()
    for block in _blocks(content):
        git.update(block)
        sha256.update(block)
    return HubFile(name, content, size, git.hexdigest(), sha256.hexdigest() if size >= lfs_from else "")


def _blocks(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as stream:
        while block := stream.read(1 << 20):
            yield block


def _facts(repository: HubRepository, commit: str) -> dict[str, Any]:
    return {
        "_id": commit[:24],
        "id": repository.name,
        "modelId": repository.name,
        "author": repository.name.partition("/")[0],
        "sha": commit,
        "private": repository.private,
        "gated": "auto" if repository.gated else False,
        "disabled": False,
        "likes": 0,
        "downloads": 0,
        "tags": [],
        "pipeline_tag": "",
        "library_name": "",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "lastModified": "2026-01-02T00:00:00.000Z",
        **repository.facts,
    }


def _sibling(file: HubFile) -> dict[str, Any]:
    row: dict[str, Any] = {"rfilename": file.name, "size": file.size, "blobId": file.git_sha1}
    if file.sha256:
        row["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": 134}
    return row


def _tree(file: HubFile) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "file", "path": file.name, "size": file.size, "oid": file.git_sha1}
    if file.sha256:
        row["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
    return row


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
