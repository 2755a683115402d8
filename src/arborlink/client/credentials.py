"""Which hub, and with which token: arguments, then the environment, then `credentials.toml`."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from arborlink import home
from arborlink.addresses import hub_address
from arborlink.private_files import make_folder
from arborlink.proof.keys import parse
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.errors import ArborError, InvalidInput, NotAuthenticated
from arborlink.toml_file import read_toml

OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Credentials:
    """A hub and an API token. `data_folder`: set if `arbor up` made it for a hub of its own.

    `ca`: a file with the certificate of the hub's own CA, if it has one. `hub_key`: the hub's
    public key, if it is known.
    """

    url: str
    token: str
    data_folder: str | None = None
    ca: str | None = None
    hub_key: str | None = None


def resolve(
    url: str | None = None,
    token: str | None = None,
    ca: str | None = None,
    hub_key: str | None = None,
) -> Credentials:
    """The hub and token to use.

    Raises:
        NotAuthenticated: none are configured.
        InvalidInput: the address is none, or would have the token sent in the clear, or the key is
            none, or the file cannot be read.
    """
    url = url or os.environ.get("ARBOR_URL")
    url = hub_address(url) if url else None
    token = token or os.environ.get("ARBOR_TOKEN")
    if not (url and token):
        stored = load()
        # A stored token is for the hub it was stored with, and must not be shown to another.
        if stored is not None and url in (None, stored.url):
            url, token, ca = url or stored.url, token or stored.token, ca or stored.ca
    if not url:
        raise NotAuthenticated(
            "no hub is configured. Set ARBOR_URL and ARBOR_TOKEN, run `arbor login HUB_URL`, "
            "or start everything on this machine with `arbor up`"
        )
    if not token:
        raise NotAuthenticated(
            f"there is no token for {url}. Set ARBOR_TOKEN or run `arbor login {url}`"
        )
    return Credentials(url, token, ca=ca, hub_key=hub_key or key_of(url))


def key_of(url: str) -> str | None:
    """Return the public key of the hub at `url`: ARBOR_HUB_KEY, or what `credentials.toml` has.

    The variable is of the hub in ARBOR_URL, if that is set.

    Raises:
        InvalidInput: the variable holds no key.
    """
    key, named = os.environ.get("ARBOR_HUB_KEY"), os.environ.get("ARBOR_URL")
    if key and (not named or hub_address(named) == url):
        return parse(key)
    try:
        stored = load()
    except InvalidInput:
        return None
    return stored.hub_key if stored is not None and stored.url == url else None


def known_hub(credentials: Credentials, on_hub_key: Callable[[str], None]) -> KnownHub:
    """Return the hub of these credentials. A key that is proven first is kept beside them, if
    `credentials.toml` has them, and given to `on_hub_key`."""

    def keep(key: str) -> None:
        # A disk that refuses does not stop a command: the key is known while it runs.
        with suppress(OSError, InvalidInput):
            stored = load()
            if stored is not None and stored.url == credentials.url and stored.hub_key is None:
                save(replace(stored, hub_key=key))
        on_hub_key(key)

    return KnownHub(credentials.url, credentials.hub_key, on_key=keep)


def say_no_key(key: str) -> None:
    """The default of `on_hub_key`."""


def load() -> Credentials | None:
    """What `credentials.toml` says; None if there is none.

    Raises:
        InvalidInput: it cannot be read.
    """
    path = home.credentials_file()
    try:
        hub = read_toml(path)["hub"]
        key = hub.get("hub_key")
        return Credentials(
            hub_address(hub["url"]),
            str(hub["token"]),
            hub.get("data_folder"),
            hub.get("ca"),
            None if key is None else parse(key),
        )
    except FileNotFoundError:
        return None
    except (InvalidInput, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from error


def save(credentials: Credentials) -> Path:
    """Write `credentials.toml`, readable by its owner alone, in one step; returns where it is."""
    path = home.credentials_file()
    make_folder(path.parent)
    lines = ["[hub]", f"url = {_quote(credentials.url)}", f"token = {_quote(credentials.token)}"]
    if credentials.data_folder is not None:
        lines.append(f"data_folder = {_quote(credentials.data_folder)}")
    if credentials.ca is not None:
        lines.append(f"ca = {_quote(credentials.ca)}")
    if credentials.hub_key is not None:
        lines.append(f"hub_key = {_quote(credentials.hub_key)}")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, OWNER_ONLY)
        file.write("\n".join(lines) + "\n")
    draft.replace(path)
    return path


def remove() -> bool:
    """Delete `credentials.toml`; whether there was one."""
    try:
        home.credentials_file().unlink()
    except FileNotFoundError:
        return False
    return True


def _quote(text: str) -> str:
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise InvalidInput("a control character cannot be part of an address or a token")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unreadable(path: Path, error: Exception) -> ArborError:
    return InvalidInput(
        f"{path} cannot be used: {error or type(error).__name__}. "
        "Delete it and run `arbor login HUB_URL`"
    )
