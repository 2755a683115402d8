"""Budgets of requests: by credential, by user, by network, and of all unknown peers together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from arborlink.hub.access.attempts import Attempts
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.places import Limits, Places
from arborlink.hub.access.rates import NetworkLimiter, RateLimiter
from arborlink.hub.descriptors import Division
from arborlink.hub.settings import HubSettings

MINUTE_SECONDS: Final = 60.0
# Lists that are read or wait for it, of one user and of all: two are read at a time, and 32 wait.
LISTS_PER_USER: Final = 8
LISTS_IN_ALL: Final = 34


class Budgets:
    """One per hub.

    `addresses` is for requests without a credential, `proofs` for requests for the hub's proof of
    identity, `failures` for requests with a wrong credential; `attempts` counts guesses, `accounts`
    those at each account. `viewer_requests` and
    `viewer_messages` are a user's over all of its WebSockets. `in_progress`, `connections`,
    `downloads`, `lists` and `followed` are what credentials and users hold at a time.
    """

    def __init__(
        self, settings: HubSettings, monotonic: Callable[[], float], division: Division
    ) -> None:
        self.division = division
        self._monotonic = monotonic
        self._requests = RateLimiter(
            settings.requests_per_second, settings.requests_burst, monotonic
        )
        self._user_requests = RateLimiter(
            settings.user_requests_per_second, settings.user_requests_burst, monotonic
        )
        self.viewer_requests = RateLimiter(
            settings.user_viewer_requests_per_second, settings.user_viewer_requests_burst, monotonic
        )
        self.viewer_messages = RateLimiter(
            settings.user_viewer_messages_per_second, settings.user_viewer_messages_burst, monotonic
        )
        self.addresses = NetworkLimiter(
            settings.address_requests_per_second, settings.address_requests_burst, monotonic
        )
        self.proofs = NetworkLimiter(
            settings.address_proofs_per_second, settings.address_proofs_burst, monotonic
        )
        per_minute = settings.failed_authentications_per_minute
        self.failures = NetworkLimiter(
            per_minute / MINUTE_SECONDS, max(1, round(per_minute)), monotonic
        )
        self.accounts = self._per_minute(per_minute)
        self._user_failures = self._per_minute(per_minute)
        self._strangers = self._per_minute(settings.strangers_guesses_per_minute)
        self.attempts = Attempts(self.failures, self._user_failures, self._strangers)
        self._hold(settings, division)

    def _hold(self, settings: HubSettings, division: Division) -> None:
        self.in_progress = Places(
            "requests in progress",
            Limits(
                settings.requests_in_progress_per_token,
                settings.requests_in_progress_per_user,
                division.http,
            ),
            code="too_many_in_progress",
        )
        self.connections = Places(
            "connections",
            Limits(settings.connections_per_token, settings.connections_per_user, division.viewers),
            code="too_many_connections",
        )
        self.lists = Places(
            "lists that are not answered yet",
            Limits(LISTS_PER_USER, LISTS_PER_USER, LISTS_IN_ALL),
            code="too_many_lists",
        )
        per_user = settings.downloads_per_user
        self.downloads = Places(
            "downloads", Limits(per_user, per_user, division.downloads), code="too_many_downloads"
        )
        per_user = settings.subscriptions_per_user
        self.followed = Places(
            "outputs that are followed",
            Limits(per_user, per_user, division.followed),
            code="too_many_followed",
        )

    def _per_minute(self, rate: float) -> RateLimiter:
        return RateLimiter(rate / MINUTE_SECONDS, max(1, round(rate)), self._monotonic)

    def take_request(self, identity: Identity) -> None:
        """Count a request by its credential, and by what its user's credentials share.

        Raises:
            TooManyRequests: the budget of either is used up.
        """
        token = identity.token_id or identity.user_id
        self._user_requests.check(identity.holder)
        self._requests.take(token)
        self._user_requests.spend(identity.holder)

    def limiters(self) -> list[RateLimiter | NetworkLimiter]:
        """Return the limiters that depend on time."""
        parts = vars(self).values()
        return [each for each in parts if isinstance(each, RateLimiter | NetworkLimiter)]
