"""A slow line gets small frames, a fast one large ones."""

from __future__ import annotations

import pytest

from arborlink.daemon.stride import LEAST_BYTES, MOST_BYTES, Stride


def after(bytes_per_second: float, frames: int, limit: int = MOST_BYTES) -> int:
    """What a line of this speed comes to, for frames of at most `limit` bytes."""
    stride = Stride()
    for _ in range(frames):
        size = min(stride.size, limit)
        stride.took(size, size / bytes_per_second)
    return stride.size


@pytest.mark.parametrize(
    ("bytes_per_second", "size"),
    [(64e3, LEAST_BYTES), (1e6, 2 * LEAST_BYTES), (1e9, MOST_BYTES)],
)
def test_a_frame_takes_a_fraction_of_a_second(bytes_per_second: float, size: int) -> None:
    assert after(bytes_per_second, frames=20) == size


def test_a_line_that_became_slow_is_noticed_frame_by_frame() -> None:
    stride = Stride()
    stride.size = MOST_BYTES
    stride.took(MOST_BYTES, 4.0)
    assert stride.size == MOST_BYTES // 2


def test_small_frames_say_nothing_about_large_ones() -> None:
    assert after(1e9, frames=20, limit=LEAST_BYTES - 1) == LEAST_BYTES
