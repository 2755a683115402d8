"""A hub's key: made once, for its owner alone, and refused where it is not whole."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arborlink.proof import keys
from arborlink.protocol.errors import InvalidInput, Unavailable

PROCESSES = 8


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    assert keys.find(tmp_path) is None
    key = keys.ensure(tmp_path)
    assert keys.ensure(tmp_path).public == key.public
    found = keys.find(tmp_path)
    assert found is not None and found.public == key.public
    assert stat.S_IMODE((tmp_path / keys.KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [keys.KEY_FILE]


def test_of_several_that_make_it_at_once_all_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(PROCESSES) as pool:
        made = list(pool.map(lambda _: keys.ensure(tmp_path).public, range(PROCESSES)))
    assert len(set(made)) == 1


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff" * 200])
def test_a_damaged_key_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / keys.KEY_FILE
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(Unavailable, match="cannot be used") as refused:
        keys.ensure(tmp_path)
    assert refused.value.code == "hub_key_unusable"
    assert file.read_bytes() == content


def test_a_key_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    keys.ensure(tmp_path)
    (tmp_path / keys.KEY_FILE).chmod(0o640)
    with pytest.raises(Unavailable, match="chmod 600"):
        keys.ensure(tmp_path)


def test_the_text_of_a_key_has_one_form(tmp_path: Path) -> None:
    public = keys.ensure(tmp_path).public
    assert keys.parse(f" {public}\n") == public
    # The last character has two bits that are no part of the key.
    other_end = public[:-1] + chr(ord(public[-1]) + 1)
    for wrong in (
        "",
        "ed25519:",
        public[:-1],
        public + "A",
        public.replace("ed", "rsa"),
        other_end,
    ):
        with pytest.raises(InvalidInput, match="arbor hub key"):
            keys.parse(wrong)
