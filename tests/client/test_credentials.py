"""Where the hub and the token come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from arborlink.client.credentials import (
    Credentials,
    find,
    forget,
    load,
    load_all,
    load_for,
    remove,
    resolve,
    save,
    update,
    use,
)
from arborlink.protocol.errors import InvalidInput, NotAuthenticated, NotFound


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    monkeypatch.delenv("ARBOR_URL", raising=False)
    monkeypatch.delenv("ARBOR_TOKEN", raising=False)


def test_what_is_saved_is_private_and_comes_back() -> None:
    kept = Credentials("https://hub.example", 'odd "token\\', "/data")
    path = save(kept)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load() == kept
    assert remove() and not remove()
    assert load() is None


def test_arguments_then_environment_then_file(monkeypatch: pytest.MonkeyPatch) -> None:
    save(Credentials("https://file:1", "file-token"))
    assert resolve() == Credentials("https://file:1", "file-token")
    monkeypatch.setenv("ARBOR_URL", "https://env:1/")
    monkeypatch.setenv("ARBOR_TOKEN", "env-token")
    assert resolve() == Credentials("https://env:1", "env-token")
    assert resolve("https://arg:1", "arg-token") == Credentials("https://arg:1", "arg-token")


def test_the_ca_is_that_of_the_hub_it_was_stored_with(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Credentials("https://file:1", "file-token", ca="/our/ca.pem")
    save(kept)
    assert load() == resolve() == kept
    assert resolve(ca="/other.pem").ca == "/other.pem"
    assert resolve("https://arg:1", "arg-token").ca is None


def test_a_stored_token_is_not_shown_to_another_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    save(Credentials("https://file:1", "file-token"))
    monkeypatch.setenv("ARBOR_URL", "https://other:1")
    with pytest.raises(NotAuthenticated, match="no token for https://other:1"):
        resolve()


def test_nothing_configured_says_what_to_do() -> None:
    with pytest.raises(NotAuthenticated, match="arbor up"):
        resolve()


@pytest.mark.parametrize("text", ["", "[hub]\n", "not toml", 'hub = "x"'])
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").write_text(text)
    with pytest.raises(InvalidInput, match=r"credentials\.toml"):
        load()


@pytest.mark.parametrize(
    "url", ["hub.example", "ftp://hub.example", "http://", "http://127.0.0.1:x", "https://[::1"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(InvalidInput, match="not the address"):
        resolve(url, "token")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:4000/", "http://127.0.0.1:4000"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://LOCALHOST:1", "http://LOCALHOST:1"),
        ("ws://[::1]:4000", "http://[::1]:4000"),
        ("wss://hub.example/arbor/", "https://hub.example/arbor"),
    ],
)
def test_where_a_token_may_go(url: str, kept: str) -> None:
    assert resolve(url, "token").url == kept


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1:1", "http://hub.example", "ws://10.0.0.1", "http://127.0.0.1.evil.example"],
)
def test_a_token_does_not_travel_in_the_clear(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="in the clear"):
        resolve(url, "token")
    monkeypatch.setenv("ARBOR_URL", url)
    with pytest.raises(InvalidInput, match="in the clear"):
        resolve()


def test_a_stored_address_that_would_be_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").write_text('[hub]\nurl = "http://192.0.2.1"\ntoken = "t"\n')
    with pytest.raises(InvalidInput, match=r"credentials\.toml.*in the clear"):
        resolve()


WORK = Credentials("https://work.example", "work-token", ca="/work.pem", hub_key=None)
LAB = Credentials("http://127.0.0.1:4000", "lab-token")


def test_several_hubs_and_the_last_that_was_signed_in_to_is_used() -> None:
    save(WORK)
    save(LAB)
    assert load() == resolve() == LAB
    assert [each.name for each in load_all()] == ["127.0.0.1", "work.example"]
    use(find("work.example"))
    assert load() == WORK and load_for(LAB.url) == LAB
    assert find("https://work.example/") == WORK and find("127.0.0.1") == LAB
    with pytest.raises(NotFound, match=r"not signed in to a hub 'home'.*work\.example"):
        find("home")


def test_each_address_gets_its_own_secrets_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    save(WORK)
    save(LAB)
    monkeypatch.setenv("ARBOR_URL", WORK.url)
    assert resolve() == WORK
    assert resolve(LAB.url) == LAB
    monkeypatch.setenv("ARBOR_URL", "https://other.example")
    with pytest.raises(NotAuthenticated):
        resolve()


def test_signing_in_again_replaces_what_was_stored_of_that_hub_alone() -> None:
    save(replace(WORK, workspace="ws_1", name="work"))
    save(LAB)
    save(replace(WORK, token="newer"))
    stored = load()
    assert stored is not None and (stored.token, stored.name) == ("newer", "work")
    assert stored.workspace == "ws_1"
    assert load_all()[1:] == [LAB]
    with pytest.raises(InvalidInput, match="another hub is called 'work'"):
        save(replace(LAB, name="work"))


def test_changing_one_hub_leaves_the_one_in_use() -> None:
    save(WORK)
    save(LAB)
    update(replace(find("work.example"), workspace="ws_2"))
    assert load() == LAB and find("work.example").workspace == "ws_2"


def test_forgetting_hubs() -> None:
    save(WORK)
    save(LAB)
    assert forget(find("127.0.0.1")) == WORK
    assert load_all() == [WORK]
    assert forget(WORK) is None and load_all() == []


def test_what_up_made_stays_beside_a_sign_in_to_the_same_hub() -> None:
    own = Credentials(LAB.url, "owner-token", data_folder="/data/hub")
    save(own)
    save(LAB)
    assert [each.token for each in load_all()] == ["lab-token", "owner-token"]
    assert len({each.name for each in load_all()}) == 2
    moved = replace(own, url="http://127.0.0.1:4001")
    save(moved)
    assert [each.url for each in load_all()] == [moved.url, LAB.url]


def test_a_file_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    old = '[hub]\nurl = "https://work.example"\ntoken = "t"\n'
    (tmp_path / "credentials.toml").write_text(old)
    assert [(each.name, each.url) for each in load_all()] == [("work.example", WORK.url)]
    save(LAB)
    assert len(load_all()) == 2


def test_there_is_room_for_some_hubs() -> None:
    for number in range(64):
        save(Credentials(f"https://hub{number}.example", "t"))
    with pytest.raises(InvalidInput, match="64 hubs are stored already"):
        save(WORK)
