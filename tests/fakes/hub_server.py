"""The answers of a loopback hub and of its storage, as the hub itself gives them."""

from __future__ import annotations

import hashlib
import json
import socket
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.fakes.hub_faults import Fault, apply
from tests.fakes.hub_files import HubFile, HubRepository, facts, sibling, tree_row

if TYPE_CHECKING:
    from tests.fakes.hub import FakeHub


class Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, hub: FakeHub, port: str) -> None:
        self.hub, self.port_name = hub, port
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), Handler)

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


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server  # type: ignore[assignment]

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded, not printed."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server.hub
        parts = urlsplit(self.path)
        at = unquote(parts.path)
        told = {name.lower(): value for name, value in self.headers.items()}
        asked = self.server.hub.note(self.server.port_name, self.command, at, told)
        fault = next(
            (item for item in hub.faults if item.takes(asked.port, asked.method, at, self._has_body(parts.path))), None
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
            self._api(parts.path.removeprefix("/api/models/"), parse_qs(parts.query))
        elif "/resolve/" in at:
            self._resolve(parts.path.removeprefix("/"), fault)
        else:
            self.error(404, "")

    def _has_body(self, at: str) -> bool:
        """Whether what is asked for is the content of a file, and not a redirect to it."""
        name, resolve, rest = at.removeprefix("/").partition("/resolve/")
        revision, _slash, file_name = rest.partition("/")
        repository = self.server.hub.repositories.get(name)
        if not resolve or repository is None:
            return self.server.port_name == "cdn"
        file = repository.commits.get(repository.commit(unquote(revision)), {}).get(unquote(file_name))
        return file is not None and not file.sha256

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
            row = facts(repository, repository.head)
            if "siblings" in query.get("expand", []):
                row["siblings"] = [{"rfilename": name} for name in repository.commits[repository.head]]
            marks = {*row["tags"], row["pipeline_tag"], row["library_name"]}
            if repository.private or not all(word in repository.name.casefold() for word in words):
                continue
            if all(mark in marks for mark in filters):
                found.append(row)
        found.sort(key=lambda row: -row["downloads"])
        self.json(found[: int(query.get("limit", ["1000"])[0])])

    def _api(self, at: str, query: Mapping[str, list[str]]) -> None:
        owner, _slash, rest = at.partition("/")
        name, _slash, rest = rest.partition("/")
        name = f"{owner}/{name}"
        repository = self._allowed(name, files=rest == "auth-check")
        if repository is None:
            return
        if rest == "auth-check":
            self.json({})
            return
        verb, _slash, rest = rest.partition("/")
        revision, _slash, folder = rest.partition("/")
        commit = self._commit(repository, unquote(revision) or "main")
        if not commit:
            return
        files = repository.commits[commit]
        if verb == "tree":
            self.json([tree_row(file) for file in files.values() if file.name.startswith(unquote(folder))])
            return
        row = facts(repository, commit)
        blobs = query.get("blobs", [""])[0].lower() in ("true", "1")
        row["siblings"] = [sibling(file) if blobs else {"rfilename": file.name} for file in files.values()]
        self.json(row)

    # -- files ------------------------------------------------------------------------------------------------

    def _resolve(self, at: str, fault: Fault | None) -> None:
        name, _slash, rest = at.partition("/resolve/")
        revision, _slash, file_name = rest.partition("/")
        repository = self._allowed(name, files=True)
        commit = self._commit(repository, unquote(revision)) if repository else ""
        if repository is None or not commit:
            return
        file = repository.commits[commit].get(unquote(file_name))
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

    def _commit(self, repository: HubRepository, revision: str) -> str:
        commit = repository.commit(revision)
        if not commit:
            self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

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
