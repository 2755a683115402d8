"""The hub's own certificate, read again when its files change.

Every handshake gets a whole context: a certificate that is being replaced and its key are never
mixed, and files that cannot be used leave the one before in force.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Final

from arborlink.hub.settings import INVALID_SETTING, HubSettings
from arborlink.protocol.errors import InvalidInput

logger = logging.getLogger(__name__)

_Versions = tuple[tuple[int, int, int], ...]
_NOTHING: Final[_Versions] = ()


class Certificates:
    """What TLS listeners show. `context` is for them; `refresh` every now and then.

    Raises:
        InvalidInput: the files cannot be used (code `invalid_setting`).
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain, self._key = chain, key
        self._seen = self._versions()
        self._current = self._read()
        self.context = self._read()
        self.context.sni_callback = self._choose

    @classmethod
    def of(cls, settings: HubSettings) -> Certificates | None:
        """As the settings say; None without TLS."""
        if settings.tls_cert is None or settings.tls_key is None:
            return None
        return cls(settings.tls_cert, settings.tls_key)

    def refresh(self) -> None:
        """Look whether the files have changed; connections that exist keep what they have."""
        versions = self._versions()
        if versions in (self._seen, _NOTHING):
            return
        self._seen = versions
        try:
            self._current = self._read()
        except InvalidInput as error:
            logger.error("the new certificate is not used, the old one stays: %s", error.message)
        else:
            logger.info("the certificate in %s was read again", self._chain)

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._current

    def _versions(self) -> _Versions:
        try:
            found = [file.stat() for file in (self._chain, self._key)]
        except OSError:
            return _NOTHING  # between the old file and the new one
        return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._chain, self._key, password=self._no_password)
        except OSError as error:  # ssl.SSLError is one
            why = error.strerror or getattr(error, "reason", None) or error
            raise InvalidInput(
                f"{self._chain} and {self._key} cannot be used for TLS: {why}. "
                "They are a certificate chain and its key, PEM, that the hub's user can read.",
                code=INVALID_SETTING,
            ) from error
        return context

    def _no_password(self) -> str:
        raise InvalidInput(
            f"{self._key} is encrypted, and nobody is there to give its password. "
            "Decrypt it: openssl pkey -in KEY -out NEW_KEY.",
            code=INVALID_SETTING,
        )
