"""Rule by rule, the two halves of a log. Their random conversations are in `test_stream_pair`."""

import pytest

from arborlink.protocol.errors import LocalProtocolError, OffsetOutOfOrder, RemoteProtocolError
from arborlink.protocol.stream import Missing, ReceiveStream, SendStream


def sending(start: int = 0, end: int = 100, *, offset: int = 0, credit: int = 50) -> SendStream:
    """A sender whose peer has everything below `offset`."""
    stream = SendStream(start, end)
    stream.resume(offset, credit)
    return stream


# ── the sending half ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (5, 4), (-2, -1)])
def test_a_log_has_a_beginning_and_then_an_end(start: int, end: int) -> None:
    with pytest.raises(LocalProtocolError):
        SendStream(start, end)


def test_a_log_grows_and_never_shrinks() -> None:
    stream = SendStream(0, 10)
    stream.grow(15)
    with pytest.raises(LocalProtocolError, match="from 15 to 14"):
        stream.grow(14)
    assert stream.end == 15


def test_nothing_is_sent_before_the_peer_says_from_where() -> None:
    stream = SendStream(0, 10)
    assert not stream.attached
    assert stream.next_range(10) is None
    with pytest.raises(LocalProtocolError):
        stream.mark_sent(5)


def test_the_peers_offset_wins() -> None:
    stream = sending(offset=30, credit=20)
    assert stream.attached
    assert (stream.acked, stream.sent, stream.limit) == (30, 30, 50)
    assert stream.next_range(1_000) == (30, 50)


def test_a_peer_with_more_than_was_written_has_another_log() -> None:
    stream = SendStream(0, 10)
    with pytest.raises(RemoteProtocolError) as caught:
        stream.resume(11, 5)
    assert caught.value.code == "log_diverged"
    assert not stream.attached


def test_a_range_is_bounded_by_its_size_the_credit_and_the_end() -> None:
    assert sending().next_range(7) == (0, 7)
    assert sending().next_range(1_000) == (0, 50)
    assert sending(end=20).next_range(1_000) == (0, 20)


def test_what_is_on_its_way_is_not_sent_again() -> None:
    stream = sending()
    stream.mark_sent(30)
    assert stream.next_range(1_000) == (30, 50)
    assert stream.unacknowledged == 30
    stream.mark_sent(50)
    assert stream.next_range(1_000) is None


@pytest.mark.parametrize("to", [19, 101])
def test_only_what_exists_and_was_not_sent_can_be_sent(to: int) -> None:
    stream = sending()
    stream.mark_sent(20)
    with pytest.raises(LocalProtocolError, match="SendStream\\(start=0, acked=0, sent=20"):
        stream.mark_sent(to)
    assert stream.sent == 20


def test_an_acknowledgement_makes_room() -> None:
    stream = sending()
    stream.mark_sent(50)
    stream.acknowledge(40, credit=50)
    assert (stream.acked, stream.unacknowledged, stream.limit) == (40, 10, 90)
    assert not stream.all_acknowledged


def test_credit_may_shrink_below_what_is_on_its_way() -> None:
    stream = sending()
    stream.mark_sent(50)
    stream.acknowledge(10, credit=5)
    assert stream.next_range(1_000) is None


def test_a_late_acknowledgement_takes_no_credit_back() -> None:
    stream = sending()
    stream.mark_sent(50)
    stream.acknowledge(50, credit=50)
    stream.acknowledge(20, credit=50)
    assert (stream.acked, stream.limit) == (50, 100)
    assert stream.next_range(1_000) == (50, 100)


def test_bytes_that_were_never_written_cannot_be_acknowledged() -> None:
    stream = sending()
    with pytest.raises(RemoteProtocolError) as caught:
        stream.acknowledge(101, credit=50)
    assert caught.value.code == "ack_beyond_sent"
    assert stream.acked == 0


def test_what_an_earlier_connection_brought_may_be_acknowledged_on_the_next() -> None:
    stream = sending()
    stream.mark_sent(50)
    stream.detach()
    stream.resume(0, 50)
    stream.acknowledge(50, credit=50)
    assert (stream.acked, stream.sent, stream.unacknowledged) == (50, 50, 0)
    assert stream.next_range(1_000) == (50, 100)


def test_an_acknowledgement_of_an_earlier_connection_changes_nothing() -> None:
    stream = sending()
    stream.mark_sent(50)
    stream.detach()
    stream.acknowledge(50, credit=50)
    assert stream.acked == 0


def test_what_was_on_its_way_when_the_connection_broke_is_sent_again() -> None:
    stream = sending()
    stream.mark_sent(50)
    stream.acknowledge(20, credit=50)
    stream.detach()
    assert (stream.sent, stream.attached) == (20, False)
    assert stream.resume(20, 50) is None
    assert stream.next_range(1_000) == (20, 70)


def test_a_peer_that_fell_back_gets_what_it_lost() -> None:
    stream = sending(offset=60)
    stream.detach()
    assert stream.resume(10, 50) is None
    assert stream.next_range(1_000) == (10, 60)


def test_what_is_no_longer_kept_is_missing() -> None:
    stream = SendStream(0, 100)
    stream.prune(40)
    assert stream.resume(10, 50) == Missing(10, 40)
    assert stream.next_range(1_000) == (40, 60)


