"""The fake clock moves forward, and only when told to."""

import pytest

from arborlink.testing.clock import FakeClock


def test_moves_when_told() -> None:
    """Time stands still between calls of `advance`."""
    clock = FakeClock(5.0)
    assert clock.now() == clock() == 5.0
    assert clock.advance(1.5) == clock.now() == 6.5


def test_never_goes_back() -> None:
    """A negative step is refused."""
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock().advance(-1.0)
