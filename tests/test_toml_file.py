"""What is not as it should be in a file that people write is an error with the file's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arborlink.client import credentials
from arborlink.daemon import identity, policy
from arborlink.daemon.policy import PolicyError
from arborlink.hub.settings import load_settings
from arborlink.protocol.errors import InvalidInput
from arborlink.toml_file import MAX_BYTES, read_toml

ODD = {
    "no text": b"\xff\xfe",
    "nested": b"a = " + b"[" * 50_000,
    "nested tables": b"a = " + b"{b=" * 50_000,
    "too large": b"#" * (MAX_BYTES + 1),
    "no TOML": b"= =",
    "a number of many digits": b"port = " + b"9" * 5_000,
    "a NUL": b"a = '\0'",
}
WRONG = [
    b"hub = 5",
    b"[[hub]]",
    b"[hub]\ndata_dir = 5",
    b"[hub]\nport = 1979-05-27T07:32:00Z",
    b"[hub]\nport = 1e400",
    b"[hub]\nport = 99999999999999999999999999",
    b"[hub]\nallowed_hosts = [[1]]",
    b"[hub]\nowner_name = ''",
]


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_what_is_no_toml_is_refused_everywhere_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    file = tmp_path / "credentials.toml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_toml(file)
    for load, error in (
        (lambda: load_settings({}, {}, file), InvalidInput),
        (lambda: policy.load(file), PolicyError),
        (credentials.load, InvalidInput),
    ):
        _refused(load, error, file)
    # An identity that cannot be read is passed over.
    folder = tmp_path / "daemons" / "ws_1"
    folder.mkdir(parents=True)
    (folder / "identity.toml").write_bytes(content)
    assert identity.load_all() == []


def _refused(load: Callable[[], object], error: type[Exception], file: Path) -> None:
    with pytest.raises(error) as caught:
        load()
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("content", WRONG, ids=bytes.decode)
def test_settings_of_odd_types_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "arbor.toml"
    file.write_bytes(content)
    _refused(lambda: load_settings({}, {}, file), InvalidInput, file)


VALUES = st.recursive(
    st.sampled_from(["5", "-1", "1e999", "nan", "true", "''", "'x'", "1979-05-27", "{}", "[]"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=4,
)
NAMES = st.sampled_from(
    "port data_dir behind_proxy url token ca auth_token path allowed_commands command read_only "
    "max_tasks spool_bytes hub".split()
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(NAMES, VALUES, max_size=4), table=st.sampled_from(["", "[hub]\n"]))
def test_values_of_any_type_are_taken_or_refused_by_name(
    tmp_path: Path, values: dict[str, str], table: str
) -> None:
    file = tmp_path / "credentials.toml"
    file.write_text(table + "".join(f"{name} = {value}\n" for name, value in values.items()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARBOR_HOME", str(tmp_path))
        for load, error in (
            (lambda: load_settings({}, {}, file), InvalidInput),
            (lambda: policy.load(file), PolicyError),
            (credentials.load, InvalidInput),
        ):
            try:
                load()
            except error as refusal:
                assert str(file) in str(refusal) or "setting" in str(refusal).lower()
        folder = tmp_path / "daemons" / "ws_1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "identity.toml").write_bytes(file.read_bytes())
        identity.load_all()
