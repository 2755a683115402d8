"""One tree, with a status, a close code and a stable code each."""

from collections.abc import Iterator

import pytest

from arborlink.protocol import errors
from arborlink.protocol.errors import (
    ArborError,
    ConnectionReplaced,
    MalformedMessage,
    NotAuthenticated,
    OffsetOutOfOrder,
    TooManyRequests,
    WorkspaceTaken,
    may_reconnect,
)


def tree(root: type[ArborError], depth: int = 0) -> Iterator[tuple[int, type[ArborError]]]:
    yield depth, root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child, depth + 1)


CLASSES = [error for _, error in tree(ArborError)]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = [
        (name, int(http), int(close))
        for name, http, close in (
            line.replace("│", " ").replace("├──", "").replace("└──", "").split()[:3]
            for line in (errors.__doc__ or "").splitlines()
            if line.startswith("    ")
        )
    ]
    real = [(error.__name__, error.http_status, error.close_code) for error in CLASSES]
    assert drawn == real


def test_every_class_has_a_code_of_its_own() -> None:
    codes = [error.code for error in CLASSES]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", CLASSES)
def test_every_class_has_an_http_status_and_a_close_code_that_exist(
    error: type[ArborError],
) -> None:
    assert 400 <= error.http_status <= 599
    assert error.close_code in {1011, 1013} or 4000 <= error.close_code <= 4999


def test_an_error_may_carry_a_more_exact_code_and_what_it_is_about() -> None:
    plain, exact = MalformedMessage("text"), MalformedMessage("text", code="exact", ref="tsk_1")
    assert (plain.code, plain.ref) == ("malformed_message", None)
    assert (exact.code, exact.ref, exact.message, str(exact)) == ("exact", "tsk_1", "text", "text")
    assert MalformedMessage.code == "malformed_message"


def test_an_offset_error_names_the_offset_to_go_on_from() -> None:
    error = OffsetOutOfOrder("text", want=17, ref="tsk_1")
    assert (error.want, error.ref, error.code) == (17, "tsk_1", "offset_out_of_order")


def test_too_many_requests_says_when_to_come_back() -> None:
    assert TooManyRequests("text", retry_after=1.5).retry_after == 1.5


@pytest.mark.parametrize(
    ("code", "comes_back"),
    [
        *((code, True) for code in (1000, 1006, 1012, 4000, 4499, 5000)),
        *((code, False) for code in (4500, 4501, 4999)),
    ],
)
def test_a_peer_comes_back_unless_the_close_code_forbids_it(code: int, comes_back: bool) -> None:
    assert may_reconnect(code) is comes_back


@pytest.mark.parametrize(
    ("error", "comes_back"),
    [(NotAuthenticated, False), (WorkspaceTaken, False), (ConnectionReplaced, True)],
)
def test_a_refusal_is_final_and_a_replacement_is_not(
    error: type[ArborError], comes_back: bool
) -> None:
    assert may_reconnect(error.close_code) is comes_back
