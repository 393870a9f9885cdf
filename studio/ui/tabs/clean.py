"""Text from outside made fit for a document: Unix line ends, no control characters, no broken Unicode."""

from __future__ import annotations

import re

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffc]")


def clean_paste(text: str) -> tuple[str, int]:
    """`text` without what a document cannot hold, and how many characters that were."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n").replace("\u2028", "\n")
    return _UNWANTED.subn("", text)
