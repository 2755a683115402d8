"""Rule by rule, the two ends of a connection. Their random conversations: `test_link_pair`."""

from collections.abc import Callable

import pytest

from arborlink.protocol.errors import (
    ArborError,
    LocalProtocolError,
    NotAuthenticated,
    TooManyRequests,
    Unavailable,
    WorkspaceTaken,
)
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.link import (
    AuthReceived,
    Close,
    HubLink,
    Link,
    LinkState,
    MessageReceived,
    Opened,
    PeerLink,
)
from arborlink.protocol.messages import (
    AnyMessage,
    ErrorMessage,
    Heartbeat,
    Subscribe,
    UnknownMessage,
    ViewerAuth,
    ViewerWelcome,
)
from arborlink.protocol.retry import MAX_CLOSE_REASON_BYTES, retry_after_of_close

AUTH = ViewerAuth(auth_token="secret")
WELCOME = ViewerWelcome(user_id="usr_1", scopes=[], limits=WireLimits())
MESSAGE = Subscribe(task_id="tsk_1")


def awaiting() -> HubLink:
    return HubLink(0.0)


def authenticating() -> HubLink:
    link = HubLink(0.0)
    link.receive(AUTH, 0.0)
    link.events()
    return link


def open_hub() -> HubLink:
    link = authenticating()
    link.welcome(WELCOME, 0.0)
    link.to_send()
    return link


def new_peer() -> PeerLink:
    return PeerLink(AUTH, 0.0)


def open_peer() -> PeerLink:
    link = PeerLink(AUTH, 0.0)
    link.receive(WELCOME, 0.0)
    link.to_send()
    link.events()
    return link


NOT_OPEN = pytest.mark.parametrize("make", [awaiting, authenticating, new_peer])
OPEN = pytest.mark.parametrize("make", [open_hub, open_peer])
ANY = pytest.mark.parametrize("make", [awaiting, authenticating, open_hub, new_peer, open_peer])


def close_code(link: Link) -> int:
    """The code of the close that ends what `link` sends."""
    last = link.to_send()[-1]
    assert isinstance(last, Close)
    assert link.state is LinkState.CLOSED
    return last.code


# ── opening ──────────────────────────────────────────────────────────────────────────────────


def test_a_peer_sends_its_auth_at_once_and_once() -> None:
    link = new_peer()
    assert link.wants_to_send
    assert link.to_send() == [AUTH]
    assert link.to_send() == []
    assert not link.wants_to_send


def test_the_hub_hands_the_auth_to_the_application() -> None:
    link = awaiting()
    link.receive(AUTH, 1.0)
    assert link.state is LinkState.AUTHENTICATING
    assert link.events() == [AuthReceived(AUTH)]
    assert link.events() == []


def test_a_welcome_opens_both_ends() -> None:
    hub, peer = authenticating(), new_peer()
    hub.welcome(WELCOME, 1.0)
    assert hub.to_send() == [WELCOME]
    peer.receive(WELCOME, 1.0)
    assert peer.events() == [Opened(WELCOME)]
    assert (hub.state, peer.state) == (LinkState.OPEN, LinkState.OPEN)


@pytest.mark.parametrize("make", [awaiting, open_hub])
def test_only_who_has_authenticated_is_welcomed_and_once(make: Callable[[], HubLink]) -> None:
    with pytest.raises(LocalProtocolError, match="cannot welcome"):
        make().welcome(WELCOME, 0.0)


@pytest.mark.parametrize("message", [MESSAGE, Heartbeat(sent_at=1), UnknownMessage("x"), WELCOME])
def test_the_first_message_must_be_auth(message: AnyMessage | UnknownMessage) -> None:
    link = awaiting()
    link.receive(message, 0.0)
    assert link.failure is not None
    assert link.failure.code == "auth_required"
    assert close_code(link) == 4400


@pytest.mark.parametrize("message", [AUTH, MESSAGE])
def test_nothing_is_said_between_auth_and_welcome(message: AnyMessage) -> None:
    link = authenticating()
    link.receive(message, 0.0)
    assert close_code(link) == 4400


def test_the_hubs_first_message_must_be_welcome() -> None:
    link = new_peer()
    link.receive(Heartbeat(sent_at=1), 0.0)
    assert close_code(link) == 4400


@pytest.mark.parametrize("early", [ErrorMessage(code="c", message="m"), UnknownMessage("x")])
def test_a_peer_bears_an_error_or_something_newer_before_the_welcome(
    early: AnyMessage | UnknownMessage,
) -> None:
    link = new_peer()
    link.receive(early, 0.0)
    assert link.state is LinkState.AUTHENTICATING
    assert link.events() == []


@pytest.mark.parametrize(("make", "seconds"), [(awaiting, 5), (authenticating, 5), (new_peer, 10)])
def test_who_does_not_get_through_in_time_is_closed(
    make: Callable[[], Link], seconds: float
) -> None:
    link = make()
    assert link.next_deadline() == seconds
    link.on_deadline(seconds - 0.001)
    assert link.state is not LinkState.CLOSED
    link.on_deadline(seconds)
    assert f"within {seconds} seconds" in str(link.failure)
    assert close_code(link) == 4408


# ── open ─────────────────────────────────────────────────────────────────────────────────────


