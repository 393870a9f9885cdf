"""Words and addresses by which models are looked for, and sizes in words."""

from __future__ import annotations

import pytest

from studio.core.amounts import size_words
from studio.core.seeking import address, mentions


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://huggingface.co/tiny/sea-poems", "tiny/sea-poems"),
        (" https://huggingface.co/tiny/sea-poems/tree/main?x=1 ", "tiny/sea-poems"),
        ("https://mirror.example/tiny/sea/blob/main/q/sea-Q4_K_M.gguf", "tiny/sea/q/sea-Q4_K_M.gguf"),
        ("https://huggingface.co/tiny/sea/blob/main/README.md", "tiny/sea"),
        ("tiny/sea-poems", "tiny/sea-poems"),
        ("https://huggingface.co/datasets/tiny/sea", ""),
        ("https://huggingface.co/tiny", ""),
        ("https://huggingface.co/../..", ""),
        ("https://[", ""),
        ("sea poems", ""),
    ],
)
def test_a_copied_address_names_a_repository(text: str, name: str) -> None:
    assert address(text) == name


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("story", True),
        ("writes", True),
        ("writing", True),
        ("SEA story", True),
        ("sto", True),
        ("tiny/sea-poems", True),
        ("https://huggingface.co/tiny/sea-poems", True),
        ("https://huggingface.co/tiny/land-poems", False),
        ("history", False),
        ("zzqq", False),
        ("sea zzqq", False),
    ],
)
def test_words_are_found_in_other_forms(wanted: str, found: bool) -> None:
    assert mentions("tiny/sea-poems writer of short stories", wanted) is found


def test_sizes_are_told_in_the_unit_that_suits_them() -> None:
    assert [size_words(size) for size in (0, 404_000, 62_900_000, 1_900_000_000)] == [
        "0 bytes",
        "404 KB",
        "62.9 MB",
        "1.9 GB",
    ]
