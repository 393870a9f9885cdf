"""What a loopback hub has: repositories with commits, and the rows in which the hub tells of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


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
    """`commits` maps a commit to its files by name, `refs` a branch to its commit; `facts` are further fields of the
    hub's answer."""

    name: str
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, HubFile]] = field(default_factory=dict)
    gated: bool = False
    private: bool = False
    accepted: set[str] = field(default_factory=set)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def head(self) -> str:
        return self.refs.get("main", "")

    def commit(self, revision: str) -> str:
        """The commit that a branch or a commit means, or ""."""
        found = self.refs.get(revision, revision)
        return found if found in self.commits else ""


def hub_file(name: str, content: Path | bytes, lfs_from: int) -> HubFile:
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


def facts(repository: HubRepository, commit: str) -> dict[str, Any]:
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


def sibling(file: HubFile) -> dict[str, Any]:
    row: dict[str, Any] = {"rfilename": file.name, "size": file.size, "blobId": file.git_sha1}
    if file.sha256:
        row["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": 134}
    return row


def tree_row(file: HubFile) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "file", "path": file.name, "size": file.size, "oid": file.git_sha1}
    if file.sha256:
        row["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
    return row
