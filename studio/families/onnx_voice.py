"""Running a voice's ONNX network: threads as the device gives them, no spinning, stopped in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.core.protocols import Device

_LOOK = 0.05  # s between two looks at the cancel flag


class Network:
    """An onnxruntime session on the CPU: the same input gives the same bytes with the same number of threads, however
    many run it at once. One that takes a moment only need not be `watched` while it runs."""

    def __init__(self, path: Path, device: Device, watched: bool = True) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, device.threads)
        options.inter_op_num_threads = 1
        # Threads that wait by spinning take the processor from every other program.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # No two sentences have the same shapes: a block of memory planned for one fits no other and stays.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._watched = watched
        self.inputs = [item.name for item in self._session.get_inputs()]

    def run(self, feeds: Mapping[str, Any], check: Callable[[], None]) -> list[Any]:
        """The outputs. `check` is called all the while; what it raises ends the run within a moment."""
        import onnxruntime

        check()
        if not self._watched:
            return list(self._session.run(None, dict(feeds)))
        options = onnxruntime.RunOptions()
        done = threading.Event()
        raised: list[BaseException] = []

        def watch() -> None:
            while not done.wait(_LOOK):
                try:
                    check()
                except BaseException as error:
                    raised.append(error)
                    options.terminate = True
                    return

        watcher = threading.Thread(target=watch, name="cancel-watch", daemon=True)
        watcher.start()
        try:
            return list(self._session.run(None, dict(feeds), options))
        except Exception:
            if raised:
                raise raised[0] from None
            raise
        finally:
            done.set()
            watcher.join()
