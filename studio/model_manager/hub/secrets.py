"""The user's tokens, one for each hub, in the system's keyring.

Where there is no keyring that keeps anything (a bare server, a locked-down desktop) a token holds until the program
ends, and `state` says so. It is never written to a file of ours.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from studio.core.errors import InvalidInput
from studio.model_manager.hub.endpoint import OFFICIAL, host_of

_log = logging.getLogger(__name__)
_SERVICE = "Atelier model hub"
_LONGEST = 1000


@dataclass(frozen=True)
class TokenState:
    """`kept` is "keyring", "session" (until the program ends), "environment" or "" (there is none)."""

    host: str
    kept: str = ""

    @property
    def known(self) -> bool:
        return bool(self.kept)


class Secrets:
    """Tokens by host (`Endpoint.host`). The keyring is asked once for each host, when its token is first needed; its
    system may show the user a window then, so that call can take long. `HF_TOKEN` counts for the official hub only,
    and where the user gave no other."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environment = environ.get("HF_TOKEN", "").strip()
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, str]] = {}

    def token(self, host: str) -> str | None:
        return self._find(host)[0] or None

    def state(self, host: str) -> TokenState:
        return TokenState(host, self._find(host)[1])

    @staticmethod
    def is_token(text: str) -> bool:
        """Whether `text` has the form of a token."""
        return bool(text) and len(text) <= _LONGEST and all("!" <= character <= "~" for character in text)

    def set_token(self, host: str, token: str) -> str:
        """Keep `token` for `host`; returns where ("keyring" or "session"). Raises `InvalidInput("hub-token-form")`."""
        token = token.strip()
        if not self.is_token(token):
            raise InvalidInput("hub-token-form", {"parameter": "token"})
        with self._lock:
            kept = "keyring" if _write(host, token) else "session"
            self._known[host] = (token, kept)
            return kept

    def forget(self, host: str) -> None:
        with self._lock:
            _erase(host)
            self._known[host] = ("", "")

    def _find(self, host: str) -> tuple[str, str]:
        with self._lock:
            if host not in self._known:
                kept = _read(host)
                self._known[host] = (kept, "keyring" if kept else "")
            found = self._known[host]
        if not found[0] and self._environment and host == host_of(OFFICIAL):
            return self._environment, "environment"
        return found


# Backends fail with whatever their system's libraries raise; a token that cannot be kept is never an error.


def _read(host: str) -> str:
    try:
        import keyring

        return keyring.get_password(_SERVICE, host) or ""
    except Exception as error:
        _log.info("the keyring cannot be read: %s", type(error).__name__)
        return ""


def _write(host: str, token: str) -> bool:
    """Whether it can be read back: some backends take everything and keep nothing."""
    try:
        import keyring

        keyring.set_password(_SERVICE, host, token)
        return keyring.get_password(_SERVICE, host) == token
    except Exception as error:
        _log.info("the keyring cannot be written: %s", type(error).__name__)
        return False


def _erase(host: str) -> None:
    try:
        import keyring

        keyring.delete_password(_SERVICE, host)
    except Exception as error:
        _log.info("nothing was taken out of the keyring: %s", type(error).__name__)
