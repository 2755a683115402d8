"""No limit without its default, its setting and its proofs: see `table`."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import get_type_hints

import pytest

from arborlink.daemon import policy
from arborlink.durations import SETTING_SUFFIX
from arborlink.hub import settings
from arborlink.hub.settings import HubLimits, HubSettings, load_settings
from arborlink.protocol import limits
from arborlink.protocol.errors import InvalidInput
from tests.hub.limits.table import DAEMON, HUB, WIRE, Limit

TESTS = Path(__file__).parent.parent.parent
HUB_SOURCES = Path(settings.__file__).parent
# Of `protocol.limits`: units, and what is used when nothing else is asked for.
NO_LIMITS = {"KIB", "MIB", "GIB", "DEFAULT_GRACE_SECONDS"}
# What another limit must be for one to be low.
BESIDE = {"silence_seconds": "heartbeat_seconds = 0.5"}
# Of a policy: what is allowed, rather than how much.
NO_AMOUNTS = {
    "allowed_commands",
    "command",
    "forbidden_environment",
    "allow_environment",
    "read_only",
    "sandbox",
}


def constants() -> set[str]:
    """The limits of the protocol that are no setting's default."""
    named = {name for name in vars(limits) if re.fullmatch(r"[A-Z_]+", name)}
    return named - NO_LIMITS - {name.upper() for name in (*HUB, *DAEMON)}


def test_no_limit_is_left_out() -> None:
    assert set(HubLimits.__struct_fields__) == set(HUB)
    assert set(policy.Policy.__struct_fields__) - NO_AMOUNTS == set(DAEMON)
    assert constants() == set(WIRE)


def test_the_defaults_are_the_contracts() -> None:
    hub, daemon = HubSettings(), policy.Policy()
    assert {name: getattr(hub, name) for name in HUB} == defaults(HUB)
    assert {name: getattr(daemon, name) for name in DAEMON} == defaults(DAEMON)
    assert {name: getattr(limits, name) for name in WIRE} == defaults(WIRE)


def defaults(table: dict[str, Limit]) -> dict[str, float | None]:
    return {name: limit.default for name, limit in table.items()}


@pytest.mark.parametrize("name", sorted(HUB))
def test_a_limit_of_the_hub_is_a_setting_and_something_reads_it(tmp_path: Path, name: str) -> None:
    default = HUB[name].default
    assert default is not None
    file = tmp_path / "arbor.toml"
    for value in (int(default) - 1, 1):
        file.write_text(f"[hub]\n{name} = {value}\n{BESIDE.get(name, '')}\n")
        assert getattr(load_settings({}, {}, file), name) == value
    file.write_text(f"[hub]\n{name} = -1\n")
    with pytest.raises(InvalidInput, match=name):
        load_settings({}, {}, file)
    readers = [
        source
        for source in HUB_SOURCES.rglob("*.py")
        if source != Path(settings.__file__) and re.search(rf"\.{name}\b", source.read_text())
    ]
    assert readers


@pytest.mark.parametrize("name", sorted(DAEMON))
def test_a_limit_of_a_daemon_is_a_setting(tmp_path: Path, name: str) -> None:
    file = tmp_path / "arbor.toml"
    file.write_text(f"{name} = 7\n")
    assert getattr(policy.load(file), name) == 7


# Two whose bounds are their own, and depend on each other.
LIVENESS = {"heartbeat_seconds", "silence_seconds"}
DURATIONS = sorted(name for name in HUB if name.endswith(SETTING_SUFFIX) and name not in LIVENESS)


def test_what_is_named_as_a_duration_is_one_and_nothing_else_is() -> None:
    durations = (settings.Seconds, settings.Grace, settings.Keeping)
    kinds = get_type_hints(HubLimits, include_extras=True)
    assert {name for name, kind in kinds.items() if kind in durations} == set(DURATIONS)


@pytest.mark.parametrize("name", DURATIONS)
def test_a_duration_of_the_hub_may_have_units(tmp_path: Path, name: str) -> None:
    file = tmp_path / "arbor.toml"
    for text, seconds in (('"2s"', 2), ('"0.5m"', 30), ('"1500ms"', 1.5), ('"7"', 7), ("7", 7)):
        file.write_text(f"[hub]\n{name} = {text}\n")
        assert getattr(load_settings({}, {}, file), name) == seconds
    for text in ("soon", "5 fortnights", "", "-5s", "99w99", "5000d"):
        file.write_text(f'[hub]\n{name} = "{text}"\n')
        with pytest.raises(InvalidInput, match=rf"arbor\.toml, \[hub\]: {name}") as caught:
            load_settings({}, {}, file)
        assert caught.value.code == settings.INVALID_SETTING


def test_heartbeats_and_silence_may_have_units(tmp_path: Path) -> None:
    file = tmp_path / "arbor.toml"
    file.write_text('[hub]\nheartbeat_seconds = "500ms"\nsilence_seconds = "0.5m"\n')
    read = load_settings({}, {}, file)
    assert (read.heartbeat_seconds, read.silence_seconds) == (0.5, 30)
    for name in LIVENESS:
        file.write_text(f'[hub]\n{name} = "soon"\n')
        with pytest.raises(InvalidInput, match=rf"arbor\.toml, \[hub\]: {name}"):
            load_settings({}, {}, file)


def test_a_duration_of_a_daemon_may_have_units(tmp_path: Path) -> None:
    file = tmp_path / "arbor.toml"
    file.write_text('max_run_seconds = "1h30m"\n')
    assert policy.load(file).max_run_seconds == 5_400
    file.write_text('max_run_seconds = "1 fortnight"\n')
    with pytest.raises(policy.PolicyError, match="max_run_seconds: '1 fortnight' is not a dur"):
        policy.load(file)
    file.write_text("max_run_seconds = true\n")
    with pytest.raises(policy.PolicyError, match="max_run_seconds has to be a number"):
        policy.load(file)


def test_what_is_no_duration_has_no_units(tmp_path: Path) -> None:
    file = tmp_path / "arbor.toml"
    file.write_text('[hub]\nrequests_per_second = "5s"\n')
    with pytest.raises(InvalidInput, match="requests_per_second has to be a number, not text"):
        load_settings({}, {}, file)


@cache
def functions_of(file: str) -> frozenset[str]:
    """The names of a file's tests."""
    module = ast.parse((TESTS / file).read_text())
    functions = (
        each for each in module.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return frozenset(each.name for each in functions)


@pytest.mark.parametrize(
    ("name", "limit"),
    [*HUB.items(), *DAEMON.items(), *WIRE.items()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_limit_has_proofs(name: str, limit: Limit) -> None:
    assert limit.proofs, name
    for proof in limit.proofs:
        file, test = proof.split("::")
        assert test in functions_of(file), proof
