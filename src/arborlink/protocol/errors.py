"""Every error Arbor names, as one tree.

    ArborError                      500  1011
    ├── LocalProtocolError          500  1011   our own code broke a rule
    ├── RemoteProtocolError         400  4400   the peer broke a rule
    │   ├── MalformedMessage        400  4400
    │   ├── MessageTooLarge         413  4413
    │   ├── OffsetOutOfOrder        409  4400
    │   ├── PeerSilent              408  4408
    │   └── UnsupportedProtocol     400  4526
    ├── InvalidInput                422  4400
    ├── SignInUnfinished            400  4400
    ├── NotAuthenticated            401  4501
    │   └── AuthenticationTimeout   408  4408
    ├── NotAllowed                  403  4503
    ├── NotFound                    404  4400
    ├── OutputDamaged               410  4400
    ├── Conflict                    409  4400
    │   ├── WorkspaceTaken          409  4509
    │   │   └── WorkspaceQuarantined 409 4509
    │   ├── ConnectionReplaced      409  4409
    │   └── WorkspaceUnreachable    409  4400
    ├── HubNotProven                502  1011   raised before a secret is sent
    │   └── OtherHubKey             502  1011
    ├── TooManyRequests             429  4429
    └── Unavailable                 503  1013
        └── StorageLow              507  1013

Each class knows its HTTP status, its WebSocket close code and its stable `code`; the text is
written for its reader: what happened, why, and what to do now.
"""

from typing import ClassVar


class ArborError(Exception):
    """The root. `code` is stable and for programs; the text is for people."""

    code: str = "internal_error"
    http_status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011

    def __init__(self, message: str, *, code: str | None = None, ref: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.ref = ref
        if code is not None:
            self.code = code


class LocalProtocolError(ArborError):
    """Our own side used a machine in a way its state does not allow."""

    code = "local_protocol_error"


class RemoteProtocolError(ArborError):
    """The peer broke a rule of the protocol."""

    code = "protocol_error"
    http_status = 400
    close_code = 4400


class MalformedMessage(RemoteProtocolError):
    """A message that does not parse, or not as anything that may be sent here."""

    code = "malformed_message"


class MessageTooLarge(RemoteProtocolError):
    """A message or body above its limit."""

    code = "message_too_large"
    http_status = 413
    close_code = 4413


class OffsetOutOfOrder(RemoteProtocolError):
    """Bytes that begin beyond the end of what has arrived. `want` is the offset to go on from."""

    code = "offset_out_of_order"
    http_status = 409

    def __init__(self, message: str, *, want: int, ref: str | None = None) -> None:
        super().__init__(message, ref=ref)
        self.want = want


class PeerSilent(RemoteProtocolError):
    """No answer to a heartbeat and nothing else either, for too long."""

    code = "peer_silent"
    http_status = 408
    close_code = 4408


class UnsupportedProtocol(RemoteProtocolError):
    """A protocol version that is not spoken here."""

    code = "unsupported_protocol"
    close_code = 4526


class InvalidInput(ArborError):
    """A well-formed request with a value that cannot be used."""

    code = "invalid_input"
    http_status = 422
    close_code = 4400


class SignInUnfinished(ArborError):
    """A device sign-in has no token: it waits, was denied or expired. `code`: RFC 8628, §3.5."""

    code = "authorization_pending"
    http_status = 400
    close_code = 4400


class NotAuthenticated(ArborError):
    """No credential, or one that is unknown, expired or revoked."""

    code = "not_authenticated"
    http_status = 401
    close_code = 4501


class AuthenticationTimeout(NotAuthenticated):
    """The first message did not come in time."""

    code = "authentication_timeout"
    http_status = 408
    close_code = 4408


class NotAllowed(ArborError):
    """A valid credential that does not permit this."""

    code = "not_allowed"
    http_status = 403
    close_code = 4503


class NotFound(ArborError):
    """No such thing, or not for this principal: both look the same from outside."""

    code = "not_found"
    http_status = 404
    close_code = 4400


class OutputDamaged(ArborError):
    """The hub's disk has lost an output, or has it changed."""

    code = "output_damaged"
    http_status = 410
    close_code = 4400


class Conflict(ArborError):
    """The request contradicts the present state."""

    code = "conflict"
    http_status = 409
    close_code = 4400


class WorkspaceTaken(Conflict):
    """The workspace already has another daemon."""

    code = "workspace_has_daemon"
    close_code = 4509


class WorkspaceQuarantined(WorkspaceTaken):
    """Copies of the workspace's daemon kept replacing each other: a person has to decide."""

    code = "workspace_quarantined"


class ConnectionReplaced(Conflict):
    """A newer connection of the same daemon took over."""

    code = "connection_replaced"
    close_code = 4409


class WorkspaceUnreachable(Conflict):
    """The workspace's daemon is not connected and the request does not want to wait for it."""

    code = "workspace_unreachable"


class HubNotProven(ArborError):
    """The server at a hub's address does not prove that it is the known hub."""

    code = "hub_not_proven"
    http_status = 502


class OtherHubKey(HubNotProven):
    """The server at a hub's address has another key than the known hub."""

    code = "other_hub_key"


class TooManyRequests(ArborError):
    """A rate or a budget is used up. `retry_after` is in seconds."""

    code = "too_many_requests"
    http_status = 429
    close_code = 4429

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unavailable(ArborError):
    """The hub cannot do it now: draining, overloaded, or its disk is full."""

    code = "unavailable"
    http_status = 503
    close_code = 1013

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class StorageLow(Unavailable):
    """The hub's disk has only its reserve left, so nothing new is taken."""

    code = "storage_low"
    http_status = 507


# Why a daemon is quarantined, in as few bytes as a close frame holds.
QUARANTINED = (
    "copies of this daemon replace each other; stop all but one, then release it on the hub"
)

# Close codes that RFC 6455 defines and Arbor uses.
NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
SERVICE_RESTART = 1012

FIRST_FATAL_CLOSE_CODE = 4500
LAST_FATAL_CLOSE_CODE = 4999


def may_reconnect(close_code: int) -> bool:
    """Return whether a peer that was closed with `close_code` should come back (4500-4999: no)."""
    return not FIRST_FATAL_CLOSE_CODE <= close_code <= LAST_FATAL_CLOSE_CODE
