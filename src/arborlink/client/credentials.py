"""The hub and its token: from arguments, then the environment, then `credentials.toml`.

The file has several hubs: `[hub]` is the one in use, `[[others]]` are the rest. A token, a CA and a
key are only ever used for the address that they are stored with.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from arborlink import home
from arborlink.addresses import hub_address
from arborlink.private_files import make_folder
from arborlink.proof.keys import parse
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.errors import ArborError, InvalidInput, NotAuthenticated, NotFound
from arborlink.toml_file import read_toml

OWNER_ONLY = 0o600
MOST_HUBS: Final = 64


@dataclass(frozen=True, slots=True)
class Credentials:
    """A hub and an API token. `data_folder`: set if `arbor up` made it for a hub of its own.

    `ca`: a file with the certificate of the hub's own CA, if it has one. `hub_key`: the hub's
    public key, if it is known. `name`: what the hub is called here; empty: not stored yet.
    `workspace`: the id of the workspace that commands mean without `-w`.
    """

    url: str
    token: str
    data_folder: str | None = None
    ca: str | None = None
    hub_key: str | None = None
    name: str = field(default="", compare=False)
    workspace: str | None = None

    def is_same_hub(self, other: Credentials) -> bool:
        """Return whether the other is for the same hub, by its data folder here or its address.

        Those of `arbor up` and of `arbor login` for one hub are kept apart: `up` needs its own.
        """
        if self.data_folder is not None or other.data_folder is not None:
            return self.data_folder == other.data_folder
        return self.url == other.url


def resolve(
    url: str | None = None,
    token: str | None = None,
    ca: str | None = None,
    hub_key: str | None = None,
) -> Credentials:
    """Return the hub and token to use.

    Raises:
        NotAuthenticated: none are configured.
        InvalidInput: address or key is invalid, the address would send the token unencrypted, or
            the file cannot be read.
    """
    url = url or os.environ.get("ARBOR_URL")
    url = hub_address(url) if url else None
    token = token or os.environ.get("ARBOR_TOKEN")
    if not (url and token):
        # A stored token is for the hub it was stored with, and must not be shown to another.
        stored = load() if url is None else load_for(url)
        if stored is not None:
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
        stored = load_for(url)
    except InvalidInput:
        return None
    return None if stored is None else stored.hub_key


def known_hub(credentials: Credentials, on_hub_key: Callable[[str], None]) -> KnownHub:
    """Return the hub of these credentials. A key that is proven first is kept beside them, if
    `credentials.toml` has them, and given to `on_hub_key`."""

    def keep(key: str) -> None:
        # An unwritable file does not stop the command: the key is known while it runs.
        with suppress(OSError, InvalidInput):
            stored = load_for(credentials.url)
            if stored is not None and stored.hub_key is None:
                update(replace(stored, hub_key=key))
        on_hub_key(key)

    return KnownHub(credentials.url, credentials.hub_key, on_key=keep)


def say_no_key(key: str) -> None:
    """Do nothing: the default of `on_hub_key`."""


def load() -> Credentials | None:
    """Return the hub in use; None if there is none.

    Raises:
        InvalidInput: `credentials.toml` cannot be read.
    """
    return next(iter(load_all()), None)


def load_for(url: str) -> Credentials | None:
    """Return what is stored for the hub at `url`. Raises as `load`."""
    return next((each for each in load_all() if each.url == url), None)


def load_all() -> list[Credentials]:
    """Return all hubs that are stored, the one in use first.

    Raises:
        InvalidInput: `credentials.toml` cannot be read.
    """
    path = home.credentials_file()
    try:
        document = read_toml(path)
        tables = [document["hub"], *document.get("others", [])]
        found: list[Credentials] = []
        for table in tables:
            each = _of_table(table)
            taken = {other.name for other in found}
            found.append(each if each.name else replace(each, name=_free_name(each.url, taken)))
        return found
    except FileNotFoundError:
        return []
    except (InvalidInput, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from error


def find(ref: str) -> Credentials:
    """Return the stored hub with this name, address or host.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several, or the file cannot be read.
    """
    every = load_all()
    for found in (
        [each for each in every if each.name == ref],
        [each for each in every if each.url == ref.rstrip("/")],
        [each for each in every if urlsplit(each.url).hostname == ref],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(f"{each.name} ({each.url})" for each in found)
            raise InvalidInput(f"{ref!r} could be any of: {names}. Give the name")
    known = ", ".join(f"{each.name} ({each.url})" for each in every) or "none"
    raise NotFound(
        f"you are not signed in to a hub {ref!r}. Hubs that are known here: {known}. "
        "`arbor login HUB_URL` adds one"
    )


def save(credentials: Credentials) -> Path:
    """Store a hub, in place of what was stored of it, and make it the one in use; returns where.

    Raises:
        InvalidInput: another hub has this name.
    """
    others = [each for each in _stored() if not each.is_same_hub(credentials)]
    before = next((each for each in _stored() if each.is_same_hub(credentials)), None)
    taken = {each.name for each in others}
    if credentials.name in taken:
        raise InvalidInput(f"another hub is called {credentials.name!r} here: give another name")
    name = credentials.name or ("" if before is None else before.name)
    workspace = credentials.workspace or (None if before is None else before.workspace)
    name = name or _free_name(credentials.url, taken)
    return _write([replace(credentials, name=name, workspace=workspace), *others])


def update(credentials: Credentials) -> Path:
    """Store a hub in place of what was stored of it; the one in use stays in use."""
    return _write([credentials if each.is_same_hub(credentials) else each for each in load_all()])


def use(credentials: Credentials) -> Path:
    """Make a stored hub the one in use."""
    return _write([credentials, *_others(credentials)])


def forget(credentials: Credentials) -> Credentials | None:
    """Delete what is stored of a hub; returns the hub that is in use then."""
    others = _others(credentials)
    if others:
        _write(others)
    else:
        remove()
    return next(iter(others), None)


def _others(credentials: Credentials) -> list[Credentials]:
    return [each for each in load_all() if not each.is_same_hub(credentials)]


def _stored() -> list[Credentials]:
    """Return what is stored; nothing where the file cannot be read, and is about to be replaced."""
    try:
        return load_all()
    except InvalidInput:
        return []


def _of_table(table: dict[str, Any]) -> Credentials:
    key, name, workspace = table.get("hub_key"), table.get("name", ""), table.get("workspace")
    return Credentials(
        hub_address(table["url"]),
        str(table["token"]),
        table.get("data_folder"),
        table.get("ca"),
        None if key is None else parse(key),
        str(name),
        None if workspace is None else str(workspace),
    )


def _free_name(url: str, taken: Collection[str]) -> str:
    """Return a name for a hub: its host, or that with its port or a number."""
    parts = urlsplit(url)
    host = parts.hostname or url
    candidates = [host, parts.netloc, *(f"{host}-{number}" for number in range(2, MOST_HUBS + 2))]
    return next(each for each in candidates if each not in taken)


def _write(hubs: Sequence[Credentials]) -> Path:
    """Write `credentials.toml`, readable by its owner alone, in one step; returns where it is."""
    if len(hubs) > MOST_HUBS:
        raise InvalidInput(f"{MOST_HUBS} hubs are stored already: `arbor logout HUB` removes one")
    path = home.credentials_file()
    make_folder(path.parent)
    lines = [line for at, each in enumerate(hubs) for line in _table(each, is_used=at == 0)]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, OWNER_ONLY)
        file.write("\n".join(lines) + "\n")
    draft.replace(path)
    return path


def _table(hub: Credentials, *, is_used: bool) -> list[str]:
    fields = {
        "name": hub.name,
        "url": hub.url,
        "token": hub.token,
        "data_folder": hub.data_folder,
        "ca": hub.ca,
        "hub_key": hub.hub_key,
        "workspace": hub.workspace,
    }
    head = "[hub]" if is_used else "\n[[others]]"
    return [head, *(f"{key} = {_quote(text)}" for key, text in fields.items() if text)]


def remove() -> bool:
    """Delete `credentials.toml`; return whether there was one."""
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
