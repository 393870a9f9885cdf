"""What the hub's refusals mean, in errors that have words, and how long it asks to wait."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from studio.core.errors import AtelierError

_LIMITS = re.compile(r"\br=(\d+);\s*t=(\d+)")
_PASSING = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}


@dataclass(eq=False)
class Trouble(Exception):
    """Something that may pass by itself: worth another try, after `after` s if the hub named a time. `error` is what
    to tell when it does not pass."""

    error: AtelierError
    after: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(self.error.code)


@dataclass(frozen=True)
class Asked:
    """What a request was about, for the words of a refusal: the hub's host, the model and its page on the hub."""

    host: str
    model: str = ""
    page: str = ""


def refuse(status: int, headers: Mapping[str, str], asked: Asked, *, elsewhere: bool = False) -> None:
    """Raise what an answer of `status` ≥ 400 means: `Trouble` or an `AtelierError`. Header names are in lower case.
    `elsewhere`: it came from where the hub sent us; such addresses expire, and the hub gives out a new one."""
    code, said = headers.get("x-error-code", ""), headers.get("x-error-message", "")
    details = f"{status} {code} {said}".strip()
    if status == 407:
        raise AtelierError("hub-proxy", {"proxy": headers.get("proxy-shown", "")}, details)
    if status in _PASSING:
        after = retry_after(headers)
        if status in (429, 503):
            raise Trouble(AtelierError("hub-busy", {"host": asked.host}, details), after)
        raise Trouble(AtelierError("hub-out-of-order", {"host": asked.host, "status": status}, details), after)
    if elsewhere:
        raise Trouble(AtelierError("hub-out-of-order", {"host": asked.host, "status": status}, details))
    model = {"model": asked.model}
    if code == "GatedRepo":
        raise AtelierError("hub-gated", {**model, "url": asked.page}, details)
    if status == 401 and (not asked.model or said.startswith("Invalid credentials")):
        raise AtelierError("hub-token", {"host": asked.host}, details)
    if status == 401:
        raise AtelierError("hub-private", model, details)
    if status in (404, 410):
        raise AtelierError("hub-missing", model, details)
    if status in (403, 451):
        raise AtelierError("hub-forbidden", model, details)
    raise AtelierError("hub-strange", {"host": asked.host}, details)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds until the hub wants to be asked again (0: it does not say), from Retry-After (seconds or a date) or the
    hub's own RateLimit header."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    if value:
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (ValueError, OverflowError):
            return 0.0
    limits = _LIMITS.search(headers.get("ratelimit", ""))
    return float(limits[2][:9]) if limits and limits[1] == "0" else 0.0
