"""A viewer is a cursor: what it was sent, what it has rendered, and how much more it takes."""

import pytest

from arborlink.protocol.cursor import Cursor
from arborlink.protocol.errors import LocalProtocolError, RemoteProtocolError


def test_a_new_cursor_takes_its_whole_window() -> None:
    cursor = Cursor(100, window=10)
    assert (cursor.sent, cursor.acked, cursor.room, cursor.unacknowledged) == (100, 100, 10, 0)


def test_what_is_sent_takes_room_until_it_is_acknowledged() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(7)
    assert (cursor.room, cursor.unacknowledged) == (3, 7)
    cursor.acknowledge(5)
    assert (cursor.room, cursor.unacknowledged) == (8, 2)


def test_room_is_never_negative() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(25)
    assert cursor.room == 0


def test_a_lower_acknowledgement_changes_nothing() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(8)
    cursor.acknowledge(6)
    cursor.acknowledge(2)
    assert cursor.acked == 6


def test_bytes_that_were_never_sent_cannot_be_acknowledged() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(5)
    with pytest.raises(RemoteProtocolError) as caught:
        cursor.acknowledge(6)
    assert caught.value.code == "ack_beyond_sent"
    assert cursor.acked == 0


def test_a_cursor_does_not_go_back() -> None:
    cursor = Cursor(5, window=10)
    for move in (cursor.mark_sent, cursor.skip_to):
        with pytest.raises(LocalProtocolError, match="go back from 5 to 4"):
            move(4)
    assert cursor.sent == 5


def test_a_gap_takes_no_room() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(4)
    cursor.skip_to(1_000)
    assert (cursor.sent, cursor.room, cursor.unacknowledged) == (1_000, 6, 4)


def test_a_gap_needs_no_acknowledgement_of_its_own() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(10)
    cursor.skip_to(1_000)
    cursor.acknowledge(10)
    assert (cursor.acked, cursor.room) == (1_000, 10)


def test_the_end_of_a_gap_may_be_acknowledged_nevertheless() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(10)
    cursor.skip_to(1_000)
    cursor.acknowledge(1_000)
    assert (cursor.acked, cursor.room) == (1_000, 10)


def test_a_gap_with_nothing_unacknowledged_before_it_is_passed_at_once() -> None:
    cursor = Cursor(3, window=10)
    cursor.skip_to(50)
    assert (cursor.sent, cursor.acked, cursor.room) == (50, 50, 10)


def test_a_gap_of_nothing_is_nothing() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(4)
    cursor.skip_to(4)
    assert (cursor.sent, cursor.acked, cursor.room) == (4, 0, 6)


def test_bytes_between_gaps_are_counted_one_by_one() -> None:
    cursor = Cursor(0, window=10)
    cursor.mark_sent(2)
    cursor.skip_to(100)
    cursor.mark_sent(103)
    cursor.skip_to(200)
    cursor.mark_sent(204)
    assert (cursor.unacknowledged, cursor.room) == (9, 1)
    cursor.acknowledge(2)
    assert (cursor.acked, cursor.unacknowledged) == (100, 7)
    cursor.acknowledge(103)
    assert (cursor.acked, cursor.unacknowledged) == (200, 4)
    cursor.acknowledge(204)
    assert (cursor.acked, cursor.unacknowledged, cursor.room) == (204, 0, 10)


@pytest.mark.parametrize(
    ("offset", "end", "begins"),
    [(0, 0, 0), (0, 9, 0), (5, 9, 5), (9, 9, 9), (-1, 9, 8), (-9, 9, 0), (-10, 9, 0), (-1, 0, 0)],
)
def test_a_subscription_begins_at_its_offset_or_so_far_before_the_end(
    offset: int, end: int, begins: int
) -> None:
    assert Cursor.resolve(offset, end) == begins


def test_a_subscription_cannot_begin_beyond_the_end() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Cursor.resolve(10, 9)
    assert caught.value.code == "offset_beyond_end"
