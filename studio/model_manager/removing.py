"""What has to go for a model to be removed.

Where a model lies in the hub cache the reference counting of huggingface_hub decides, so that what several models or
revisions share stays. Nothing outside the models folder and the hub cache is ever touched, whatever links say; a model
that is loaded, and one that belongs to another program's folder, is kept and the reason given.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import InvalidInput, from_os_error
from studio.core.files import write_json
from studio.core.models import ModelInfo
from studio.model_manager import uses
from studio.model_manager.catalogue import Catalogue, entry, places
from studio.model_manager.catalogue.recognising import Found

if TYPE_CHECKING:
    from huggingface_hub.utils import CachedFileInfo, CachedRepoInfo, DeleteCacheStrategy, HFCacheInfo


@dataclass(frozen=True)
class Step:
    """Files, links and folders that are removed together; what `paths` names is a file, a link or a whole folder."""

    models: tuple[str, ...]
    root: Path
    paths: tuple[Path, ...]
    frees: int
    strategy: DeleteCacheStrategy | None = None
    after: Callable[[], None] = lambda: None

    def run(self) -> None:
        try:
            if self.strategy is not None:
                self.strategy.execute()
            for path in self.paths:
                if is_inside(path, self.root):
                    delete(path)
            self.after()
        except OSError as error:
            raise from_os_error(error) from error


@dataclass
class Plan:
    kept: list[dict[str, str]] = field(default_factory=list)
    steps: list[tuple[str, Step]] = field(default_factory=list)

    @property
    def frees(self) -> int:
        return sum(step.frees for _repository, step in self.steps)

    @property
    def paths(self) -> list[Path]:
        return [path for _repository, step in self.steps for path in step.paths]


class Planner:
    """What there is, read once, and what would have to go."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._models = catalogue.models_dir
        self._cache = catalogue.hub_cache
        self._everything = catalogue.found()
        self._here = [found for found in self._everything.values() if _is_here(found)]
        self._in_use = uses.in_use(self._models)
        self._downloads = places.downloads(self._models)
        self._scanned: HFCacheInfo | None = None

    def here(self) -> list[Found]:
        """The models that take space on this computer."""
        return self._here

    def titles(self, models: Sequence[str]) -> list[str]:
        return [self._everything[model].info.title for model in models]

    def files_of(self, found: Found) -> list[Path]:
        """The regular files of a model, links followed."""
        if found.files:
            return list(found.files.paths.values())
        if found.paths:
            return list(found.paths.values())
        if found.info.origin == "starter" and (known := entry(found.info.id)):
            return list(places.files_in(self._models / "starter" / known[1]["starter"]).values())
        if found.info.origin == "hub":
            repository = _repository(found.info)
            used = {
                os.path.realpath(path)
                for other in self._here
                if other is not found and _repository(other.info) == repository
                for path in _paths_of(other)
            }
            blobs = places.entries(self._folder(repository) / "blobs")
            return [path for path in blobs if path.is_file() and os.path.realpath(path) not in used]
        return []

    def plan(self, models: Sequence[str]) -> Plan:
        plan, chosen = Plan(), []
        for model_id in dict.fromkeys(models):
            found = self._everything.get(model_id)
            if found is None:
                choices = [other.info.id for other in self.here()]
                raise InvalidInput("model-unknown", {"model": model_id, "choices": choices})
            why = self._why_not(found)
            if why:
                plan.kept.append({"id": model_id, "why": why})
            else:
                chosen.append(found)
        for origin, steps in (
            ("starter", self._starter),
            ("imported", self._imported),
            ("hub", self._hub),
        ):
            plan.steps += steps([found for found in chosen if found.info.origin == origin])
        return plan

    def _why_not(self, found: Found) -> str:
        if found.info.id in self._in_use:
            return "model-in-use"
        if found.info.origin == "folder":
            return "model-not-ours"
        return "" if _is_here(found) else "model-not-installed"

    def _starter(self, chosen: list[Found]) -> Iterator[tuple[str, Step]]:
        for found in chosen:
            known = entry(found.info.id)
            folder = self._models / "starter" / (known[1]["starter"] if known else "")
            if known and folder.is_dir() and not folder.is_symlink() and is_inside(folder, self._models):
                yield "", Step((found.info.id,), self._models, (folder,), frees([folder]))

    def _imported(self, chosen: list[Found]) -> Iterator[tuple[str, Step]]:
        tops: dict[Path, list[Found]] = {}
        for found in self.here():
            if found.info.origin == "imported" and (top := self._top(found)):
                tops.setdefault(top, []).append(found)
        for top, inside in tops.items():
            going = [found for found in inside if found in chosen]
            if not going:
                continue
            ids = tuple(found.info.id for found in going)
            if len(going) == len(inside):
                beside = top.with_suffix(".json") if top.is_file() else top.with_name(f"{top.name}.json")
                paths = (top, *([beside] if beside.is_file() else []))
            else:
                paths = tuple(path for found in going for path in self.files_of(found))
            safe = tuple(path for path in paths if is_inside(path, self._models))
            yield "", Step(ids, self._models, safe, frees(safe))

    def _top(self, found: Found) -> Path | None:
        """What lies directly in `imported` or `converted` and holds the model."""
        inside = found.files.root if found.files else next(iter(found.paths.values()), None)
        for folder in (self._models / "imported", self._models / "converted"):
            if inside and folder in inside.parents:
                return folder / inside.relative_to(folder).parts[0]
        return None

    def _hub(self, chosen: list[Found]) -> Iterator[tuple[str, Step]]:
        groups: dict[str, list[Found]] = {}
        for found in chosen:
            groups.setdefault(_repository(found.info), []).append(found)
        gone = {found.info.id for found in chosen}
        for going in list(groups.values()):
            for needed in self._only_needed_by(going, gone):
                groups.setdefault(needed, [])
        for repository, going in groups.items():
            folder = self._folder(repository)
            if not folder.is_dir() or folder.is_symlink() or not is_inside(folder, self._cache):
                continue
            left = [
                found
                for found in self.here()
                if found.info.origin == "hub" and _repository(found.info) == repository and found.info.id not in gone
            ]
            ids = tuple(found.info.id for found in going)
            yield repository, (self._some(repository, folder, going, left) if left else self._whole(ids, folder))

    def _only_needed_by(self, going: list[Found], gone: set[str]) -> list[str]:
        """The repositories that we downloaded for the sake of these models alone."""
        ours = {download.repository for download in self._downloads}
        wanted = {need for found in going for need in _needs(found.info.id)}
        if not wanted & ours:
            return []
        others = {need for found in self.here() if found.info.id not in gone for need in _needs(found.info.id)}
        shown = {_repository(found.info) for found in self.here() if found.info.origin == "hub"}
        return sorted((wanted & ours) - others - shown)

    def _whole(self, ids: tuple[str, ...], folder: Path) -> Step:
        repository = folder.name.removeprefix("models--").replace("--", "/")

        def forget() -> None:
            for path in self._manifests(repository):
                path.unlink(missing_ok=True)

        strategy, shared = None, 0
        if repo := self._cached(folder):
            strategy = self._alone_in(repo).delete_revisions(*(revision.commit_hash for revision in repo.revisions))
            shared = _shared(strategy, {file for revision in repo.revisions for file in revision.files})
            strategy = _inside(strategy, folder)
        return Step(ids, self._cache, (folder,), frees([folder]) + shared, strategy, forget)

    def _some(self, repository: str, folder: Path, going: list[Found], left: list[Found]) -> Step:
        """Only the files of `going` that no model that stays uses."""
        used = {path for found in left for path in _paths_of(found)}
        keep = {os.path.realpath(path) for path in used}
        names = {name for found in going for name in (*_names_of(found), *found.info.missing)}
        names |= {name for found in going for download in self._of(found) for name in download.files}
        names -= {name for found in left for name in _names_of(found)}
        links = [path for found in going for path in _paths_of(found) if path not in used]
        strategy, shared, paths = None, 0, [*self._parts(folder, names, keep)]
        if repo := self._cached(folder):
            named = {_real_name(path) for path in links}
            files = (file for revision in repo.revisions for file in revision.files)
            inside = [file for file in files if _real_name(file.file_path) in named]
            strategy = self._alone_in(repo).delete_files(*inside)
            blobs = strategy.blobs
            shared = _shared(strategy, {file for file in inside if file.blob_path in blobs})
            strategy = _inside(strategy, folder)
            paths += [*strategy.files, *strategy.blobs]
        else:
            paths += links

        def forget() -> None:
            for path in self._manifests(repository):
                _drop_rows(path, names)

        ids = tuple(found.info.id for found in going)
        paths = list(dict.fromkeys(paths))
        return Step(ids, self._cache, tuple(paths), frees(paths) + shared, strategy, forget)

    def _parts(self, folder: Path, names: set[str], keep: set[str]) -> Iterator[Path]:
        """The unfinished and the nameless blobs of these files."""
        repository = folder.name.removeprefix("models--").replace("--", "/")
        named = {os.path.realpath(path) for path in places.files_in(folder / "snapshots").values()}
        for download in self._downloads:
            if download.repository != repository:
                continue
            for name in names & download.blobs.keys():
                for path in places.entries(folder / "blobs"):
                    mine = path.name.partition(".")[0] == download.blobs[name]
                    if mine and os.path.realpath(path) not in keep | named:
                        yield path

    def _of(self, found: Found) -> list[places.Download]:
        return [download for download in self._downloads if download.model == found.info.id and not found.files]

    def _manifests(self, repository: str) -> list[Path]:
        return list((self._models / "manifests").glob(f"{escape(repository.replace('/', '--'))}@*.json"))

    def _folder(self, repository: str) -> Path:
        return self._cache / f"models--{repository.replace('/', '--')}"

    def _cached(self, folder: Path) -> CachedRepoInfo | None:
        if self._scanned is None:
            from huggingface_hub import scan_cache_dir

            self._scanned = scan_cache_dir(self._cache)
        real = folder.resolve()
        return next((repo for repo in self._scanned.repos if repo.repo_path.resolve() == real), None)

    def _alone_in(self, repo: CachedRepoInfo) -> HFCacheInfo:
        """The cache as if it held this repository only: two may have commits of the same name."""
        assert self._scanned is not None
        return replace(self._scanned, repos=frozenset({repo}))