@OPEN
def test_messages_pass_in_both_directions(make: Callable[[], HubLink | PeerLink]) -> None:
    link = make()
    link.send(MESSAGE)
    link.receive(MESSAGE, 1.0)
    assert link.to_send() == [MESSAGE]
    assert link.events() == [MessageReceived(MESSAGE)]


@NOT_OPEN
def test_nothing_can_be_sent_before_the_welcome(make: Callable[[], Link]) -> None:
    with pytest.raises(LocalProtocolError, match="cannot send"):
        make().send(MESSAGE)


@OPEN
@pytest.mark.parametrize("message", [AUTH, WELCOME])
def test_authentication_happens_once(
    make: Callable[[], HubLink | PeerLink], message: AnyMessage
) -> None:
    link = make()
    link.receive(message, 1.0)
    assert close_code(link) == 4400


def test_the_hub_answers_an_unknown_message_with_an_error() -> None:
    link = open_hub()
    link.receive(UnknownMessage("x" * 1_000_000), 1.0)
    [answer] = link.to_send()
    assert isinstance(answer, ErrorMessage)
    assert (answer.code, answer.ref) == ("unknown_message", "x" * 64)
    assert link.state is LinkState.OPEN


def test_a_peer_ignores_an_unknown_message_of_a_newer_hub() -> None:
    link = open_peer()
    link.receive(UnknownMessage("x"), 1.0)
    assert (link.to_send(), link.events()) == ([], [])


@OPEN
def test_heartbeats_are_answered_here_and_not_shown(
    make: Callable[[], HubLink | PeerLink],
) -> None:
    link = make()
    link.receive(Heartbeat(sent_at=7), 1.0)
    assert link.to_send() == [Heartbeat(sent_at=1_000_000, echo=7)]
    link.receive(Heartbeat(sent_at=8, echo=500_000), 1.0)
    assert (link.to_send(), link.events()) == ([], [])
    assert link.heartbeat.round_trip == 0.5


@OPEN
def test_a_silent_peer_is_probed_and_then_given_up(make: Callable[[], Link]) -> None:
    link = make()
    deadline = link.next_deadline()
    while deadline is not None:
        link.on_deadline(deadline)
        now, deadline = deadline, link.next_deadline()
    assert now == pytest.approx(15.0)
    assert [type(message) for message in link.to_send()] == [Heartbeat] * 2 + [Close]
    assert link.failure is not None
    assert link.failure.code == "peer_silent"


@OPEN
def test_a_deadline_that_comes_early_does_nothing(make: Callable[[], Link]) -> None:
    link = make()
    link.on_deadline(1.0)
    assert link.to_send() == []


# ── closing ──────────────────────────────────────────────────────────────────────────────────


@ANY
def test_a_closed_link_says_nothing_more(make: Callable[[], HubLink | PeerLink]) -> None:
    link = make()
    link.to_send()
    link.close(1012, "restart")
    assert link.to_send() == [Close(1012, "restart")]
    for message in (AUTH, WELCOME, MESSAGE, Heartbeat(sent_at=1), UnknownMessage("x")):
        link.receive(message, 2.0)
    link.on_deadline(1_000.0)
    link.close()
    link.fail(NotAuthenticated("late"))
    assert (link.to_send(), link.events(), link.next_deadline()) == ([], [], None)
    assert link.failure is None
    with pytest.raises(LocalProtocolError):
        link.send(MESSAGE)


@ANY
def test_the_first_failure_counts(make: Callable[[], Link]) -> None:
    link, first = make(), WorkspaceTaken("another daemon serves it")
    link.fail(first)
    link.fail(NotAuthenticated("too late"))
    assert link.failure is first
    assert close_code(link) == 4509


@ANY
def test_what_was_said_before_the_close_is_still_sent_but_not_over_a_broken_connection(
    make: Callable[[], Link],
) -> None:
    link = make()
    link.to_send()
    link.close()
    link.disconnected()
    assert link.to_send() == []
    assert link.state is LinkState.CLOSED


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_a_close_reason_fits_its_frame_and_is_whole_text(letter: str) -> None:
    link = open_hub()
    link.close(1000, letter * 200)
    [close] = link.to_send()
    assert isinstance(close, Close)
    size = len(close.reason.encode())
    assert MAX_CLOSE_REASON_BYTES - len(letter.encode()) < size <= MAX_CLOSE_REASON_BYTES
    assert set(close.reason) == {letter}


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Unavailable("the disk is slow"), 2),
        (Unavailable("€" * 200), 2),
        (Unavailable("the disk is slow", retry_after=0.3), 1),
        (TooManyRequests("too many", retry_after=7.2), 8),
        (Unavailable("x" * 200, retry_after=5), 5),
        (Unavailable("x" * 90, retry_after=5), 5),
        (NotAuthenticated("sign in again"), None),
    ],
)
def test_whoever_is_to_come_back_later_is_always_told_when(
    error: ArborError, seconds: float | None
) -> None:
    link = open_hub()
    link.fail(error)
    [close] = link.to_send()
    assert isinstance(close, Close)
    assert retry_after_of_close(close.code, close.reason) == seconds
    assert len(close.reason.encode()) <= MAX_CLOSE_REASON_BYTES
    assert close.reason.startswith(error.message[:8])
    assert close.reason.count("retry in") == (seconds is not None)
