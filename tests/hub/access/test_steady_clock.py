"""What has expired stays so when the machine's clock goes back, also over a restart."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.access import Access, Environment
from arborlink.hub.access.browsers import LINK_SECONDS
from arborlink.hub.access.steady_clock import SteadyClock
from arborlink.hub.settings import HubSettings
from arborlink.hub.store.sqlite import SqliteStore
from arborlink.protocol.errors import NotAuthenticated

from .conftest import CHEAP_HASHER, identity_of

YEAR = 365 * 86_400.0


@dataclass
class Machine:
    """Two clocks, in seconds: one that is set, and one that is not."""

    wall: float = 1_000_000_000.0
    running: float = 0.0

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.running += seconds

    def environment(self) -> Environment:
        return Environment(
            unix_us=lambda: round(self.wall * 1_000_000), monotonic=lambda: self.running
        )


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10_000)), max_size=50))
def test_it_never_goes_back_and_never_stands_still(steps: list[tuple[bool, int]]) -> None:
    machine = Machine()
    environment = machine.environment()
    clock = SteadyClock(environment.unix_us, environment.monotonic, 0)
    before = clock()
    for is_set_back, seconds in steps:
        if is_set_back:
            machine.wall -= seconds
            assert clock() == before
        else:
            machine.pass_time(seconds)
            assert clock() == before + seconds * 1_000_000
        assert clock.behind_seconds() >= 0
        before = clock()


def test_it_follows_a_clock_that_is_set_forward() -> None:
    machine = Machine()
    environment = machine.environment()
    clock = SteadyClock(environment.unix_us, environment.monotonic, 0)
    clock()
    machine.wall += 100
    assert clock() == environment.unix_us()


async def open_hub(folder: Path, machine: Machine) -> tuple[SqliteStore, Access]:
    store = await SqliteStore.open(folder / "hub.sqlite3", lambda: "hub_1")
    return store, Access(store, HubSettings(), machine.environment(), hasher=CHEAP_HASHER)


async def test_an_expired_credential_stays_so_over_a_restart_with_a_slow_clock(
    tmp_path: Path,
) -> None:
    machine = Machine()
    store, access = await open_hub(tmp_path, machine)
    owner = identity_of(await access.bootstrap(None), None)
    _, token = await access.create_token(owner, "n", ["admin"], seconds=60)
    link = await access.create_sign_in_link()
    used = await access.create_sign_in_link()
    session = await access.browsers.sign_in_with_link(used.secret)
    machine.pass_time(YEAR)
    await access.note_time()
    await store.close()
    for back in (YEAR, 2 * YEAR):
        machine.wall -= back
        machine.running = 0.0
        store, access = await open_hub(tmp_path, machine)
        with pytest.raises(NotAuthenticated):
            access.authenticate_token(token)
        with pytest.raises(NotAuthenticated):
            access.authenticate_session(session.secret)
        with pytest.raises(NotAuthenticated):
            await access.browsers.sign_in_with_link(link.secret)
        await access.note_time()
        await store.close()


async def test_what_is_made_while_the_clock_is_behind_ends_in_its_time(tmp_path: Path) -> None:
    machine = Machine()
    store, access = await open_hub(tmp_path, machine)
    await access.bootstrap(None)
    access.environment.unix_us()
    machine.wall -= YEAR
    link = await access.create_sign_in_link()
    machine.pass_time(LINK_SECONDS)
    with pytest.raises(NotAuthenticated):
        await access.browsers.sign_in_with_link(link.secret)
    await store.close()


async def test_a_hub_whose_machine_is_behind_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine()
    store, access = await open_hub(tmp_path, machine)
    await access.note_time()
    assert store.latest_time() == machine.wall * 1_000_000
    machine.wall -= 3_600
    access = Access(store, HubSettings(), machine.environment(), hasher=CHEAP_HASHER)
    access.warn_of_slow_clock()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "3600 s behind" in caplog.text
    await store.close()
