"""Heartbeats and silence are the hub's settings: it keeps to them, and announces them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arborlink.hub.settings import load_settings
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.messages import Heartbeat
from tests.hub.live.bench import running_bench
from tests.hub.live.peers import Closed

SOON: dict[str, Any] = {"heartbeat_seconds": 0.2, "silence_seconds": 0.6}
DEAD = Closed(4408, "no answer to a heartbeat and nothing else for 0.6 seconds")


async def test_peers_that_answer_nothing_are_given_up_after_the_silence_that_is_set(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path, **SOON) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
            for peer in (daemon, viewer):
                limits = peer.welcome.limits
                assert (limits.heartbeat_seconds, limits.silence_seconds) == (0.2, 0.6)
                assert await peer.closed() == DEAD
                assert peer.seen(Heartbeat)


async def test_peers_that_answer_are_kept_for_many_silences(tmp_path: Path) -> None:
    async with running_bench(tmp_path, **SOON) as bench, bench.viewer() as viewer:
        for _ in range(9):
            beat = await viewer.expect(Heartbeat, lambda beat: beat.echo is None)
            await viewer.send(Heartbeat(sent_at=0, echo=beat.sent_at))
        await viewer.settle()


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ("heartbeat_seconds = 0.01", "heartbeat_seconds"),
        ("heartbeat_seconds = 61", "heartbeat_seconds"),
        ("silence_seconds = 601", "silence_seconds"),
        ("silence_seconds = 9", "silence_seconds is 9, but heartbeats come only every 5 seconds"),
        ("heartbeat_seconds = 8", "make it at least 16"),
    ],
)
def test_what_would_find_living_peers_dead_is_refused(
    tmp_path: Path, settings: str, refused: str
) -> None:
    file = tmp_path / "arbor.toml"
    file.write_text(f"[hub]\n{settings}\n")
    with pytest.raises(InvalidInput, match=refused):
        load_settings({}, {}, file)
