"""Where the hub is and how it is reached: its address or a mirror's, the proxy, and whether to reach for it at all."""

from __future__ import annotations

import ipaddress
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from studio.core.errors import InvalidInput
from studio.core.settings import Values

OFFICIAL = "https://huggingface.co"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy: its place, and the credentials that it wants."""

    host: str
    port: int
    user: str = ""
    password: str = ""

    @property
    def shown(self) -> str:
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class Endpoint:
    """`url` of the hub or a mirror, without a slash at its end; `proxy` with user and password, if it wants them
    (empty: the system's own); `offline`: nothing is asked."""

    url: str = OFFICIAL
    proxy: str = ""
    offline: bool = False

    @classmethod
    def of(cls, values: Values, environ: Mapping[str, str]) -> Endpoint:
        """From the settings and the environment: HF_ENDPOINT wins over the settings, either can switch off."""
        url = environ.get("HF_ENDPOINT", "").strip() or values.hub_endpoint.strip() or OFFICIAL
        off = environ.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "ON", "YES", "TRUE"}
        proxy = values.hub_proxy.strip()
        return cls(
            (url if "://" in url else f"https://{url}").rstrip("/"),
            proxy if "://" in proxy or not proxy else f"http://{proxy}",
            values.offline or off,
        )

    @property
    def host(self) -> str:
        """What tokens are kept by: the host, with its port where that is not the usual one."""
        try:
            return host_of(self.url) or self.url
        except ValueError:
            return self.url

    @property
    def official(self) -> bool:
        return self.host == host_of(OFFICIAL)

    def check(self) -> None:
        """Raises `InvalidInput` where the address of the hub ("hub-endpoint") or of the proxy ("hub-proxy") cannot be
        one; nothing is asked."""
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0 and not parts.query
        except ValueError:
            good = False
        if not good or "@" in self.url or not all("!" <= sign <= "~" for sign in self.url):
            raise InvalidInput("hub-endpoint", {"parameter": "hub_endpoint", "address": self.url, "example": OFFICIAL})
        if self.proxy:
            parse_proxy(self.proxy)

    def may_have_token(self, url: str) -> bool:
        """Whether the token of this hub may go to `url`: the very same origin, and nobody on the way can read it."""
        if origin_of(url) != origin_of(self.url):
            return False
        return urlsplit(url).scheme == "https" or is_loopback(urlsplit(url).hostname or "")

    def check_token(self) -> None:
        """Raises `InvalidInput("hub-token-unsafe")` where a token for this hub would never be sent."""
        if not self.may_have_token(self.url):
            raise InvalidInput("hub-token-unsafe", {"parameter": "token", "host": self.host})

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy on the way to `url`: that of the settings, or the one the system says."""
        if self.proxy:
            return parse_proxy(self.proxy)
        parts = urlsplit(url)
        host = parts.hostname or ""
        found = urllib.request.getproxies()
        address = found.get(parts.scheme) or found.get("all")
        if not address or is_loopback(host) or urllib.request.proxy_bypass(host):
            return None
        return parse_proxy(address if "://" in address else f"http://{address}")


def origin_of(url: str) -> tuple[str, str, int]:
    """(scheme, host, port). Raises ValueError for what is no address."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def host_of(url: str) -> str:
    scheme, host, port = origin_of(url)
    return host if port == _PORTS.get(scheme) else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_proxy(address: str) -> Proxy:
    """Raises `InvalidInput("hub-proxy")`, which never shows the password."""
    try:
        parts = urlsplit(address)
        if (
            parts.scheme != "http"
            or not parts.hostname
            or parts.port == 0
            or not (address.isascii() and address.isprintable())
        ):
            raise ValueError(address)
    except ValueError:
        raise InvalidInput("hub-proxy", {"parameter": "hub_proxy", "proxy": address.rpartition("@")[2]}) from None
    return Proxy(parts.hostname, parts.port or 80, unquote(parts.username or ""), unquote(parts.password or ""))
