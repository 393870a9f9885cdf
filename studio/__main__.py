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
    if arguments[:1] == ["--models"]:
        from studio.model_manager.service.main import main as models_main

        return models_main(arguments[1:])
    if arguments[:1] == ["--inspect"]:
        from studio.model_manager.trust.child import main as inspect_main

        return inspect_main()
    if arguments == ["--train"]:
        from studio.training.main import main as train_main

        return train_main()
    from studio import cli

    if cli.wants(arguments):
        return cli.main(arguments)
    from studio.ui.app import main as ui_main

    return ui_main(arguments)


if __name__ == "__main__":
    sys.exit(main())
