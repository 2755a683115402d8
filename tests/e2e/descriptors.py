"""Open files for tests with thousands of connections."""

from __future__ import annotations

import resource

import pytest


def need_descriptors(count: int) -> None:
    """Let this process and its children have `count` open files; skip the test if none may.

    The soft limit is 1,024 on most machines, and may be raised up to the hard one.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"{count:,} open files are needed, and no more than {hard:,} are allowed")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
