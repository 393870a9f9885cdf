"""Where the hub is, from the settings and the environment; and where the tokens are."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import keyring.backend
import keyring.errors
import pytest
from keyring.backends import fail, null

from studio.core.errors import InvalidInput
from studio.core.settings import Values
from studio.model_manager.hub.endpoint import OFFICIAL, Endpoint
from studio.model_manager.hub.secrets import Secrets


def test_the_environment_wins_over_the_settings_and_both_over_the_hub_itself() -> None:
    mirror = Values(hub_endpoint="https://mirror.example/hf/")
    assert Endpoint.of(Values(), {}) == Endpoint(OFFICIAL) and Endpoint.of(Values(), {}).official
    assert Endpoint.of(mirror, {}).url == "https://mirror.example/hf"
    assert Endpoint.of(mirror, {"HF_ENDPOINT": "http://127.0.0.1:8080/"}).host == "127.0.0.1:8080"
    assert Endpoint.of(Values(hub_endpoint=" mirror.example "), {}).url == "https://mirror.example"
    assert Endpoint.of(Values(hub_endpoint="https://HuggingFace.co:443"), {}).official
    assert Endpoint.of(Values(hub_proxy="127.0.0.1:7890"), {}).proxy == "http://127.0.0.1:7890"


@pytest.mark.parametrize("value", ["1", "on", "Yes", "TRUE"])
def test_either_can_switch_off(value: str) -> None:
    assert Endpoint.of(Values(offline=True), {}).offline
    assert Endpoint.of(Values(), {"HF_HUB_OFFLINE": value}).offline
    assert not Endpoint.of(Values(), {"HF_HUB_OFFLINE": "0"}).offline


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc",
        "https://",
        "https://a b",
        "https://h:99999",
        "https://u:p@h",
        "https://h?x=1",
        "https://[h",
        "ftp://h",
    ],
)
def test_what_cannot_be_a_hub_is_said_when_it_is_checked(address: str) -> None:
    endpoint = Endpoint.of(Values(hub_endpoint=address), {})
    with pytest.raises(InvalidInput) as raised:
        endpoint.check()
    assert raised.value.code == "hub-endpoint" and endpoint.host


@pytest.mark.parametrize("proxy", ["socks5://h:1", "https://h", "http://", "http://u:secret@h:0", "http://h:no"])
def test_what_cannot_be_a_proxy_is_said_without_its_password(proxy: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Endpoint(proxy=proxy).check()
    assert raised.value.code == "hub-proxy" and "secret" not in str(raised.value.arguments)


def test_good_addresses_pass() -> None:
    for url in (OFFICIAL, "http://127.0.0.1:1/a", "https://[::1]:8443", "https://hf.example.org/mirror"):
        Endpoint(url, "http://u:p@proxy.example:3128").check()


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://huggingface.co/api", True),
        ("https://huggingface.co:443/api", True),
        ("http://huggingface.co/api", False),
        ("https://huggingface.co:8443/api", False),
        ("https://huggingface.co.evil.example/", False),
        ("https://huggingface.co@evil.example/", False),
        ("https://cdn.huggingface.co/", False),
    ],
)
def test_a_token_goes_to_the_very_same_origin_only(url: str, may: bool) -> None:
    assert Endpoint().may_have_token(url) is may


def test_a_token_that_would_never_be_sent_is_said_to_be_so() -> None:
    for url in (OFFICIAL, "http://127.0.0.1:80", "http://localhost:1", "https://mirror.example"):
        Endpoint(url).check_token()
    with pytest.raises(InvalidInput) as raised:
        Endpoint("http://mirror.example").check_token()
    assert raised.value.code == "hub-token-unsafe" and "mirror.example" in str(raised.value)


# -- tokens ---------------------------------------------------------------------------------------------------


class Memory(keyring.backend.KeyringBackend):
    """A keyring that keeps things in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError(username)


class Broken(Memory):
    """A keyring whose system is in disorder."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("no bus")

    set_password = delete_password = get_password  # type: ignore[assignment]


@pytest.fixture
def ring() -> Iterator[Memory]:
    usual = keyring.get_keyring()
    memory = Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(usual)


def test_a_token_is_kept_for_its_host_and_found_by_the_next_program(ring: Memory) -> None:
    assert Secrets({}).set_token("hub.example", " hf_a \n") == "keyring"
    later = Secrets({})
    assert later.token("hub.example") == "hf_a" and later.state("hub.example").kept == "keyring"
    assert later.token("other.example") is None and not later.state("other.example").known
    later.forget("hub.example")
    assert later.token("hub.example") is None and not ring.kept
    later.forget("hub.example")


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, Broken])
def test_without_a_keyring_it_holds_for_this_session_and_says_so(ring: Memory, backend: type) -> None:
    keyring.set_keyring(backend())
    secrets = Secrets({})
    assert secrets.token("h") is None
    assert secrets.set_token("h", "hf_a") == "session"
    assert secrets.token("h") == "hf_a" and secrets.state("h").kept == "session"
    secrets.forget("h")
    assert secrets.token("h") is None and Secrets({}).token("h") is None


def test_the_environment_counts_for_the_official_hub_alone(ring: Memory) -> None:
    secrets = Secrets({"HF_TOKEN": "hf_env"})
    assert secrets.token("huggingface.co") == "hf_env" and secrets.state("huggingface.co").kept == "environment"
    assert secrets.token("mirror.example") is None
    secrets.set_token("huggingface.co", "hf_own")
    assert secrets.token("huggingface.co") == "hf_own", "what the user chose here wins"
    secrets.forget("huggingface.co")
    assert secrets.token("huggingface.co") == "hf_env"


@pytest.mark.parametrize("token", ["", "  ", "a b", "a\r\nX-Evil: 1", "тайна", "x" * 1001])
def test_what_cannot_be_a_token_is_refused(ring: Memory, token: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Secrets({}).set_token("h", token)
    assert raised.value.code == "hub-token-form" and not ring.kept
