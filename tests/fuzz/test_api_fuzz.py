"""The HTTP API of a live hub under requests made from its own description (`make fuzz`).

What is asked of each answer: no 5xx, a status, a type and a body that the description names,
nothing without a credential, 405 where a method is not spoken.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.arbor import Arbor
from tests.fuzz.seconds import SECONDS

pytestmark = pytest.mark.fuzz

ROOT: Final = Path(__file__).parents[2]
FUZZER: Final = ROOT / ".venv" / "fuzz" / "bin" / "schemathesis"
CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
# It ends what it has begun, and says what it found.
LAST_WORDS_SECONDS: Final = 120
# One client asks all the time: what holds back one that asks too often has tests of its own.
HUB: Final = """
[hub]
requests_per_second = 1_000_000
requests_burst = 1_000_000
address_requests_per_second = 1_000_000
address_requests_burst = 1_000_000
failed_authentications_per_minute = 1_000_000
queued_tasks_per_workspace = 1_000_000
"""
POLICY: Final = """
allowed_commands = ["true", "echo"]
max_run_seconds = 5.0
"""


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Arbor]:
    """A hub that answers as often as it is asked, and a daemon that does nothing but harmless."""
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    settings = tmp_path / "hub.toml"
    settings.write_text(HUB)
    arbor.hub_options = ["--config", str(settings)]
    try:
        arbor.start_hub()
        arbor.start_daemon()
        (arbor.home / "daemons" / arbor.workspace_id / "arbor.toml").write_text(POLICY)
        yield arbor
    finally:
        arbor.stop()


def kept(arbor: Arbor) -> list[str]:
    """The ids of what the fuzzer itself lives of: its account, its tokens, its machine."""
    workspace: Any = arbor.api(f"/api/workspaces/{arbor.workspace_id}")
    me: Any = arbor.api("/api/me")
    tokens: Any = arbor.api("/api/tokens")
    own = [each["id"] for each in tokens["items"]]
    return [workspace["id"], workspace["daemonId"], me["userId"], *own]


def test_every_answer_is_one_that_the_description_names(limited: Arbor, tmp_path: Path) -> None:
    assert FUZZER.exists(), "`make fuzz` installs the fuzzer"
    environment = {
        **limited.environment(),
        "ARBOR_FUZZ_KEPT": " ".join(kept(limited)),
        "ARBOR_FUZZ_SEED": "1",
        "PYTHONPATH": str(ROOT),
    }
    fuzzed = subprocess.run(
        [
            *(FUZZER, "--config-file", CONFIG, "run", f"{limited.url}/api/openapi.json"),
            *("--max-time", str(SECONDS), "--no-color"),
        ],
        env=environment,
        cwd=tmp_path,
        timeout=SECONDS + LAST_WORDS_SECONDS,
        check=False,
    )
    assert fuzzed.returncode == 0
    assert limited.state() == "connected"
    # It met a hub that works: some of what it asked for has run.
    completed: Any = limited.api("/api/tasks?status=completed")
    assert completed["items"]
    assert "Traceback" not in limited.log("hub") + limited.log("daemon")
    assert set(os.listdir(limited.workspace)) == set()
