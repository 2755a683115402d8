"""Sign-in of a program by a code that a user approves in a browser (RFC 8628).

Waiting sign-ins are in memory only: after a restart of the hub the program starts again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from arborlink.hub.access.accounts import Accounts
from arborlink.hub.access.confirmations import Confirmations
from arborlink.hub.access.credentials import hash_secret, make_code, make_secret, normal_code
from arborlink.hub.access.environment import Environment
from arborlink.hub.access.fair_pool import FairPool
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.networks import network_of
from arborlink.hub.access.rates import NetworkLimiter
from arborlink.hub.store.base_access import TokenRow
from arborlink.protocol.errors import (
    InvalidInput,
    NotAllowed,
    NotFound,
    SignInUnfinished,
    TooManyRequests,
    Unavailable,
)
from arborlink.protocol.resources import Scope

DEVICE_SECONDS: Final = 600.0
POLL_SECONDS: Final = 2.0
# Added to the interval of a program that polls too early (RFC 8628, §3.5).
SLOW_DOWN_SECONDS: Final = 5.0
# Tolerance: a network may deliver two requests closer together than they were sent.
POLL_TOLERANCE_SECONDS: Final = 0.5
MAX_WAITING: Final = 1_000
MAX_WAITING_PER_CUSTOMER: Final = 50
CODES_PER_MINUTE: Final = 10
MAX_APPROVED_PER_USER: Final = 32


class DeviceRequest(NamedTuple):
    """The request that the approving user is shown. `token_seconds` None: until revoked."""

    name: str
    client_name: str
    hostname: str | None
    address: str
    scopes: list[Scope]
    token_seconds: float | None


class NewDevice(NamedTuple):
    """The secret of the program, and the code for the person."""

    device_code: str
    user_code: str


class Waiting(NamedTuple):
    """A request with its times in µs since 1970."""

    request: DeviceRequest
    requested_at: int
    expires_at: int


class Granted(NamedTuple):
    """The token, its secret, and its user."""

    row: TokenRow
    secret: str
    username: str


@dataclass(slots=True, kw_only=True)
class _Grant:
    """A waiting sign-in; `user_hash` finds it until `denied` or `approver` is set."""

    waiting: Waiting
    key: bytes
    user_hash: bytes
    deadline: float
    next_poll: float
    interval: float = POLL_SECONDS
    denied: bool = False
    approver: Identity | None = None
    scopes: tuple[Scope, ...] = ()


class Devices:
    """The sign-ins that wait. Each code works once; no secret is kept, only its hash."""

    def __init__(
        self, accounts: Accounts, environment: Environment, confirmations: Confirmations
    ) -> None:
        self._accounts = accounts
        self._confirmations = confirmations
        self._environment = environment
        self._starts = NetworkLimiter(
            CODES_PER_MINUTE / 60, CODES_PER_MINUTE, environment.monotonic
        )
        # Oldest first: expired ones are at the front.
        self._grants: dict[bytes, _Grant] = {}
        self._undecided: dict[bytes, _Grant] = {}
        # Networks of the undecided requests, by the hash of the device code.
        self._pool: FairPool[bytes] = FairPool(MAX_WAITING, per_customer=MAX_WAITING_PER_CUSTOMER)

    def start(self, request: DeviceRequest) -> NewDevice:
        """Let a program wait for approval.

        When MAX_WAITING wait, the network from which most of them come loses its oldest.

        Raises:
            TooManyRequests: too many codes for this address, or for its networks; or too many of
                them wait, or no network has more of all that wait than this one.
        """
        self._starts.take(request.address)
        now = self._environment.monotonic()
        self._forget_expired(now)
        device_code = make_secret("k", self._environment.random_bytes)
        self._enter_pool(hash_secret(device_code), request.address)
        user_code = make_code(self._environment.random_bytes)
        while hash_secret(user_code) in self._undecided:
            user_code = make_code(self._environment.random_bytes)
        grant = _Grant(
            waiting=Waiting(
                request, self._environment.unix_us(), self._environment.after(DEVICE_SECONDS)
            ),
            key=hash_secret(device_code),
            user_hash=hash_secret(user_code),
            deadline=now + DEVICE_SECONDS,
            next_poll=now,
        )
        self._grants[grant.key] = self._undecided[grant.user_hash] = grant
        return NewDevice(device_code, user_code)

    def _enter_pool(self, key: bytes, address: str) -> None:
        leaving = self._pool.enter(key, network_of(address))
        if leaving == key:
            raise TooManyRequests(
                "Too many sign-ins from your network wait to be approved.",
                retry_after=DEVICE_SECONDS,
            )
        if leaving is not None:
            del self._undecided[self._grants.pop(leaving).user_hash]

    def waiting(self, identity: Identity, user_code: str) -> Waiting:
        """Return a waiting request.

        Raises:
            NotFound: no such code waits (code `unknown_code`).
            NotAllowed: not a browser's session (code `browser_only`).
        """
        _require_browser(identity)
        return self._find(user_code).waiting

    def decide(
        self, identity: Identity, user_code: str, approve: bool, scopes: list[Scope] | None
    ) -> None:
        """Approve a request, possibly with fewer `scopes` than it asks for, or deny it; once.

        Raises:
            NotFound: unknown, decided or expired (code `unknown_code`).
            NotAllowed: not a browser's session (code `browser_only`), or to approve, one that is to
                be confirmed (`confirmation_needed`).
            InvalidInput: no scope would be left.
            TooManyRequests: the user approved MAX_APPROVED_PER_USER that are not collected.
        """
        _require_browser(identity)
        grant = self._find(user_code)
        if approve:
            self._confirmations.require(identity)
        asked = grant.waiting.request.scopes
        grant.scopes = tuple(
            each
            for each in asked
            if (scopes is None or each in scopes) and (each in identity.scopes)
        )
        if approve and not grant.scopes:
            raise InvalidInput(f"Nothing would be allowed. It asks for: {', '.join(asked)}.")
        if approve and self._approved_by(identity.user_id) >= MAX_APPROVED_PER_USER:
            raise TooManyRequests(
                "Too many sign-ins that you approved were not collected yet.",
                retry_after=DEVICE_SECONDS,
            )
        del self._undecided[grant.user_hash]
        self._pool.leave(grant.key)
        grant.denied = not approve
        grant.approver = identity if approve else None

    async def collect(self, device_code: str) -> Granted:
        """Return the token of an approved request; each token is returned once.

        Raises:
            SignInUnfinished: code `authorization_pending`, `slow_down`, `access_denied` or
                `expired_token`.
        """
        key = hash_secret(device_code)
        grant = self._grants.get(key)
        now = self._environment.monotonic()
        if grant is None or grant.deadline <= now:
            raise SignInUnfinished(
                "This sign-in is unknown, finished, or older than ten minutes. Begin a new one.",
                code="expired_token",
            )
        if grant.denied:
            del self._grants[key]
            raise SignInUnfinished("Somebody denied this sign-in.", code="access_denied")
        if grant.approver is None:
            raise _not_yet(grant, now)
        # Removed before the first await, so that a concurrent second request gets nothing.
        del self._grants[key]
        try:
            row, secret = await self._accounts.create_token(
                grant.approver,
                grant.waiting.request.name,
                list(grant.scopes),
                seconds=grant.waiting.request.token_seconds,
            )
        except Unavailable:
            self._grants[key] = grant
            raise
        except NotFound as error:
            # The credential behind the approver's session was revoked while the token was stored.
            raise SignInUnfinished(
                "The session that approved this sign-in has ended. Begin a new one.",
                code="expired_token",
            ) from error
        return Granted(row, secret, grant.approver.username)

    def revoke(self, subject_id: str) -> None:
        """Drop requests that a session or user has approved and no program has collected."""
        for key, grant in tuple(self._grants.items()):
            approver = grant.approver
            if approver is not None and subject_id in (approver.token_id, approver.user_id):
                del self._grants[key]

    def _approved_by(self, user_id: str) -> int:
        approvers = (grant.approver for grant in self._grants.values())
        return sum(each is not None and each.user_id == user_id for each in approvers)

    def _find(self, user_code: str) -> _Grant:
        grant = self._undecided.get(hash_secret(normal_code(user_code)))
        if grant is None or grant.deadline <= self._environment.monotonic():
            raise NotFound(
                "This code is unknown, used up, or older than ten minutes. Start the sign-in "
                "again to get a new one.",
                code="unknown_code",
            )
        return grant

    def _forget_expired(self, now: float) -> None:
        for key, grant in tuple(self._grants.items()):
            if grant.deadline > now:
                break
            del self._grants[key]
            self._pool.leave(key)
            self._undecided.pop(grant.user_hash, None)


def _not_yet(grant: _Grant, now: float) -> SignInUnfinished:
    too_early = now < grant.next_poll - POLL_TOLERANCE_SECONDS
    if too_early:
        grant.interval += SLOW_DOWN_SECONDS
    grant.next_poll = now + grant.interval
    if too_early:
        return SignInUnfinished(
            f"Ask again in {grant.interval:g} s, and no sooner each time.", code="slow_down"
        )
    return SignInUnfinished(
        f"Nobody has approved this yet. Ask again in {grant.interval:g} s.",
        code="authorization_pending",
    )


def _require_browser(identity: Identity) -> None:
    # A token must not be able to make itself another one that outlives it, or a wider one.
    if identity.kind != "session":
        raise NotAllowed(
            "Only somebody who is signed in with a browser may approve this.", code="browser_only"
        )
