"""Every message between a client and an engine, once. A frame is a JSON header and a binary payload.

Client to engine: `Run`, `Cancel`, `Attach`, `Query`, `Shutdown`. Engine to client: `Ready`, `Answer`, `Resident`,
`Beat` and the events of jobs (`JobEvent`), which carry the job's id and a sequence number that starts at 1 and has no
gaps except in what `Attach` asks for again. `Hung` and `Unhung` are made by the client itself, for its listeners.
The child that looks after models is spoken to in the same way: `Query` and `Shutdown` to it; `Ready`, `Answer`,
`ActivityChanged` and `ModelsChanged` from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from studio.core.jobs import Artifact, Failure, Request

PROTOCOL = 1
# Exit code of an engine that gave up between two jobs, because its device cannot be used any more.
GAVE_UP = 70


@dataclass(frozen=True)
class Handshake:
    """The one line of JSON on an engine's stdin: where to connect and the key in hex. `families` are the names of
    modules to know besides the built-in ones; `memory_limit` in bytes (0: none). The end of stdin ends the engine."""

    address: str
    authkey: str
    families: tuple[str, ...] = ()
    memory_limit: int = 0

    def dumps(self) -> bytes:
        return json.dumps(vars(self)).encode("ascii") + b"\n"

    @classmethod
    def loads(cls, line: bytes) -> Handshake:
        """Raises `ValueError` if `line` is no handshake."""
        data = json.loads(line)
        try:
            return cls(data["address"], data["authkey"], tuple(data["families"]), data["memory_limit"])
        except (KeyError, TypeError) as error:
            raise ValueError("not a handshake") from error


@dataclass(frozen=True)
class Message:
    """Base of all messages; `kind` names the class on the wire."""

    kind: ClassVar[str] = ""


@dataclass(frozen=True)
class Run(Message):
    """Do `request` as job `job`. `staging` is an existing empty folder for what is made; `blobs` maps the sha256 of
    each input to its path."""

    kind: ClassVar[str] = "run"
    job: str
    request: Request
    staging: str
    blobs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cancel(Message):
    kind: ClassVar[str] = "cancel"
    job: str


@dataclass(frozen=True)
class Attach(Message):
    """Send the events of `job` after `after_seq` again, then go on. Text comes joined, and of previews, progress and
    figures only the newest; each keeps the sequence number of its last part."""

    kind: ClassVar[str] = "attach"
    job: str
    after_seq: int = 0


@dataclass(frozen=True)
class Query(Message):
    """A question answered by one `Answer` with the same id. Names: "models" (list of ModelInfo JSON), "device"
    (DeviceStatus JSON), "tokens" (arguments: request JSON; answer {"prompt": int, "context": int}, or nulls while the
    model is not loaded), "load" (model), "unload" (model)."""

    kind: ClassVar[str] = "query"
    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shutdown(Message):
    kind: ClassVar[str] = "shutdown"


@dataclass(frozen=True)
class Ready(Message):
    """The engine listens. `device` is a DeviceStatus as JSON."""

    kind: ClassVar[str] = "ready"
    protocol: int
    pid: int
    device: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer(Message):
    kind: ClassVar[str] = "answer"
    id: str
    result: Any = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Resident(Message):
    """The set of loaded models or the memory changed. `device` is a DeviceStatus as JSON."""

    kind: ClassVar[str] = "resident"
    device: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Beat(Message):
    """A sign of life of the engine: `phase` of its worker thread ("idle" or one of `Phase`), `age` in s since that
    thread's last step."""

    kind: ClassVar[str] = "beat"
    phase: str = "idle"
    age: float = 0.0


@dataclass(frozen=True)
class Hung(Message):
    """The engine has given no sign of life in `job` for `seconds`, more than its `phase` should take. Nothing was
    stopped: the user is asked, and `EngineClient.cancel` or `restart` is the answer."""

    kind: ClassVar[str] = "hung"
    job: str
    phase: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Unhung(Message):
    """After `Hung`: `job` goes on, or has ended."""

    kind: ClassVar[str] = "unhung"
    job: str


@dataclass(frozen=True)
class ActivityChanged(Message):
    """A download or other work on models began, went on or ended. `activity` is an `Activity` as JSON."""

    kind: ClassVar[str] = "activity"
    activity: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelsChanged(Message):
    """What is installed is not what it was: ask for the list again."""

    kind: ClassVar[str] = "models"


@dataclass(frozen=True)
class JobEvent(Message):
    job: str
    seq: int


