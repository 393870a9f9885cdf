"""`python -m tests.cli.program …` is `atelier …` with the stub family in its real engine child."""

from __future__ import annotations

import sys

from studio import cli, families
from studio.cli import work
from studio.client.local import LocalEngine
from tests.fakes import stub_family

if __name__ == "__main__":
    families.register_module(stub_family.MODULE)
    work.engine_of = lambda _settings: LocalEngine("cpu", families=[stub_family.MODULE])
    sys.exit(cli.main(sys.argv[1:]))
