"""The limits of contract §2 and the order that must hold among them."""

import msgspec

from arborlink.protocol import limits
from arborlink.protocol.limits import KIB, MIB, WireLimits


def test_the_defaults_are_those_of_the_contract() -> None:
    assert limits.CONTROL_MESSAGE_BYTES == 1 * MIB
    assert limits.OUTPUT_FRAME_BYTES == 256 * KIB
    assert limits.AUTHENTICATION_SECONDS == 5
    assert limits.SUBSCRIPTION_WINDOW_BYTES == 256 * KIB
    assert limits.TASK_UNACKNOWLEDGED_BYTES == 4 * MIB
    assert limits.DAEMON_UNACKNOWLEDGED_BYTES == 16 * MIB
    assert limits.SPOOL_BYTES_PER_TASK == 64 * MIB


def test_a_whole_output_frame_fits_every_window_it_must_pass() -> None:
    assert limits.OUTPUT_FRAME_BYTES <= limits.SUBSCRIPTION_BUFFER_BYTES
    assert limits.OUTPUT_FRAME_BYTES <= limits.TASK_UNACKNOWLEDGED_BYTES
    assert limits.TASK_UNACKNOWLEDGED_BYTES <= limits.DAEMON_UNACKNOWLEDGED_BYTES
    assert limits.TASK_UNACKNOWLEDGED_BYTES <= limits.SPOOL_BYTES_PER_TASK


def test_a_viewer_window_has_a_default_between_its_bounds() -> None:
    bounds = limits.SUBSCRIPTION_WINDOW_MIN_BYTES, limits.SUBSCRIPTION_WINDOW_MAX_BYTES
    assert bounds[0] <= limits.SUBSCRIPTION_WINDOW_BYTES <= bounds[1]


def test_silence_is_judged_over_several_heartbeats() -> None:
    assert limits.SILENCE_SECONDS >= 3 * limits.HEARTBEAT_SECONDS


def test_welcome_spells_out_every_limit_so_that_no_peer_needs_our_defaults() -> None:
    wire = msgspec.to_builtins(WireLimits())
    assert wire["outputFrameBytes"] == limits.OUTPUT_FRAME_BYTES
    assert len(wire) == len(WireLimits.__struct_fields__)
