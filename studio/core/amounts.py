"""Sizes in words, the same wherever they are told."""

from __future__ import annotations

from studio.core.i18n import N_, _

UNITS = ((1_000_000_000, N_("{size} GB")), (1_000_000, N_("{size} MB")), (1_000, N_("{size} KB")))


def size_words(size: int) -> str:
    """ "4.2 GB", "92 MB": in thousands, as disks and the hub count."""
    for unit, words in UNITS:
        if size >= unit:
            amount = size / unit
            return _(words).format(size=f"{amount:.1f}".removesuffix(".0") if amount < 100 else f"{amount:.0f}")
    return _("{size} bytes").format(size=size)
