"""Which models stay loaded. The least recently used leaves when memory is short."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from studio.core.errors import AtelierError, Cancelled
from studio.core.models import DeviceStatus, LoadedModel
from studio.core.protocols import FamilyModule, ModelFiles
from studio.engine.devices import HEADROOM, Meter, is_out_of_memory

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Resident:
    shown: LoadedModel
    family: FamilyModule
    model: Any
    revision: str


class Residency:
    """Models are loaded and dropped on the worker's thread only; `peek` and `status` may be called from any.
    `changed` is called after every change of the set; `using` is told the ids of what is loaded or about to be, so that
    nobody removes their files."""

    def __init__(
        self, meter: Meter, changed: Callable[[], None], using: Callable[[Collection[str]], None] = lambda ids: None
    ) -> None:
        self.meter = meter
        self._changed = changed
        self._using = using
        self._lock = threading.Lock()
        self._models: OrderedDict[str, _Resident] = OrderedDict()

    def holds(self, files: ModelFiles) -> bool:
        resident = self._models.get(files.id)
        return resident is not None and resident.revision == files.revision

    def get(self, family: FamilyModule, files: ModelFiles) -> Any:
        """The loaded model. Raises `AtelierError`: "out-of-memory" when it cannot fit even alone, "model-not-readable",
        "model-files-missing"; and whatever a library raises when memory runs out on the way."""
        if not self.holds(files):
            self.drop(files.id)
            self._using({*self.loaded(), files.id})
            try:
                self._load(family, files)
            except Exception as error:
                self._using(self.loaded())
                if gone := _gone(files, error):
                    raise gone from error
                raise
        with self._lock:
            self._models.move_to_end(files.id)
            return self._models[files.id].model

    def peek(self, model_id: str) -> tuple[FamilyModule, Any] | None:
        """A model if it is loaded, without counting as a use."""
        with self._lock:
            resident = self._models.get(model_id)
        return (resident.family, resident.model) if resident else None

    def loaded(self) -> set[str]:
        with self._lock:
            return set(self._models)

    def drop(self, model_id: str) -> None:
        with self._lock:
            known = self._models.pop(model_id, None) is not None
        if known:
            self.meter.release()
            self._using(self.loaded())
            self._changed()

    def drop_all(self, keep: str = "") -> None:
        """Drop every model but `keep`."""
        for model_id in self.loaded() - {keep}:
            self.drop(model_id)
        self.meter.release()

    def status(self) -> DeviceStatus:
        total, free = self.meter.memory()
        with self._lock:
            loaded = tuple(resident.shown for resident in self._models.values())
        device = self.meter.device
        return DeviceStatus(device.id, device.kind, self.meter.name(), total, max(0, total - free), loaded)

    def _load(self, family: FamilyModule, files: ModelFiles) -> None:
        # A family may fit itself to the memory: it is told what there is when everything else has left.
        device = replace(self.meter.device, memory=max(0, self._free() + self._held() - HEADROOM))
        needed = family.estimate(files, device)
        self._make_room(needed)
        before = self.meter.held()
        try:
            model = family.load(files, device)
        except (AtelierError, Cancelled):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            arguments = {"model": files.title or files.id}
            code = "part-missing" if isinstance(error, ImportError) else "model-not-readable"
            raise AtelierError(code, arguments, traceback.format_exc()) from error
        memory = self.meter.held() - before
        shown = LoadedModel(files.id, files.title or files.id, family.SPEC.medium, memory if memory > 0 else needed)
        with self._lock:
            self._models[files.id] = _Resident(shown, family, model, files.revision)
        self._changed()

    def _make_room(self, needed: int) -> None:
        while (oldest := next(iter(self._models), "")) and needed + HEADROOM > self._free():
            _log.info("%s leaves to make room", oldest)
            self.drop(oldest)
        if needed > (free := self._free()):
            details = f"needs {needed} bytes, {free} are free"
            raise AtelierError("out-of-memory", {"device": self.meter.name()}, details)

    def _free(self) -> int:
        free = self.meter.memory()[1]
        if self.meter.limit:
            free = min(free, self.meter.limit - self._held())
        return free

    def _held(self) -> int:
        return sum(resident.shown.memory for resident in self._models.values())


def _gone(files: ModelFiles, error: Exception) -> AtelierError | None:
    """What to say instead of `error` when files of the model were removed meanwhile."""
    if isinstance(error, Cancelled) or (isinstance(error, AtelierError) and error.code == "out-of-memory"):
        return None
    missing = sorted(name for name, path in files.paths.items() if not path.exists())
    if not missing:
        return None
    return AtelierError("model-files-missing", {"model": files.title or files.id, "files": missing[:3]}, repr(error))
