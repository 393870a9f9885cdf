"""Requests to the hub and to where it sends us: stoppable, with time-outs, through the proxy, and with the token only
where it belongs. Redirects are followed here, one by one."""

from __future__ import annotations

import contextlib
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import httpcore2

from studio.core.errors import AtelierError
from studio.model_manager.hub.answers import Asked, Trouble, refuse
from studio.model_manager.hub.aside import Aside
from studio.model_manager.hub.endpoint import Endpoint, Proxy, host_of, origin_of
from studio.model_manager.hub.sockets import Backend

_HOPS = 8
_KEYRING = 120.0  # s
_AGENT = "Atelier"
_PLAIN = "!#$%&'()*+,/:;=?@[]~"  # what an address may hold beside letters and digits

Origin = tuple[str, str, int]


@dataclass(frozen=True)
class Patience:
    """How long to wait, in s: for a `connection`, for the next byte (`stall`), before the second try (`first`, doubled
    with each, up to `longest`); `tries` without any progress; and the longest wait that a hub may ask for."""

    connection: float = 15.0
    stall: float = 30.0
    tries: int = 8
    first: float = 1.0
    longest: float = 60.0
    asked: float = 600.0


@dataclass(frozen=True)
class Hop:
    """One answer on the way: its address, status and headers (names in lower case)."""

    url: str
    status: int
    headers: Mapping[str, str]

    @property
    def origin(self) -> Origin:
        return origin_of(self.url)


@dataclass(frozen=True)
class Answer:
    """The last hop is the answer itself; `chunks` is its body as it arrives, with content encodings undone."""

    hops: tuple[Hop, ...]
    chunks: Iterator[bytes]

    @property
    def status(self) -> int:
        return self.hops[-1].status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.hops[-1].headers

    @property
    def encoded(self) -> bool:
        return self.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")


class Wire:
    """Everything that is asked of a hub goes through here. `token` gives the token for a host, or None."""

    def __init__(self, endpoint: Endpoint, token: Callable[[str], str | None], patience: Patience) -> None:
        self.endpoint, self.patience = endpoint, patience
        self._token = token

    @contextmanager
    def get(
        self,
        url: str,
        asked: Asked,
        stop: threading.Event,
        headers: Callable[[Origin], Mapping[str, str]] = lambda _origin: {},
    ) -> Iterator[Answer]:
        """The answer at the end of all redirects, with a status below 300 (or 416). Raises `Cancelled` within 0.5 s of
        `stop`, `Trouble` for what may pass (also while the body is read), `AtelierError` for what will not."""
        if self.endpoint.offline:
            raise AtelierError("hub-offline")
        self.endpoint.check()
        hops: list[Hop] = []
        while True:
            proxy = self.endpoint.proxy_for(url)
            with _told(host_of(url), proxy, self.patience), _pool(stop, proxy) as pool:
                request = self._request(url, headers(origin_of(url)), stop)
                response = pool.handle_request(request)
                try:
                    hops.append(Hop(url, response.status, _lower(response.headers)))
                    if not 300 <= response.status < 400:
                        yield self._accept(hops, response, asked, proxy)
                        return
                finally:
                    response.close()
            if len(hops) > _HOPS:
                raise AtelierError("hub-redirect", {"host": asked.host}, details=f"{len(hops)} redirects")
            url = next_url(url, hops[-1].headers.get("location", ""), asked)

    def _request(self, url: str, headers: Mapping[str, str], stop: threading.Event) -> httpcore2.Request:
        parts = urlsplit(url)
        told = {"Host": parts.netloc, "User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "gzip", **headers}
        if self.endpoint.may_have_token(url):
            # The keyring may first ask the user to unlock it; nobody answers for long: then it goes on without.
            with contextlib.suppress(TimeoutError):
                if token := Aside(lambda: self._token(self.endpoint.host)).get(stop, _KEYRING):
                    told["Authorization"] = f"Bearer {token}"
        limits = {"connect": self.patience.connection, "read": self.patience.stall, "write": self.patience.stall}
        return httpcore2.Request("GET", url, headers=list(told.items()), extensions={"timeout": limits})

    def _accept(self, hops: list[Hop], response: httpcore2.Response, asked: Asked, proxy: Proxy | None) -> Answer:
        last = hops[-1]
        if last.status >= 400 and last.status != 416:
            shown = {"proxy-shown": proxy.shown if proxy else last.url}
            refuse(last.status, {**last.headers, **shown}, asked, elsewhere=last.origin != origin_of(self.endpoint.url))
        return Answer(tuple(hops), _decoded(response, last.headers.get("content-encoding", "")))


def next_url(url: str, location: str, asked: Asked) -> str:
    """Where a redirect leads. Raises `AtelierError("hub-redirect")` for what is not the web, or not as safe as here."""
    try:
        target = urljoin(url, quote(location, safe=_PLAIN))
        parts = urlsplit(target)
        allowed = ("https",) if urlsplit(url).scheme == "https" else ("http", "https")
        if not location or parts.scheme not in allowed or not parts.hostname or parts.port == 0 or "@" in parts.netloc:
            raise ValueError(target)
    except ValueError as error:
        raise AtelierError("hub-redirect", {"host": asked.host}, details=str(error)[:500]) from None
    return target


@contextmanager
def _pool(stop: threading.Event, proxy: Proxy | None) -> Iterator[httpcore2.ConnectionPool]:
    backend = Backend(stop)
    if proxy is None:
        with httpcore2.ConnectionPool(network_backend=backend) as pool:
            yield pool
        return
    login = (proxy.user.encode(), proxy.password.encode()) if proxy.user or proxy.password else None
    with httpcore2.HTTPProxy(proxy.shown, proxy_auth=login, network_backend=backend) as pool:
        yield pool


@contextmanager
def _told(host: str, proxy: Proxy | None, patience: Patience) -> Iterator[None]:
    """Network failures in the words of this program; `host` is the one that was asked."""
    try:
        yield
    except httpcore2.ProxyError as error:
        raise AtelierError("hub-proxy", {"proxy": proxy.shown if proxy else ""}, details=str(error)) from error
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
        # The connection pool takes the cause away; what led to the error is still told.
        if isinstance(error.__context__, ssl.SSLCertVerificationError):
            raise AtelierError("hub-certificate", {"host": host}, details=str(error)) from error
        raise Trouble(AtelierError("hub-unreachable", {"host": host}, details=str(error))) from error
    except (httpcore2.ReadTimeout, httpcore2.WriteTimeout) as error:
        details = f"silent for {patience.stall:g} s"
        raise Trouble(AtelierError("hub-interrupted", {"host": host}, details=details)) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, zlib.error) as error:
        raise Trouble(AtelierError("hub-interrupted", {"host": host}, details=str(error))) from error


def _lower(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _decoded(response: httpcore2.Response, encoding: str) -> Iterator[bytes]:
    """Nothing is asked for in another encoding than as it is, but some servers and proxies compress all the same."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from response.iter_stream()
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise httpcore2.ProtocolError(f"content encoding {encoding}")
    unpack = zlib.decompressobj(47)
    for chunk in response.iter_stream():
        while chunk:
            yield unpack.decompress(chunk, 1 << 20)
            chunk = unpack.unconsumed_tail
    yield unpack.flush()
