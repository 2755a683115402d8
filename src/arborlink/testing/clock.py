"""A clock that only moves when it is told to."""


class FakeClock:
    """A monotonic clock for tests, in seconds; the instance itself can be called for the time."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the present, in seconds."""
        return self._now

    __call__ = now

    def advance(self, seconds: float) -> float:
        """Let time pass and return the new present.

        Raises:
            ValueError: the seconds are negative; a monotonic clock never goes back.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back by {-seconds} s")
        self._now += seconds
        return self._now
