"""Room for connections: whoever comes to ask gets in, the longest idle one goes."""

from __future__ import annotations

from arborlink.hub.front.lobby import Lobby


def test_the_longest_idle_connection_of_an_address_goes_first() -> None:
    lobby: Lobby[str] = Lobby(total=9, per_address=2)
    assert [lobby.enter(name, "a") for name in ("one", "two")] == [None, None]
    lobby.busy("one")
    lobby.idle("one")

    assert lobby.enter("three", "a") == "two"
    assert lobby.enter("four", "b") is None
    assert len(lobby) == 3


def test_a_busy_connection_never_goes_for_its_own_network_and_the_newcomer_is_refused() -> None:
    lobby: Lobby[str] = Lobby(total=9, per_address=2)
    for name in ("one", "two"):
        lobby.enter(name, "a")
        lobby.busy(name)

    assert lobby.enter("three", "a") == "three"
    assert len(lobby) == 2
    lobby.leave("one")
    assert lobby.enter("three", "a") is None


def test_a_full_lobby_makes_room_at_the_cost_of_the_most_crowded_address() -> None:
    lobby: Lobby[str] = Lobby(total=4, per_address=3)
    for name in ("a1", "a2", "a3"):
        lobby.enter(name, "a")
    assert lobby.enter("b1", "b") is None

    assert lobby.enter("c1", "c") == "a1"


def test_without_an_idle_one_the_most_crowded_network_gives_way_unless_its_senders_are_known() -> (
    None
):
    lobby: Lobby[str] = Lobby(total=4, per_address=3)
    for name, address in (("a1", "10.0.0.1"), ("a2", "10.0.7.2"), ("a3", "10.0.9.3"), ("b1", "b")):
        assert lobby.enter(name, address) is None
        lobby.busy(name)
    lobby.known("a1")
    assert lobby.enter("a4", "10.0.3.4") == "a4"
    assert lobby.enter("c1", "c") == "a2"
    lobby.busy("c1")
    # Nobody holds more now than the newcomer would.
    assert lobby.enter("d1", "d") == "d1"
    lobby.idle("a3")
    lobby.busy("a3")
    lobby.known("b1")
    assert lobby.enter("d1", "d") == "d1"


def test_a_proxy_is_held_to_the_total_alone() -> None:
    lobby: Lobby[str] = Lobby(total=3, per_address=1)

    assert [lobby.enter(name, "p", exempt=True) for name in "xyz"] == [None, None, None]
    assert lobby.enter("w", "p", exempt=True) == "x"


def test_what_a_proxy_brought_never_gives_way_while_it_is_busy() -> None:
    lobby: Lobby[str] = Lobby(total=3, per_address=3)
    for name in "xyz":
        lobby.enter(name, "p", exempt=True)
        lobby.busy(name)

    assert lobby.enter("a", "a") == "a"


def test_what_has_left_leaves_nothing_behind() -> None:
    lobby: Lobby[str] = Lobby(total=1, per_address=1)
    for name in ("one", "two", "three"):
        assert lobby.enter(name, name) is None
        lobby.busy(name)
        lobby.leave(name)
        lobby.leave(name)
        lobby.idle(name)

    assert len(lobby) == 0
    assert not lobby._idle
    assert not lobby._from
