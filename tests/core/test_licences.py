"""Licences in plain words: what is not known allows nothing."""

from __future__ import annotations

import pytest

from studio.core.licences import in_words, terms


@pytest.mark.parametrize(
    ("license_id", "commercial", "attribution"),
    [
        ("Apache-2.0", True, True),
        ("apache-2.0", True, True),
        ("mit", True, True),
        ("bsd", True, True),
        ("cc0-1.0", True, False),
        ("cc-by-nc-4.0", False, True),
        ("CC-BY-NC-SA-4.0", False, True),
        ("creativeml-openrail-m", True, True),
        ("openrail++", True, True),
        ("llama3.2", True, True),
        ("gemma", True, True),
        ("stabilityai-ai-community", True, True),
        ("flux-1-dev-non-commercial-license", False, True),
        ("sai-nc-community", False, True),
        ("NSCL v2-custom AND gemma", False, True),
        ("Apache-2.0 AND MIT", True, True),
        ("mit AND cc-by-nc-4.0", False, True),
        ("MIT AND something-else", None, True),
        ("CC0-1.0 AND Unlicense", True, False),
        ("other", None, None),
        ("", None, None),
        ("my-own-licence", None, None),
    ],
)
def test_terms(license_id: str, commercial: bool | None, attribution: bool | None) -> None:
    licence = terms(license_id)
    assert (licence.commercial, licence.attribution) == (commercial, attribution)
    assert licence.title


def test_an_unknown_licence_keeps_its_name() -> None:
    assert terms("my-own-licence").title == "my-own-licence"
    assert terms("other").title == "Licence not known"


def test_what_a_card_says() -> None:
    assert in_words("mit") == ["Commercial use allowed", "Name the makers"]
    assert in_words("gemma", gated=True) == ["Must be accepted first", "Commercial use allowed", "Name the makers"]
    assert in_words("cc-by-nc-4.0") == ["Not for commercial use", "Name the makers"]
    assert in_words("") == ["Commercial use not known"]
    assert in_words("cc0-1.0") == ["Commercial use allowed"]
