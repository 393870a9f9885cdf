"""Entry point: `--engine` starts an engine, a sub-command the command line, anything else the window."""

from __future__ import annotations

import multiprocessing
import sys


def main() -> int:
    multiprocessing.freeze_support()
    arguments = sys.argv[1:]
    if arguments[:1] == ["--engine"]:
        from studio.engine.main import main as engine_main

        return engine_main(arguments[1:])
    from studio import cli

    if cli.wants(arguments):
        return cli.main(arguments)
    from studio.ui.app import main as ui_main

    return ui_main(arguments)


if __name__ == "__main__":
    sys.exit(main())