def _inside(strategy: DeleteCacheStrategy, folder: Path) -> DeleteCacheStrategy:
    """`strategy` without what lies outside of the repository: a link may name any file as its blob."""
    limits = {name: getattr(strategy, name) for name in ("blobs", "refs", "repos", "snapshots", "files")}
    border = folder.resolve()
    return replace(
        strategy,
        **{
            name: frozenset(path for path in paths if path.resolve() == border or is_inside(path, folder))
            for name, paths in limits.items()
        },
    )


def _shared(strategy: DeleteCacheStrategy, files: Iterable[CachedFileInfo]) -> int:
    """Bytes that go with the last name of a blob in the store that all repositories share."""
    blobs = {file.blob_path: file.size_on_disk for file in files}
    if not any(path.is_symlink() for path in blobs):
        return 0
    return max(0, strategy.expected_freed_size - sum(size for path, size in blobs.items() if not path.is_symlink()))


def _is_here(found: Found) -> bool:
    return found.files is not None or found.info.here


def _names_of(found: Found) -> list[str]:
    return [*(found.files.paths if found.files else found.paths)]


def _paths_of(found: Found) -> list[Path]:
    """The files that are known to be the model's own."""
    return [*(found.files.paths if found.files else found.paths).values()]


def _repository(info: ModelInfo) -> str:
    return info.repository or "/".join(info.id.split("/")[:2])


