"""What the hub knows: a repository at a commit with its files, search, small files of text, who may read what.

Everything that comes from there is checked before it goes on: a mirror can be anybody.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from studio.core.errors import AtelierError, Cancelled
from studio.model_manager.hub.answers import Asked, Trouble
from studio.model_manager.hub.endpoint import Endpoint
from studio.model_manager.hub.wire import Patience, Wire

_ANSWER_LIMIT = 32 << 20  # bytes of JSON
_TRIES = 3
_LONGEST_WAIT = 10.0  # s: somebody looks at the window meanwhile
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:")
_HEX = re.compile(r"[0-9a-f]+")
_FIELDS = ("cardData", "config", "downloads", "gated", "lastModified", "library_name", "likes", "pipeline_tag")
_FIELDS += ("private", "sha", "siblings", "tags")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}

T = TypeVar("T")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository: its name there ("folder/file"), its size in bytes, and the SHA-256 of a large file or
    the blob id (SHA-1) that git gives a small one. The name is safe to use below a folder."""

    name: str
    size: int
    sha256: str = ""
    git_sha1: str = ""


@dataclass(frozen=True)
class RemoteModel:
    """A repository at one commit. `modified` is ISO 8601; `license` as its card says ("" unknown); `config` is what
    the hub read from its config files; `names` are those of all files, as far as a search tells them."""

    repository: str
    commit: str
    files: tuple[RemoteFile, ...] = ()
    gated: bool = False
    private: bool = False
    license: str = ""
    tags: tuple[str, ...] = ()
    pipeline: str = ""
    library: str = ""
    likes: int = 0
    downloads: int = 0
    modified: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()


