"""The limits of the child that reads untrusted files: memory, processor time, what it may write and start."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from typing import Any

MEMORY = 512 << 20  # of its own, in bytes: real headers take a tenth of it
ADDRESSES = 2 << 30  # on top of what it may map of the file it reads

_FORBIDDEN = (
    *("subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "os.system"),
    *("socket.", "pickle.find_class", "os.remove", "os.rename", "os.rmdir", "os.chmod", "shutil.", "winreg."),
)


def forbid() -> None:
    """From now on this process starts no program, opens no connection, unpickles and removes nothing."""

    def check(event: str, _arguments: Any) -> None:
        if event.startswith(_FORBIDDEN):
            raise PermissionError(event)

    sys.addaudithook(check)


if sys.platform == "win32":

    def die_with_parent() -> None:
        """The job object that `tie` made sees to it."""

    def allow(seconds: int, size: int, writes: int) -> None:
        """Memory is limited by the job object, time by the clock of the parent."""

    def tie(process: subprocess.Popen[bytes]) -> Any:
        """A job object that limits the child's memory and kills it when its last handle, ours, is closed. Keep what
        is returned as long as the child may live."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = ctypes.c_void_p
        job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
        # JOBOBJECT_EXTENDED_LIMIT_INFORMATION: LimitFlags lies after two 8-byte times, ProcessMemoryLimit before the
        # last three sizes.
        word = ctypes.sizeof(ctypes.c_void_p)
        limits = ctypes.create_string_buffer(144 if word == 8 else 112)
        process_memory, kill_on_close, extended_information, flags_offset = 0x100, 0x2000, 9, 16
        ctypes.c_uint32.from_buffer(limits, flags_offset).value = process_memory | kill_on_close
        ctypes.c_size_t.from_buffer(limits, len(limits) - 4 * word).value = MEMORY
        kernel.SetInformationJobObject(job, extended_information, limits, len(limits))
        kernel.AssignProcessToJobObject(job, ctypes.c_void_p(int(process._handle)))  # type: ignore[attr-defined]
        return job

    def release(job: Any) -> None:
        ctypes.WinDLL("kernel32").CloseHandle(job)
else:
    import resource

    def die_with_parent() -> None:
        """On Linux at once; elsewhere the limit of time ends a child that nobody listens to."""
        if sys.platform == "linux":
            set_parent_death_signal = 1
            ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)

    def allow(seconds: int, size: int, writes: int) -> None:
        """Allow this process `seconds` more of the processor, a map of `size` bytes of a file, and files that are no
        larger than `writes` bytes."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + seconds)
        _limit(resource.RLIMIT_AS, ADDRESSES + size)
        _limit(resource.RLIMIT_DATA, MEMORY)
        _limit(resource.RLIMIT_FSIZE, writes)
        _limit(resource.RLIMIT_CORE, 0)

    def _limit(kind: int, value: int) -> None:
        hard = resource.getrlimit(kind)[1]
        # A system that does not know a limit (macOS knows no RLIMIT_AS) leaves the clock of the parent.
        try:
            resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
        except (ValueError, OSError):
            return

    def tie(process: subprocess.Popen[bytes]) -> Any:
        """Nothing to do: the child limits itself, and dies with the thread that started it."""

    def release(job: Any) -> None:
        """Nothing to do."""
