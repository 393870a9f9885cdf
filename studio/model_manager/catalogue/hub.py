"""The models of one repository in the Hugging Face cache: whole ones, and those that are still on their way.

What other programs put there counts when its files are complete; of our own downloads only what is verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio import families
from studio.core.models import ModelState
from studio.families import repositories
from studio.model_manager.catalogue import entries, places, recognising
from studio.model_manager.catalogue.entries import Entry
from studio.model_manager.catalogue.places import Download
from studio.model_manager.catalogue.recognising import Found

_MAIN = "main"


def snapshots(folder: Path, known: Sequence[tuple[str, Entry]]) -> dict[str, Path | None]:
    """Revision → the snapshot of it that is here, for the revisions of the known models and for main."""
    revisions = dict.fromkeys([*(entry.get("revision", _MAIN) for _family, entry in known), _MAIN])
    return {revision: places.snapshot(folder, revision) for revision in revisions}


def stamp_of(download: Download) -> tuple[Any, ...]:
    return (download.commit, download.model, tuple(download.files.items()))


def models(
    repository: str, folder: Path, shown: Mapping[str, Path | None], cache: Path, downloads: Sequence[Download]
) -> list[Found]:
    """The models of a repository, each once."""
    known = entries.of_repository(repository)
    found: dict[str, Found] = {}
    for revision, path in shown.items():
        if path is None:
            continue
        listed = places.files_in(path, within=cache)
        ours = next((each for each in reversed(downloads) if each.commit == path.name), None)
        listed = {name: file for name, file in listed.items() if ours is None or ours.files.get(name, True)}
        mine = [(family, entry) for family, entry in known if entry.get("revision", _MAIN) == revision]
        for each in (*_known(mine, path, listed, ours), *_others(repository, mine, path, listed, ours)):
            found.setdefault(each.info.id, each)
    for each in (
        *_unfinished(repository, folder, known, downloads, found),
        *_damaged(repository, folder, shown, found),
    ):
        found.setdefault(each.info.id, each)
    return list(found.values())


def _known(
    known: Sequence[tuple[str, Entry]], path: Path, listed: Mapping[str, Path], ours: Download | None
) -> Iterator[Found]:
    for family_id, entry in known:
        if ours and not all(done for name, done in ours.files.items() if _belongs(ours, entry, name)):
            continue
        found = recognising.whole(entry["id"], path, listed, "hub", path.name, entry)
        if found and found.info.family == family_id:
            yield found
        elif ours and (mine := {name: listed[name] for name in listed if _belongs(ours, entry, name)}):
            here = all(name in mine for name in ours.files if _belongs(ours, entry, name))
            fields: dict[str, Any] = {"repository": ours.repository, "revision": path.name}
            if here and (problem := recognising.useless(entry["id"], mine, "hub", entry, **fields)):
                yield problem


def _others(
    repository: str,
    known: Sequence[tuple[str, Entry]],
    path: Path,
    listed: Mapping[str, Path],
    ours: Download | None,
) -> Iterator[Found]:
    """What is here and belongs to no known model: other GGUF files, or the repository as a whole."""
    free = {
        name: file
        for name, file in listed.items()
        if not any(entry.get("files") and entries.matches(entry, name) for _family, entry in known)
    }
    if any(name.endswith(".gguf") for name in listed):
        found = recognising.models_in(repository, path, _only_gguf(free), "hub", path.name)
        yield from found
        ids = {each.info.id for each in found}
        # Of what other programs keep here only what can be used is shown.
        for first, group in recognising.gguf_groups(free):
            if ours and first in ours.files and (model_id := f"{repository}/{first}") not in ids:
                fields: dict[str, Any] = {"repository": repository, "revision": path.name}
                if problem := recognising.useless(model_id, group, "hub", **fields):
                    yield problem
        return
    if ours and not all(ours.files.values()):
        return
    taken = [entry for _family, entry in known if entry["id"] == repository]
    found = [] if taken else recognising.models_in(repository, path, free, "hub", path.name)
    yield from found
    if not found:
        entry = taken[0] if taken else None
        if problem := recognising.unusable(repository, listed, "hub", entry):
            yield problem


def _unfinished(
    repository: str,
    folder: Path,
    known: Sequence[tuple[str, Entry]],
    downloads: Sequence[Download],
    found: Mapping[str, Found],
) -> Iterator[Found]:
    blobs = places.blobs(folder)
    here = {name.partition(".")[0] for name in blobs}
    aside = {name.removesuffix(".damaged") for name in blobs if name.endswith(".damaged")}
    begun = {name.partition(".")[0] for name in blobs if name.endswith(".incomplete")}
    for download in reversed(downloads):
        if all(download.files.values()) and not places.unfinished(folder):
            continue
        mine = [(family, entry) for family, entry in known if entry["id"] == download.model]
        family_id, entry = mine[0] if mine else (_family_of(folder, download), {})
        if family_id is None or (download.model in found and found[download.model].files):
            continue
        names = [name for name in download.files if not entry or _belongs(download, entry, name)]
        missing = tuple(name for name in names if not download.files[name])
        if not missing or not any(download.files[name] or download.blobs[name] in here for name in names):
            continue  # it is whole, or nothing of it has arrived
        lost = {download.blobs[name] for name in missing} & aside
        state = ModelState.DAMAGED if lost and not lost & begun else ModelState.PARTIAL
        size = sum(download.sizes[name] for name in names)
        yield Found(
            entries.info_of(
                None,
                family_id,
                entry or entries.about(family_id, repository),
                download.model,
                state=state,
                origin="hub",
                size=size,
                repository=repository,
                missing=missing,
            )
        )
    if places.unfinished(folder) and not downloads:
        for family_id, entry in known:
            if entry["id"] not in found and "files" not in entry:
                yield Found(
                    entries.info_of(
                        None,
                        family_id,
                        entry,
                        entry["id"],
                        state=ModelState.PARTIAL,
                        origin="hub",
                        size=entry.get("size", 0),
                    )
                )


def _damaged(
    repository: str, folder: Path, shown: Mapping[str, Path | None], found: Mapping[str, Found]
) -> Iterator[Found]:
    """A model of which only a file is left out that turned out to be damaged, in a cache that others filled."""
    if found or not any(name.endswith(".damaged") for name in places.unfinished(folder)):
        return
    for path in shown.values():
        config = recognising.config_of(places.files_in(path, within=folder)) if path else None
        family_id = families.recognise(config) if config else None
        if path and family_id:
            about = entries.about(family_id, repository)
            fields = {"origin": "hub", "repository": repository, "revision": path.name}
            yield Found(entries.info_of(None, family_id, about, repository, state=ModelState.DAMAGED, **fields))


def _belongs(download: Download, entry: Entry, name: str) -> bool:
    """Whether a file of a download was asked for this model's sake."""
    return entries.matches(entry, name) if entry.get("files") else download.model == entry["id"]


def _family_of(folder: Path, download: Download) -> str | None:
    """The family of a model that is on its way, as far as what has arrived says."""
    blob = download.blobs.get("model_index.json") or download.blobs.get("config.json")
    if blob and "/" not in blob:
        config = recognising.config_of({"config.json": folder / "blobs" / blob})
        return families.recognise(config) if config else None
    return "gguf" if repositories.gguf_files(download.files) else None


def _only_gguf(listed: Mapping[str, Path]) -> dict[str, Path]:
    return {name: file for name, file in listed.items() if name.endswith(".gguf")}
