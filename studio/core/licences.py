"""What licences of models allow, in plain words. Nothing here is legal advice: the text itself is one click away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from studio.core.i18n import N_, _

UNKNOWN = ("", "other", "unknown", "unlicensed")


@dataclass(frozen=True)
class Licence:
    """`id` as models name it; `title` for people; None is "not known". `conditions` (marked with `N_`) is one sentence
    for what the flags do not say; `url` leads to the text."""

    id: str
    title: str
    commercial: bool | None = None
    attribution: bool | None = None
    conditions: str = ""
    url: str = ""


_SHARE_ALIKE = N_("What you make from the model itself must carry the same licence.")
_USES = N_("Some harmful uses are forbidden; the licence lists them.")
_HUB = "https://huggingface.co/"
_CREATIVE = "https://creativecommons.org/licenses/"

_ALL = (
    Licence("Apache-2.0", "Apache 2.0", True, True, url="https://www.apache.org/licenses/LICENSE-2.0"),
    Licence("MIT", "MIT", True, True, url="https://opensource.org/license/mit"),
    Licence("BSD-3-Clause", "BSD 3-Clause", True, True, url="https://opensource.org/license/bsd-3-clause"),
    Licence("BSD-2-Clause", "BSD 2-Clause", True, True, url="https://opensource.org/license/bsd-2-clause"),
    Licence("ISC", "ISC", True, True, url="https://opensource.org/license/isc-license-txt"),
    Licence("CC0-1.0", "CC0 1.0", True, False, url="https://creativecommons.org/publicdomain/zero/1.0/"),
    Licence("Unlicense", "The Unlicense", True, False, url="https://unlicense.org/"),
    Licence("CC-BY-4.0", "CC BY 4.0", True, True, url=f"{_CREATIVE}by/4.0/"),
    Licence("CC-BY-SA-4.0", "CC BY-SA 4.0", True, True, _SHARE_ALIKE, f"{_CREATIVE}by-sa/4.0/"),
    Licence("CC-BY-NC-4.0", "CC BY-NC 4.0", False, True, url=f"{_CREATIVE}by-nc/4.0/"),
    Licence("CC-BY-NC-SA-4.0", "CC BY-NC-SA 4.0", False, True, _SHARE_ALIKE, f"{_CREATIVE}by-nc-sa/4.0/"),
    Licence(
        "CC-BY-NC-ND-4.0",
        "CC BY-NC-ND 4.0",
        False,
        True,
        N_("Changed versions of the model must not be passed on."),
        f"{_CREATIVE}by-nc-nd/4.0/",
    ),
    Licence("OpenRAIL", "OpenRAIL", True, None, _USES, f"{_HUB}blog/open_rail"),
    Licence(
        "CreativeML-OpenRAIL-M",
        "CreativeML OpenRAIL-M",
        True,
        True,
        _USES,
        f"{_HUB}spaces/CompVis/stable-diffusion-license",
    ),
    Licence(
        "OpenRAIL++",
        "CreativeML OpenRAIL++-M",
        True,
        True,
        _USES,
        f"{_HUB}stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
    ),
    Licence(
        "llama3.2",
        "Llama 3.2 Community License",
        True,
        True,
        N_("What you publish with it must say “Built with Llama”; very large companies need an agreement with Meta."),
        f"{_HUB}meta-llama/Llama-3.2-1B/blob/main/LICENSE.txt",
    ),
    Licence(
        "gemma",
        "Gemma Terms of Use",
        True,
        True,
        N_("Google's list of prohibited uses applies, and is passed on with the model."),
        "https://ai.google.dev/gemma/terms",
    ),
    Licence(
        "stabilityai-ai-community",
        "Stability AI Community License",
        True,
        True,
        N_("Companies with a yearly revenue above one million US dollars need another agreement."),
        "https://stability.ai/community-license-agreement",
    ),
    Licence(
        "sai-nc-community",
        "Stability AI Non-Commercial Research Community License",
        False,
        True,
        url=f"{_HUB}stabilityai/sdxl-turbo/blob/main/LICENSE.md",
    ),
    Licence(
        "NSCL v2-custom",
        "NVIDIA License of Sana",
        False,
        True,
        url=f"{_HUB}Efficient-Large-Model/SANA1.5_1.6B_1024px_diffusers/blob/main/LICENSE.txt",
    ),
    Licence(
        "flux-1-dev-non-commercial-license",
        "FLUX.1 [dev] Non-Commercial License",
        False,
        True,
        N_("The model is for non-commercial use; what the pictures may be used for is in the licence."),
        f"{_HUB}black-forest-labs/FLUX.1-dev/blob/main/LICENSE.md",
    ),
)
_KNOWN = {licence.id.casefold(): licence for licence in _ALL}
_OTHER_NAMES = {
    "bsd": "bsd-3-clause",
    "creativeml-openrail++-m": "openrail++",
    "openrail++-m": "openrail++",
    "stabilityai-community": "stabilityai-ai-community",
    "flux-1-dev": "flux-1-dev-non-commercial-license",
    "cc-by-nc": "cc-by-nc-4.0",
}


def terms(license_id: str) -> Licence:
    """The terms of `license_id`, an SPDX id or a tag of the hub in any spelling. One that is not known allows nothing
    that it does not say. Of several ("Apache-2.0 AND MIT") the strictest counts."""
    parts = [part.strip(" ()") for part in license_id.replace(" and ", " AND ").split(" AND ")]
    if len(parts) > 1:
        return _together(license_id, [_one(part) for part in parts])
    return _one(license_id)


def in_words(license_id: str, *, gated: bool = False) -> list[str]:
    """What a card says, each a few words, what matters most first; translated."""
    licence = terms(license_id)
    words = [_("Must be accepted first")] if gated else []
    if licence.commercial is None:
        words.append(_("Commercial use not known"))
    else:
        words.append(_("Commercial use allowed") if licence.commercial else _("Not for commercial use"))
    if licence.attribution:
        words.append(_("Name the makers"))
    return words


def _one(license_id: str) -> Licence:
    folded = license_id.strip().casefold()
    if folded in UNKNOWN:
        return Licence(license_id, N_("Licence not known"))
    found = _KNOWN.get(_OTHER_NAMES.get(folded, folded))
    return found or Licence(license_id, license_id)


def _together(license_id: str, parts: Iterable[Licence]) -> Licence:
    parts = list(parts)
    return Licence(
        license_id,
        " + ".join(part.title for part in parts),
        _strictest([part.commercial for part in parts], strict=False),
        _strictest([part.attribution for part in parts], strict=True),
        next((part.conditions for part in parts if part.conditions), ""),
        next((part.url for part in parts if part.url), ""),
    )


def _strictest(values: list[bool | None], strict: bool) -> bool | None:
    if strict in values:
        return strict
    return None if None in values else not strict
