"""Places that strangers share: whoever holds many makes room for who holds few."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.access.fair_pool import FairPool
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.networks import Network, network_of
from arborlink.hub.access.places import Key, Limits, Places
from arborlink.protocol.errors import TooManyRequests, Unavailable

NETWORKS = [
    Network(f"{region}.{site}.{customer}", f"{region}.{site}", f"{region}")
    for region in range(3)
    for site in range(3)
    for customer in range(3)
]


@given(
    st.lists(st.tuples(st.sampled_from(NETWORKS), st.booleans()), max_size=150),
    st.integers(1, 8),
    st.integers(1, 4),
)
def test_places_are_never_more_than_there_are_and_only_the_crowded_lose_one(
    steps: list[tuple[Network, bool]], size: int, per_customer: int
) -> None:
    pool: FairPool[int] = FairPool(size, per_customer=per_customer)
    inside: dict[int, Network] = {}
    for number, (network, leaves) in enumerate(steps):
        if leaves and inside:
            gone = next(iter(inside))
            pool.leave(gone)
            del inside[gone]
            continue
        before = Counter(each.region for each in inside.values())
        goes = pool.enter(number, network)
        if goes != number:
            inside[number] = network
            if goes is not None:
                lost = inside.pop(goes)
                if lost.region != network.region:
                    assert before[lost.region] > before[network.region] + 1
        assert len(pool) == len(inside) <= size
        assert all(member in pool for member in inside)
        held = Counter(each.customer for each in inside.values())
        assert all(pool.held_by(each) == held[each.customer] for each in NETWORKS)
        assert max(held.values(), default=0) <= per_customer


@given(st.lists(st.sampled_from(range(1 << 16)), min_size=40, max_size=200), st.integers(4, 20))
def test_no_flood_from_one_region_keeps_a_newcomer_from_elsewhere_out(
    flood: list[int], size: int
) -> None:
    pool: FairPool[int] = FairPool(size, per_customer=size)
    newcomer = network_of("192.0.2.1")
    for number, low in enumerate(flood):
        pool.enter(number, network_of(f"2001:db8:{low:x}::1"))
    assert pool.enter(-1, newcomer) != -1
    for number, low in enumerate(flood, len(flood)):
        pool.enter(number, network_of(f"2001:db8:{low:x}::1"))
    assert -1 in pool


def test_within_a_region_the_crowded_site_and_in_it_the_crowded_customer_gives_way() -> None:
    pool: FairPool[str] = FairPool(6, per_customer=6)
    for name, address in (
        ("a", "2001:db8:1:1::1"),
        ("b", "2001:db8:2:1::1"),
        ("c", "2001:db8:2:1::2"),
        ("d", "2001:db8:2:2::1"),
        ("e", "2001:db8:2:1::1"),
        ("f", "192.0.2.1"),
    ):
        assert pool.enter(name, network_of(address)) is None
    assert pool.enter("g", network_of("198.51.100.1")) == "b"
    assert pool.enter("h", network_of("2001:db8:1:2::1")) == "c"
    assert pool.enter("i", network_of("2001:db8:2:3::1")) == "i"
    assert pool.enter("e", network_of("2001:db8:2:1::1")) is None
    assert len(pool) == 6


def identity(user: str, token: str, role: str = "member", kind: str = "token") -> Identity:
    return Identity(user_id=user, username=user, role=role, kind=kind, token_id=token)  # type: ignore[arg-type]


def test_a_token_a_user_and_all_members_hold_so_many_places_and_owners_find_one() -> None:
    places = Places("things", Limits(per_token=2, per_user=3, in_all=16), code="too_many")
    mia, more, noa = identity("mia", "t1"), identity("mia", "t2"), identity("noa", "t3")
    owner = identity("olga", "t4", "owner")
    assert [places.acquire(mia) for _ in range(3)] == [None, None, Key("token", "t1")]
    assert [places.acquire(more) for _ in range(2)] == [None, Key("user", "mia token")]
    # The person's browser has a budget of its own.
    assert places.acquire(identity("mia", "s1", kind="session")) is None
    assert places.acquire(noa) is None
    for number in range(7):
        assert places.acquire(identity(f"user {number}", f"token {number}")) is None
    full = places.acquire(identity("late", "t5"))
    assert full == Key("members")
    assert places.acquire(owner) is None
    for_all, for_user = places.refusal(full), places.refusal(Key("user", "mia token"))
    assert isinstance(for_all, Unavailable) and for_all.code == "too_many"
    assert isinstance(for_user, TooManyRequests) and "3 things" in for_user.message
    for each in (mia, mia, more, noa, owner):
        places.release(each)
    assert places.acquire(mia) is None


def test_one_user_never_holds_more_than_a_quarter_of_few_places() -> None:
    places = Places("things", Limits(per_token=100, per_user=100, in_all=8), code="too_many")
    assert [places.acquire(identity("mia", "t")) is None for _ in range(3)] == [True, True, False]
