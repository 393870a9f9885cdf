"""A token goes to its own hub and nowhere else; gated and private repositories open with it; proxies and TLS."""

from __future__ import annotations

import base64
import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from studio.core.errors import AtelierError
from studio.model_manager.hub.api import Hub
from studio.model_manager.hub.endpoint import Endpoint
from studio.model_manager.hub.secrets import Secrets
from tests.fakes.hub import FakeHub

Make = Callable[..., Any]
PEM = Path(__file__).with_name("loopback.pem")  # a certificate of 127.0.0.1 that nobody trusts


def test_the_token_goes_to_the_hub_and_not_to_its_storage(download: Make) -> None:
    get = download(token="hf_secret")
    get.fake.user("hf_secret")
    get.run()
    assert get.arrived
    assert [(asked.port, asked.authorization) for asked in get.fake.requests] == [
        ("hub", "Bearer hf_secret"),
        ("cdn", ""),
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_does_not_follow_a_redirect(download: Make, host: str, status: int) -> None:
    get = download(token="hf_secret")
    get.fake.user("hf_secret")
    with FakeHub() as other:
        other.repositories = get.fake.repositories
        where = other.url.replace("127.0.0.1", host)
        get.fake.fault("redirect", status=status, location=where + "{path}")
        get.run()
        assert get.arrived and other.requests
        assert not any(asked.authorization or "secret" in str(asked) for asked in other.requests)


def test_back_at_the_hub_the_token_is_there_again(download: Make) -> None:
    get = download(50_000, token="hf_secret")
    get.fake.user("hf_secret")
    with FakeHub() as other:
        get.fake.fault("redirect", location=other.url + "{path}")
        other.fault("redirect", location=get.fake.url + "{path}")
        get.run()
        assert get.arrived and not other.requests[0].authorization
    assert get.fake.requests[-1].authorization == "Bearer hf_secret"


def test_a_mirror_gets_no_token_that_was_not_set_for_it(fake: FakeHub) -> None:
    secrets = Secrets({"HF_TOKEN": "hf_official"})
    commit = fake.add("o/n", {"a": b"a"})
    hub = Hub(Endpoint(fake.url), secrets.token)
    hub.read("o/n", commit, "a")
    assert not fake.requests[-1].authorization
    assert not Endpoint("http://mirror.example").may_have_token("http://mirror.example/x"), "anybody could read it"


def test_a_gated_model_opens_when_its_terms_are_accepted(download: Make) -> None:
    get = download()
    get.fake.add("o/n", {"w.bin": get.content}, gated=True)
    get.commit = get.fake.repositories["o/n"].head
    page = f"{get.fake.url}/o/n"
    for token in (None, get.fake.user("hf_secret")):
        get.token = token
        with pytest.raises(AtelierError) as raised:
            get.run()
        assert raised.value.code == "hub-gated" and raised.value.arguments == {"model": "o/n", "url": page}
        assert page in str(raised.value)
        assert get.hub.access("o/n") is False
        assert get.hub.model("o/n").gated and get.hub.model("o/n").files, "what it is can be seen before"
    get.fake.accept("o/n")
    get.run()
    assert get.arrived and get.hub.access("o/n") is True


def test_a_private_model(download: Make) -> None:
    get = download()
    get.fake.add("o/n", {"w.bin": get.content}, private=True)
    get.commit = get.fake.repositories["o/n"].head
    codes = []
    for token in (None, get.fake.user("hf_secret"), "hf_wrong"):
        get.token = token
        with pytest.raises(AtelierError) as raised:
            get.run()
        codes.append(raised.value.code)
    assert codes == ["hub-private", "hub-missing", "hub-token"]
    get.token = "hf_secret"
    get.fake.accept("o/n")
    get.run()
    assert get.arrived and get.hub.whoami() == "ada"


def test_who_asks_without_a_good_token(fake: FakeHub) -> None:
    for token in (None, "hf_wrong"):
        with pytest.raises(AtelierError) as raised:
            Hub(Endpoint(fake.url), lambda _host, token=token: token).whoami()
        assert raised.value.code == "hub-token"


# -- proxies --------------------------------------------------------------------------------------------------


def test_through_a_proxy_with_a_user_and_a_password(download: Make) -> None:
    get = download(50_000, token="hf_secret")
    address = get.fake.url.removeprefix("http://")
    get.endpoint = Endpoint("http://hub.invalid", proxy=f"http://me:p%40ss:w%2Frd@{address}")
    get.run()
    asked = get.fake.requests[0].headers
    assert get.arrived and asked["host"] == "hub.invalid" and "authorization" not in asked
    login = base64.b64decode(asked["proxy-authorization"].removeprefix("Basic ")).decode()
    assert login == "me:p@ss:w/rd"


def test_a_proxy_that_refuses_is_told_without_the_password(download: Make) -> None:
    get = download(50_000)
    address = get.fake.url.removeprefix("http://")
    get.fake.fault("status", status=407, times=-1)
    get.endpoint = Endpoint("http://hub.invalid", proxy=f"http://me:hidden@{address}")
    with pytest.raises(AtelierError) as raised:
        get.run()
    assert raised.value.code == "hub-proxy" and address in str(raised.value)
    assert "hidden" not in str(raised.value) + raised.value.details + str(raised.value.arguments)
    get.endpoint = Endpoint("https://hub.invalid", proxy=f"http://me:hidden@{address}")
    with pytest.raises(AtelierError) as raised:
        get.run()  # a tunnel, which this server does not make
    assert raised.value.code == "hub-proxy" and "hidden" not in raised.value.details


def test_the_proxy_of_the_system_is_used_but_not_for_this_computer(
    download: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = download(50_000)
    monkeypatch.setenv("http_proxy", get.fake.url)
    get.endpoint = Endpoint("http://hub.invalid")
    get.run()
    assert get.arrived
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    get.part.unlink()
    get.endpoint = None
    get.run()
    assert get.arrived
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(AtelierError) as raised:
        Hub(Endpoint("http://hub.invalid")).model("o/n")
    assert raised.value.code == "hub-proxy"


# -- TLS ------------------------------------------------------------------------------------------------------


class _Redirecting(http.server.BaseHTTPRequestHandler):
    to = ""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@contextlib.contextmanager
def safe_server(to: str) -> Iterator[str]:
    """A server with TLS that redirects to `to`."""
    handler = type("Handler", (_Redirecting,), {"to": to})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = False

        def finish_request(self, request: Any, client_address: Any) -> None:
            with context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Half of the clients hang up."""

    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(download: Make) -> None:
    get = download()
    with safe_server(get.fake.url) as url:
        get.endpoint = Endpoint(url)
        with pytest.raises(AtelierError) as raised:
            get.run()
    assert raised.value.code == "hub-certificate" and not get.waits and not get.fake.requests


class _Tunnel(socketserver.StreamRequestHandler):
    """A proxy that makes tunnels to one place, wherever they are wanted to."""

    to = 0
    heard: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.heard.append(b"".join(iter(self.rfile.readline, b"\r\n")).decode())
        with socket.create_connection(("127.0.0.1", self.to)) as behind:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(behind, self.connection))
            back.start()
            _pump(self.connection, behind)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def test_through_the_tunnel_of_a_proxy_to_a_safe_hub(download: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    get = download(token="hf_secret")
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    with safe_server("https://elsewhere.invalid/") as url, contextlib.ExitStack() as stack:
        handler = type("Tunnel", (_Tunnel,), {"to": int(url.rpartition(":")[2]), "heard": []})
        proxy = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler))
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(proxy.shutdown)
        get.endpoint = Endpoint("https://localhost:1", proxy=f"http://me:word@127.0.0.1:{proxy.server_address[1]}")
        with pytest.raises(AtelierError) as raised:
            get.run()
    login = base64.b64encode(b"me:word").decode()
    assert raised.value.code == "hub-certificate" and raised.value.arguments["host"] == "elsewhere.invalid"
    assert "CONNECT localhost:1 " in handler.heard[0] and login in handler.heard[0]
    assert "CONNECT elsewhere.invalid:443 " in handler.heard[1]
    assert not any("hf_secret" in heard for heard in handler.heard), "what is inside the tunnel is not the proxy's"


def test_from_a_safe_connection_nothing_leads_to_an_unsafe_one(download: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    get = download()
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    with safe_server(get.fake.url) as url:
        get.endpoint = Endpoint(url)
        with pytest.raises(AtelierError) as raised:
            get.run()
    assert raised.value.code == "hub-redirect" and not get.fake.requests
