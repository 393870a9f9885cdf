"""What licences of models allow, in plain words. Nothing here is legal advice: the text itself is one click away."""

from __future__ import annotations

from dataclasses import dataclass


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


_KNOWN = {
    licence.id: licence
    for licence in (
        Licence("Apache-2.0", "Apache 2.0", True, True, url="https://www.apache.org/licenses/LICENSE-2.0"),
        Licence("MIT", "MIT", True, True, url="https://opensource.org/license/mit"),
    )
}


def terms(license_id: str) -> Licence:
    """The terms of `license_id`, in any spelling; one that is not known allows nothing that it does not say."""
    folded = license_id.casefold()
    found = next((licence for name, licence in _KNOWN.items() if name.casefold() == folded), None)
    return found or Licence(license_id, license_id)
