"""The walker finds families, and finding them is light."""

from __future__ import annotations

import subprocess
import sys

import pytest

from studio import families
from studio.core.errors import InvalidInput

HEAVY = ("accelerate", "diffusers", "gguf", "numpy", "safetensors", "tokenizers", "torch", "transformers", "xllamacpp")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_in_a_medium_folder_is_a_family() -> None:
    names = families.module_names()
    assert {"studio.families.text.causal_lm", "studio.families.text.gguf"} <= set(names)
    for name, family in families.all().items():
        assert family.SPEC.id == name
        assert families.get(name) is family


def test_an_unknown_family_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InvalidInput) as refused:
        families.get("oracle")
    assert refused.value.code == "family-unknown"
    assert "gguf" in str(refused.value)


def test_finding_and_asking_families_imports_nothing_heavy() -> None:
    code = f"""
import sys
from studio import families
families.recognise({{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}})
families.recognise({{"general.architecture": "llama"}})
print([name for name in {HEAVY} if name in sys.modules])
"""
    assert run(code) == "[]"


def test_a_registered_module_is_walked_too() -> None:
    code = """
import sys, types
from studio import families
stub = types.ModuleType("stub")
gguf = families.get("gguf")
for name in ("recognises", "load", "run", "upgrade", "estimate"):
    setattr(stub, name, getattr(gguf, name))
stub.SPEC = type(gguf.SPEC)(**{**vars(gguf.SPEC), "id": "stub"})
sys.modules["stub"] = stub
families.register_module("stub")
families.register_module("stub")
print(families.module_names().count("stub"), families.module_names()[-1], families.get("stub").SPEC.id)
"""
    assert run(code) == "1 stub stub"


def test_a_module_that_is_no_family_is_a_fault() -> None:
    code = """
from studio import families
families.register_module("colorsys")
try:
    families.all()
except TypeError as error:
    print(error)
"""
    assert run(code) == "colorsys is no family: it lacks SPEC, recognises, load, run, upgrade, estimate"