def _needs(model_id: str) -> list[str]:
    known = entry(model_id)
    return [need.partition("@")[0] for need in known[1].get("needs", ())] if known else []


def frees(paths: Iterable[Path]) -> int:
    """Bytes that deleting these files and folders gives back: a file with another name elsewhere gives none."""
    names: dict[tuple[int, int], list[os.stat_result]] = {}
    for path in paths:
        for status in _regular(path):
            names.setdefault((status.st_dev, status.st_ino), []).append(status)
    return sum(each[0].st_size for each in names.values() if len(each) >= each[0].st_nlink)


def _regular(path: Path) -> Iterator[os.stat_result]:
    """Every regular file at or below `path`; links are not followed."""
    try:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            yield status
        elif stat.S_ISDIR(status.st_mode):
            for child in path.iterdir():
                yield from _regular(child)
    except OSError:
        return


def _real_name(path: Path) -> Path:
    """`path` itself, not what it may link to, by the one name of its folder."""
    return path.parent.resolve() / path.name


def is_inside(path: Path, root: Path) -> bool:
    """Whether `path` itself, not what it may link to, lies in `root`."""
    try:
        return root.resolve() in _real_name(path).parents
    except (OSError, RuntimeError):
        return False


def delete(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)


def _drop_rows(path: Path, names: set[str]) -> None:
    """Forget these files in our record of a download, and the record where nothing is left of it."""
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows: list[Mapping[str, Any]] = [row for row in data["files"] if row["name"] not in names]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if not rows:
        path.unlink(missing_ok=True)
    elif len(rows) < len(data["files"]):
        write_json(path, {**data, "files": rows, "complete": all(row.get("verified") for row in rows)})