@dataclass(frozen=True)
class Started(JobEvent):
    kind: ClassVar[str] = "started"


@dataclass(frozen=True)
class Phase(JobEvent):
    """`name`: "load" (a model is being loaded), "run", "save"."""

    kind: ClassVar[str] = "phase"
    name: str = ""


@dataclass(frozen=True)
class Progress(JobEvent):
    """`step` of `steps` (0: unknown); `seconds_left` is negative while it cannot be told."""

    kind: ClassVar[str] = "progress"
    step: int = 0
    steps: int = 0
    seconds_left: float = -1.0


@dataclass(frozen=True)
class TextDelta(JobEvent):
    """Text written since the last one."""

    kind: ClassVar[str] = "text"
    text: str = ""


@dataclass(frozen=True)
class Usage(JobEvent):
    """Figures: prompt_tokens, written_tokens, context_tokens (the limit), tokens_per_second …"""

    kind: ClassVar[str] = "usage"
    counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview(JobEvent):
    kind: ClassVar[str] = "preview"
    media_type: str = "image/png"
    payload: bytes = b""


@dataclass(frozen=True)
class AudioDelta(JobEvent):
    """Interleaved float32 little-endian samples."""

    kind: ClassVar[str] = "audio"
    sample_rate: int = 0
    channels: int = 1
    payload: bytes = b""


@dataclass(frozen=True)
class Segment(JobEvent):
    """Part `index` (from 0) is finished and lies at `start` to `end`, in s, of the sound so far, which was sent just
    before. `text` is what it says."""

    kind: ClassVar[str] = "segment"
    index: int = 0
    start: float = 0.0
    end: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class Done(JobEvent):
    """The job's artefacts lie in its staging folder with a manifest; `metrics` in s: load, run, total."""

    kind: ClassVar[str] = "done"
    artifacts: tuple[Artifact, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed(JobEvent):
    """`failure` says why; artefacts that were finished before it are kept."""

    kind: ClassVar[str] = "failed"
    failure: Failure = field(default_factory=lambda: Failure("internal"))
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True)
class CancelledJob(JobEvent):
    """The user stopped the job; artefacts that were finished before it are kept."""

    kind: ClassVar[str] = "cancelled"
    artifacts: tuple[Artifact, ...] = ()


ENDINGS = (Done, Failed, CancelledJob)

_CLASSES: dict[str, type[Message]] = {
    cls.kind: cls
    for cls in (
        *(Run, Cancel, Attach, Query, Shutdown, Ready, Answer, Resident, Beat, Hung, Unhung),
        *(ActivityChanged, ModelsChanged),
        *(Started, Phase, Progress, TextDelta, Usage, Preview, AudioDelta, Segment, Done, Failed, CancelledJob),
    )
}


def pack(message: Message) -> bytes:
    """One frame: 4 bytes with the header's length (big-endian), the JSON header, the payload."""
    header: dict[str, Any] = {"kind": message.kind}
    payload = b""
    for item in fields(message):
        value = getattr(message, item.name)
        if item.name == "payload":
            payload = value
        elif isinstance(value, Request):
            header[item.name] = value.to_json()
        elif isinstance(value, Failure):
            header[item.name] = vars(value)
        elif item.name == "artifacts":
            header[item.name] = [artifact.to_json() for artifact in value]
        else:
            header[item.name] = value
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(4, "big") + encoded + payload


def unpack(frame: bytes) -> Message:
    """The message of a frame; `ValueError` for a frame that is none (a wrong peer, a newer protocol)."""
    length = int.from_bytes(frame[:4], "big")
    if len(frame) < 4 + length:
        raise ValueError("frame is cut off")
    header = json.loads(frame[4 : 4 + length].decode("utf-8", "surrogatepass"))
    cls = _CLASSES.get(header.pop("kind", "")) if isinstance(header, dict) else None
    if cls is None:
        raise ValueError("frame of an unknown kind")
    names = {item.name for item in fields(cls)}
    values = {name: value for name, value in header.items() if name in names}
    if "payload" in names:
        values["payload"] = bytes(frame[4 + length :])
    if "request" in values:
        values["request"] = Request.from_json(values["request"])
    if values.get("failure") is not None:
        values["failure"] = Failure(**values["failure"])
    if "artifacts" in values:
        values["artifacts"] = tuple(Artifact.from_json(item) for item in values["artifacts"])
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"frame lacks a field: {error}") from error
