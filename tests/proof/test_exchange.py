"""One question and its answer: in any pieces, with an end, and with nothing after it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.proof.exchange import MAX_ANSWER_BYTES, Answer, Exchange

PROOF = b'{"hubId":"hub_1"}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nX-Request-Id: r\r\n\r\n" + PROOF
IN_CHUNKS = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n" + PROOF + b"\r\n0\r\n\r\n"
)


def exchange() -> Exchange:
    asking = Exchange("hub.example.org", "/base")
    request = asking.request()
    assert request.startswith(b"GET /base/api/identity?nonce=")
    assert b"host: hub.example.org\r\n" in request.lower() and request.endswith(b"\r\n\r\n")
    return asking


@given(
    st.sampled_from([WHOLE, IN_CHUNKS]), st.lists(st.integers(1, 40), min_size=200, max_size=200)
)
def test_an_answer_may_come_in_any_pieces(answer: bytes, sizes: list[int]) -> None:
    asking, found = exchange(), None
    for size in sizes:
        piece, answer = answer[:size], answer[size:]
        if not piece:
            break
        assert found is None
        found = asking.receive(piece)
    assert found == Answer(200, PROOF, True)


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE + b"more",
        WHOLE.replace(b"X-Request-Id: r", b"Connection: close"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_nothing_may_follow_on_a_connection_that_ends_or_says_more(answer: bytes) -> None:
    assert exchange().receive(answer) == Answer(200, PROOF, False)


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.9\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 99]
)
def test_what_is_no_http_is_no_answer(answer: bytes) -> None:
    assert exchange().receive(answer + b"\r\n") == Answer(0, b"", False)


def test_an_answer_has_an_end() -> None:
    asking = exchange()
    assert asking.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n") is None
    found = asking.receive(b"x" * MAX_ANSWER_BYTES)
    assert found is not None and not found.reusable


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nConte", WHOLE[:-1]])
def test_a_connection_that_is_lost_has_not_answered(begun: bytes) -> None:
    asking = exchange()
    if begun:
        assert asking.receive(begun) is None
    assert asking.receive(b"") is None


def test_a_hub_that_has_no_time_says_for_how_long() -> None:
    busy = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"
    assert exchange().receive(busy) == Answer(503, b"", True, 5.0)
