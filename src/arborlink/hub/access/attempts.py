"""Guesses at secrets, counted before anything is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from arborlink.hub.access.rates import NetworkLimiter, RateLimiter

Wrong = Callable[[BaseException], bool]


class Attempts:
    """Counts a guess by the networks it comes from, by the user, and by all strangers together.

    A guess is counted before it is compared: parallel guesses would otherwise all find the budget
    full.
    """

    def __init__(
        self, networks: NetworkLimiter, users: RateLimiter, strangers: RateLimiter
    ) -> None:
        self._networks = networks
        self._users = users
        self._strangers = strangers

    def by_network(
        self,
        kind: str,
        address: str,
        *,
        wrong: Wrong,
        user_id: str | None = None,
        is_stranger: bool = False,
    ) -> AbstractContextManager[None]:
        """Count one guess by where it comes from, unless what is inside is not `wrong`.

        Args:
            kind: what is guessed; each kind has budgets of its own.
            address: where the guess comes from.
            wrong: whether an error of what is inside means that the guess was wrong.
            user_id: the user that guesses, if it is known.
            is_stranger: the address is one from which no credential was proved lately.

        Raises:
            TooManyRequests: a budget is used up.
        """
        budgets: list[_Counted] = [_Counted(self._networks, (address, kind))]
        if user_id is not None:
            budgets.append(_Counted(self._users, (f"{kind} {user_id}",)))
        if is_stranger:
            budgets.append(_Counted(self._strangers, (kind,)))
        return _count(budgets, wrong)

    def by_name(self, kind: str, name: str, *, wrong: Wrong) -> AbstractContextManager[None]:
        """Count one guess by this name alone, and as `by_network` else."""
        return _count([_Counted(self._users, (f"{kind} {name}",))], wrong)


class _Counted(NamedTuple):
    limiter: RateLimiter | NetworkLimiter
    key: tuple[str, ...]


@contextmanager
def _count(budgets: list[_Counted], wrong: Wrong) -> Iterator[None]:
    for limiter, key in budgets:
        limiter.check(*key)
    for limiter, key in budgets:
        limiter.spend(*key)
    try:
        yield
    except BaseException as error:
        if not wrong(error):
            _give_back(budgets)
        raise
    _give_back(budgets)


def _give_back(budgets: list[_Counted]) -> None:
    for limiter, key in budgets:
        limiter.give_back(*key)
