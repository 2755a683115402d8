"""A hub's Ed25519 key: its file, its public half as text, and its signatures.

`cryptography` is imported where it is used: commands that speak to no hub start without it.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arborlink.protocol.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_FILE: Final = "hub.key"
PREFIX: Final = "ed25519:"
UNUSABLE: Final = "hub_key_unusable"
_OTHERS: Final = 0o077
# 32 bytes, base64url without padding.
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*")
_TEXT: Final = re.compile(r"ed25519:[A-Za-z0-9_-]{43}")


class HubKey:
    """The private half. `public`: the other one, as peers keep it and people compare it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PREFIX + encode(key.public_key().public_bytes_raw())

    def sign(self, statement: bytes) -> str:
        """Return the signature, base64url."""
        return encode(self._key.sign(statement))


def ensure(data_dir: Path) -> HubKey:
    """Read the key of the hub with this data; make it if there is none.

    Raises:
        Unavailable: the file holds no such key, or cannot be read or written (code
            `hub_key_unusable`).
    """
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error


def find(data_dir: Path) -> HubKey | None:
    """Read the key of the hub with this data; None if there is none.

    Raises:
        Unavailable: as `ensure`.
    """
    path = data_dir / KEY_FILE
    try:
        return _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error


def parse(text: str) -> str:
    """Return a public key as it is kept.

    Raises:
        InvalidInput: it is none.
    """
    key = text.strip()
    if (
        _TEXT.fullmatch(key) is None
        or encode(decode(key.removeprefix(PREFIX))) != key[len(PREFIX) :]
    ):
        raise InvalidInput(
            f"{key!r} is not the key of a hub. It looks like {PREFIX}… and has 51 characters; "
            "`arbor hub key` prints it on the hub's machine"
        )
    return key


def verify(key: str, signature: str, statement: bytes) -> bool:
    """Return whether the private half of `key` has signed the statement."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(decode(parse(key).removeprefix(PREFIX)))
        public.verify(decode(signature), statement)
    except (InvalidSignature, InvalidInput, ValueError):
        return False
    return True


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes of base64url without padding.

    Raises:
        ValueError: it is none.
    """
    if _ALPHABET.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not base64url without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _make(path: Path) -> None:
    """Write a new key in one step: of several processes that do so at once, one wins."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    # Readable by its owner alone (mkstemp(3)), and by a name that no other process has.
    fd, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
    # The name as well: a hub whose key is gone after a power cut is another one to its peers.
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _read(path: Path) -> HubKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & _OTHERS:
            raise Unavailable(
                f"Other users of this machine can read {path}, the hub's key. Run `chmod 600 "
                f"{path}`. If one of them may have copied it, move it away instead: the hub makes "
                "another, which its daemons and command lines take with `arbor trust`.",
                code=UNUSABLE,
            )
        pem = file.read()
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, "it is damaged") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "it is no Ed25519 key")
    return HubKey(key)


def _unusable(path: Path, why: str) -> Unavailable:
    return Unavailable(
        f"The hub's key in {path} cannot be used: {why}. Restore the file from a backup; with "
        "another key every daemon and command line that knows this hub refuses it.",
        code=UNUSABLE,
    )