def test_a_gap_takes_no_credit_but_is_on_its_way_until_it_is_acknowledged() -> None:
    stream = SendStream(100, 100)
    assert stream.resume(10, 50) == Missing(10, 100)
    assert (stream.acked, stream.unacknowledged) == (100, 0)
    assert not stream.all_acknowledged
    stream.acknowledge(60, credit=50)
    assert not stream.all_acknowledged
    stream.acknowledge(100, credit=50)
    assert stream.all_acknowledged


@pytest.mark.parametrize(("start", "kept"), [(0, 20), (20, 20), (30, 30), (500, 100)])
def test_pruning_goes_forward_and_up_to_the_end(start: int, kept: int) -> None:
    stream = SendStream(20, 100)
    stream.prune(start)
    assert stream.start == kept


def test_all_is_acknowledged_when_the_peer_has_the_end() -> None:
    stream = sending(end=50)
    stream.mark_sent(50)
    stream.acknowledge(50, credit=50)
    assert stream.all_acknowledged
    stream.grow(51)
    assert not stream.all_acknowledged


# ── the receiving half ───────────────────────────────────────────────────────────────────────


def receiving(end: int = 10, *, window: int = 100) -> ReceiveStream:
    return ReceiveStream(end, window=window)


def test_what_follows_on_is_taken_whole() -> None:
    stream = receiving()
    assert stream.receive(10, 5) == 0
    assert (stream.end, stream.durable, stream.credit) == (15, 10, 100)


def test_of_an_overlap_only_the_rest_is_taken() -> None:
    stream = receiving()
    assert stream.receive(4, 20) == 6
    assert stream.end == 24


@pytest.mark.parametrize(("offset", "length"), [(0, 10), (3, 4), (9, 1), (10, 0)])
def test_what_is_known_is_dropped(offset: int, length: int) -> None:
    stream = receiving()
    assert stream.receive(offset, length) is None
    assert stream.end == 10


def test_what_begins_beyond_the_end_is_refused_by_the_offset_that_is_wanted() -> None:
    stream = receiving()
    with pytest.raises(OffsetOutOfOrder) as caught:
        stream.receive(11, 5)
    assert caught.value.want == 10
    assert stream.end == 10


def test_bytes_up_to_the_credit_are_taken_and_none_beyond_it() -> None:
    stream = receiving(window=5)
    with pytest.raises(RemoteProtocolError) as caught:
        stream.receive(10, 6)
    assert caught.value.code == "credit_exceeded"
    assert stream.end == 10
    assert stream.receive(10, 5) == 0


def test_repeats_are_not_held_to_the_credit() -> None:
    assert receiving(window=0).receive(0, 10) is None


def test_the_credit_counts_from_what_is_kept_for_good() -> None:
    stream = receiving(window=5)
    stream.receive(10, 5)
    stream.advance_durable(13)
    assert stream.receive(15, 3) == 0
    assert (stream.durable, stream.end) == (13, 18)


@pytest.mark.parametrize("offset", [9, 16])
def test_only_what_has_arrived_can_be_kept_and_is_kept_for_good(offset: int) -> None:
    stream = receiving()
    stream.receive(10, 5)
    with pytest.raises(LocalProtocolError):
        stream.advance_durable(offset)
    assert stream.durable == 10


def test_a_gap_takes_the_place_of_its_bytes_whatever_the_credit() -> None:
    stream = receiving(window=5)
    assert stream.receive_gap(10, 1_000) == (10, 1_000)
    assert stream.end == 1_000


def test_bytes_after_a_gap_are_held_to_the_same_credit_as_bytes_before_it() -> None:
    stream = receiving(window=5)
    stream.receive(10, 2)
    stream.receive_gap(12, 1_000)
    with pytest.raises(RemoteProtocolError, match="only 1003 were allowed"):
        stream.receive(1_000, 4)
    assert stream.receive(1_000, 3) == 0
    stream.advance_durable(500)
    assert stream.receive(1_003, 2) == 0


def test_of_a_gap_only_the_new_part_counts() -> None:
    stream = receiving()
    assert stream.receive_gap(4, 30) == (10, 30)
    assert stream.receive_gap(4, 30) is None


@pytest.mark.parametrize(("start", "end"), [(10, 10), (12, 10)])
def test_a_gap_is_neither_empty_nor_turned_round(start: int, end: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        receiving().receive_gap(start, end)
    assert caught.value.code == "empty_gap"


def test_a_gap_beyond_the_end_is_refused_by_the_offset_that_is_wanted() -> None:
    stream = receiving()
    with pytest.raises(OffsetOutOfOrder) as caught:
        stream.receive_gap(11, 20)
    assert caught.value.want == 10
    assert stream.end == 10


def test_what_has_arrived_but_is_not_kept_yet_is_counted_without_gaps() -> None:
    stream = ReceiveStream(window=100)
    stream.receive(0, 10)
    stream.receive_gap(10, 50)
    stream.receive(50, 5)
    assert stream.unacknowledged == 15
    stream.advance_durable(52)
    assert stream.unacknowledged == 3
