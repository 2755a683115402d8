"""The one bound on everything that a test waits for."""

from __future__ import annotations

from typing import Final

# What takes longer hangs. It is far beyond what two busy cores and a busy disk make of any step, so
# it says nothing about speed; and below pytest's own timeout, so that a test which waits in vain
# fails with its own words. What must not end before it, such as the `sleep 300` of a test's
# command, takes longer.
HANG_SECONDS: Final = 120.0

# For times of the product that a test is not about: they never run out before the test has failed.
NEVER_SECONDS: Final = 10 * HANG_SECONDS