class Hub:
    """A hub at an endpoint. `token(host)` gives the token to ask with, or None.

    Every question takes `stop`, an event that ends it with `Cancelled` within 0.5 s. It is tried three times within
    a few seconds before it fails with an `AtelierError` ("hub-offline", "hub-unreachable", "hub-busy", …).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        token: Callable[[str], str | None] = lambda _host: None,
        patience: Patience | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.wire = Wire(endpoint, token, patience or Patience())

    # -- addresses --------------------------------------------------------------------------------------------

    def page(self, repository: str) -> str:
        """Where people read about a repository, and accept its terms."""
        return f"{self.endpoint.url}/{quote(repository)}"

    def file_url(self, repository: str, commit: str, name: str) -> str:
        return f"{self.endpoint.url}/{quote(repository)}/resolve/{quote(commit, safe='')}/{quote(name)}"

    def asked(self, repository: str = "") -> Asked:
        """What a request is about, for the words of a refusal. Raises "hub-missing" for what cannot be a name."""
        if repository and (not _NAME.fullmatch(repository) or ".." in repository or len(repository) > 200):
            raise AtelierError("hub-missing", {"model": repository[:200]})
        return Asked(self.endpoint.host, repository, self.page(repository) if repository else self.endpoint.url)

    # -- questions --------------------------------------------------------------------------------------------

    def model(self, repository: str, revision: str = "main", *, stop: threading.Event | None = None) -> RemoteModel:
        """A repository at `revision` (a branch or commit) with its files. Raises "hub-gated", "hub-private",
        "hub-missing" and "hub-unsafe-name" besides those of every question."""
        asked = self.asked(repository)
        at = f"/api/models/{quote(repository)}/revision/{quote(revision, safe='')}"
        return _checked(self._json(f"{at}?blobs=true", asked, stop), asked, files=True)

    def search(
        self, text: str, *, filters: Iterable[str] = (), limit: int = 30, stop: threading.Event | None = None
    ) -> list[RemoteModel]:
        """The most downloaded models that fit `text` and have every tag of `filters`; without their files."""
        query = [("search", text), *(("filter", item) for item in filters), *(("expand", item) for item in _FIELDS)]
        query += [("sort", "downloads"), ("limit", str(limit))]
        asked = self.asked()
        rows = self._json(f"/api/models?{urlencode([pair for pair in query if pair[1]])}", asked, stop)
        if not isinstance(rows, list):
            raise _strange(asked, "the answer to a search is not a list")
        return [_checked(row, asked, files=False) for row in rows[:limit] if _is_model(row)]

    def read(
        self,
        repository: str,
        commit: str,
        name: str,
        limit: int = 1 << 20,
        *,
        stop: threading.Event | None = None,
    ) -> bytes:
        """A small file. Raises "hub-too-large" where it has more than `limit` bytes."""
        asked = self.asked(repository)
        found = self._bytes(self.file_url(repository, commit, name), asked, limit, stop)
        if found is None:
            raise AtelierError("hub-too-large", {"model": repository, "file": name})
        return found

    def start(
        self, repository: str, commit: str, name: str, count: int, *, stop: threading.Event | None = None
    ) -> bytes:
        """The first `count` bytes of a file, fewer of a smaller one."""
        asked, stop = self.asked(repository), stop or threading.Event()
        url = self.file_url(repository, commit, name)

        def ask() -> bytes:
            body = bytearray()
            headers = {"Accept-Encoding": "identity", "Range": f"bytes=0-{count - 1}"}
            with self.wire.get(url, asked, stop, lambda _origin: headers) as answer:
                for chunk in answer.chunks:
                    body += chunk
                    if len(body) >= count:  # not every hub knows ranges
                        break
                if answer.status == 416:
                    return b""  # the file is empty
            return bytes(body[:count])

        return _patiently(ask, self.wire.patience, stop)

    def access(self, repository: str, *, stop: threading.Event | None = None) -> bool | None:
        """Whether its files may be read with the present token; None where that cannot be told now."""
        asked = self.asked(repository)
        at = f"{self.endpoint.url}/api/models/{quote(repository)}/auth-check"
        try:
            said = self._bytes(at, asked, _ANSWER_LIMIT, stop)
        except AtelierError as error:
            return False if error.code in {"hub-gated", "hub-private", "hub-forbidden", "hub-token"} else None
        return None if said is None or said.lstrip().startswith(b"<") else True  # a web page is no answer of a hub

    def whoami(self, *, stop: threading.Event | None = None) -> str:
        """The name of the user whose token is used. Raises "hub-token" where there is none that is good."""
        asked = self.asked()
        row = self._json("/api/whoami-v2", asked, stop)
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise _strange(asked, "whoami-v2 has no name")
        return row["name"]

    def _json(self, at: str, asked: Asked, stop: threading.Event | None) -> Any:
        found = self._bytes(self.endpoint.url + at, asked, _ANSWER_LIMIT, stop)
        try:
            return json.loads(found or b"")
        except (ValueError, RecursionError) as error:
            raise _strange(asked, str(error)) from None

    def _bytes(self, url: str, asked: Asked, limit: int, stop: threading.Event | None) -> bytes | None:
        stop = stop or threading.Event()

        def ask() -> bytes | None:
            body = bytearray()
            with self.wire.get(url, asked, stop) as answer:
                for chunk in answer.chunks:
                    body += chunk
                    if len(body) > limit:
                        return None
            return bytes(body)

        return _patiently(ask, self.wire.patience, stop)


def _patiently(ask: Callable[[], T], patience: Patience, stop: threading.Event) -> T:
    for left in range(_TRIES - 1, 0, -1):
        try:
            return ask()
        except Trouble as trouble:
            if trouble.after > _LONGEST_WAIT:
                raise trouble.error from trouble
            spread = patience.first * (_TRIES - left) * random.uniform(0.25, 0.75)
            if stop.wait(max(trouble.after, spread)):
                raise Cancelled from None
    try:
        return ask()
    except Trouble as trouble:
        raise trouble.error from trouble


# -- checking what arrived ------------------------------------------------------------------------------------


def _strange(asked: Asked, details: str) -> AtelierError:
    return AtelierError("hub-strange", {"host": asked.host}, details=details[:1000])


def _is_model(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("id"), str) and bool(_NAME.fullmatch(row["id"]))


def _checked(row: Any, asked: Asked, *, files: bool) -> RemoteModel:
    """A row of the hub as a `RemoteModel`; raises "hub-strange" where it cannot be one."""
    if not _is_model(row):
        raise _strange(asked, "a model has no name")
    name, commit = row["id"], _of(row, "sha", str)
    if not _is_hex(commit, 40) and (files or commit):
        raise _strange(asked, f"the commit of {name} is {commit!r}")
    tags = tuple(tag for tag in _of(row, "tags", list) if isinstance(tag, str))
    return RemoteModel(
        asked.model or name,
        commit,
        _files(_of(row, "siblings", list), name, asked) if files else (),
        bool(row.get("gated")),
        bool(row.get("private")),
        _license(_of(row, "cardData", dict), tags),
        tags,
        _of(row, "pipeline_tag", str),
        _of(row, "library_name", str),
        max(0, _of(row, "likes", int)),
        max(0, _of(row, "downloads", int)),
        _of(row, "lastModified", str),
        _of(row, "config", dict),
        tuple(_names(_of(row, "siblings", list))),
    )


def _of(row: Mapping[str, Any], key: str, kind: type[T]) -> T:
    value = row.get(key)
    return value if type(value) is kind else kind()


def _license(card: Mapping[str, Any], tags: Iterable[str]) -> str:
    named = card.get("license")
    if named == "other" and isinstance(card.get("license_name"), str):
        return card["license_name"]
    if isinstance(named, str):
        return named
    return next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")


def _names(rows: list[Any]) -> Iterator[str]:
    for row in rows:
        name = row.get("rfilename") if isinstance(row, dict) else None
        if isinstance(name, str) and stays_below(name):
            yield name


def _files(rows: list[Any], model: str, asked: Asked) -> tuple[RemoteFile, ...]:
    files: dict[str, RemoteFile] = {}
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("rfilename"), str):
            raise _strange(asked, f"a file of {model} has no name")
        name, lfs = row["rfilename"], _of(row, "lfs", dict)
        if not stays_below(name) or name in files:
            raise AtelierError("hub-unsafe-name", {"model": model, "file": name[:200]})
        size = lfs.get("size", row.get("size"))
        sha256, git = lfs.get("sha256", ""), "" if lfs else row.get("blobId")
        if type(size) is not int or not 0 <= size < 1 << 50 or not (_is_hex(sha256, 64) or _is_hex(git, 40)):
            raise _strange(asked, f"{name} of {model}: {row}")
        files[name] = RemoteFile(name, size, sha256, git or "")
    return tuple(file for file in files.values() if os.name != "nt" or fits_windows(file.name))


def _is_hex(text: Any, length: int) -> bool:
    return isinstance(text, str) and len(text) == length and bool(_HEX.fullmatch(text))


def stays_below(name: str) -> bool:
    """Whether a file of this name stays below the folder that it is put into."""
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or len(name) > 1000 or _DRIVE.match(name):
        return False
    return all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in parts)


def fits_windows(name: str) -> bool:
    """Whether Windows can have a file of this name, and means a file by it."""
    parts = name.split("/")
    if any(sign in name for sign in ':*?"<>|') or any(part != part.rstrip(". ") for part in parts):
        return False
    return not any(part.partition(".")[0].casefold() in _RESERVED for part in parts)
