"""Running a voice's ONNX network: threads as the device gives them, no spinning, stopped in the middle on a cancel."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import Cancelled
from studio.core.protocols import Context, Device

_LOOK = 0.05  # s between two looks at the cancel flag


class Network:
    """An onnxruntime session on the CPU: the same input gives the same bytes with the same number of threads."""

    def __init__(self, path: Path, device: Device) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, device.threads)
        options.inter_op_num_threads = 1
        # Threads that wait by spinning take the processor from every other program.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = [item.name for item in self._session.get_inputs()]

    def run(self, feeds: Mapping[str, Any], ctx: Context) -> list[Any]:
        """The outputs. Raises `Cancelled` within a moment of the user's wish."""
        import onnxruntime

        ctx.check_cancel()
        options = onnxruntime.RunOptions()
        done = threading.Event()
        cancelled = threading.Event()

        def watch() -> None:
            while not done.wait(_LOOK):
                try:
                    ctx.check_cancel()
                except Cancelled:
                    cancelled.set()
                    options.terminate = True
                    return

        watcher = threading.Thread(target=watch, name="cancel-watch", daemon=True)
        watcher.start()
        try:
            return list(self._session.run(None, dict(feeds), options))
        except Exception:
            if cancelled.is_set():
                raise Cancelled from None
            raise
        finally:
            done.set()
            watcher.join()
