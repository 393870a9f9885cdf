"""Models that take a while to build, made once for all tests of trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.tiny_models import build_gguf, build_llama


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_gguf(tmp_path_factory.mktemp("gguf")).only(".gguf")


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformers repository. To be copied before it is changed."""
    return build_llama(tmp_path_factory.mktemp("llama") / "tiny").root
