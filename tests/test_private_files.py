"""What is for one user alone is made so, kept so, and refused where another could replace it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from arborlink import private_files
from arborlink.client import credentials
from arborlink.client.credentials import Credentials
from arborlink.daemon import identity
from arborlink.daemon.identity import Identity
from arborlink.private_files import ensure_private, ensure_private_file, find_problem, make_folder
from arborlink.protocol.errors import InvalidInput
from tests.bounds import HANG_SECONDS
from tests.hub.live.bench import running_bench

# A user that has nothing to do with this one.
OTHER_UID = 54_321
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user gets into, as into all around it."""
    with tempfile.TemporaryDirectory() as name:
        for folder in (Path(name), *Path(name).parents):
            if not mode_of(folder) & stat.S_IXOTH:
                folder.chmod(mode_of(folder) | stat.S_IXOTH)
        yield Path(name)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=["umask 000", "umask 022", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_new_folder_is_private_and_so_is_what_it_is_made_in(tmp_path: Path) -> None:
    said: list[str] = []
    ensure_private(tmp_path / "a" / "b" / "hub", said.append)
    assert {mode_of(tmp_path / each) for each in ("a", "a/b", "a/b/hub")} == {0o700}
    assert said == []


@pytest.mark.usefixtures("umask")
async def test_all_that_a_hub_makes_is_private(tmp_path: Path) -> None:
    async with running_bench(tmp_path / "hub") as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await bench.create(identity.workspace_id)
            await daemon.running(task)
            await daemon.output(task, 0, b"output")
            await daemon.ended(task, b"output")
            await daemon.settled(task)
        made = [tmp_path / "hub", *(tmp_path / "hub").rglob("*")]
        assert any(each.suffix == ".log" for each in made)
        assert [each for each in made if mode_of(each) & 0o077] == []


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777, 0o711, 0o2770])
def test_a_folder_that_was_there_is_closed_and_that_is_said_once(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "data"
    (folder / "output").mkdir(parents=True)
    (folder / "hub.sqlite3").touch()
    for path, open_mode in ((folder / "output", 0o755), (folder / "hub.sqlite3", 0o644)):
        path.chmod(open_mode)
    folder.chmod(mode)
    said: list[str] = []
    ensure_private(folder, said.append)
    assert mode_of(folder) == mode & 0o7700
    assert (mode_of(folder / "output"), mode_of(folder / "hub.sqlite3")) == (0o700, 0o600)
    (line,) = said
    assert str(folder) in line and f"{mode:04o}" in line
    ensure_private(folder, said.append)
    assert said == [line]


def test_what_every_user_can_write_to_is_refused_on_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "shared" / "arbor"
    make_folder(folder)
    (tmp_path / "shared").chmod(0o777)
    with pytest.raises(InvalidInput, match="every user") as caught:
        ensure_private(folder)
    assert caught.value.code == "unsafe_folder" and "chmod go-w" in caught.value.message
    # Entries of such a folder are their owners' alone: /tmp.
    (tmp_path / "shared").chmod(0o1777)
    ensure_private(folder)


def test_a_group_with_others_in_it_is_refused_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shared" / "arbor"
    make_folder(folder)
    (tmp_path / "shared").chmod(0o770)
    monkeypatch.setattr(private_files, "_is_own_group", lambda gid: False)
    with pytest.raises(InvalidInput, match="group"):
        ensure_private(folder)
    # Not what this user's own group happens to be: some have that of many.
    monkeypatch.setattr(private_files, "_is_own_group", lambda gid: True)
    ensure_private(folder)


@AS_ROOT
@pytest.mark.parametrize("what", ["", "data", "data/hub.sqlite3", "data/output"])
def test_what_belongs_to_another_user_is_refused_by_name(tmp_path: Path, what: str) -> None:
    place = tmp_path / "place"
    make_folder(place / "data" / "output")
    (place / "data" / "hub.sqlite3").touch()
    os.chown(place / what, OTHER_UID, -1)
    with pytest.raises(InvalidInput, match=str(OTHER_UID)) as caught:
        ensure_private(place / "data")
    assert str(place / what) in caught.value.message and "chown" in caught.value.message


@AS_ROOT
def test_a_link_of_another_user_is_not_believed(tmp_path: Path) -> None:
    """In a folder like /tmp its owner can let it lead elsewhere at any time."""
    make_folder(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert find_problem(tmp_path / "link") is None
    os.chown(tmp_path / "link", OTHER_UID, -1, follow_symlinks=False)
    assert str(tmp_path / "link") in str(find_problem(tmp_path / "link"))


@AS_ROOT
def test_a_folder_that_root_gave_may_be_open_and_is_spoken_of(open_folder: Path) -> None:
    """The root of a container's volume: its user cannot change the mode."""
    script = (
        "import os, sys; from pathlib import Path; from arborlink.private_files import *\n"
        f"os.setgroups([]); os.setgid({OTHER_UID}); os.setuid({OTHER_UID})\n"
        "ensure_private(Path(sys.argv[1]), print)"
    )
    for mode, expected, said in ((0o755, 0, "can look into"), (0o777, 1, "every user can write")):
        volume = open_folder / f"{mode:o}"
        volume.mkdir()
        volume.chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", script, str(volume)],
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
        assert done.returncode == expected and said in done.stdout + done.stderr, done.stderr


@AS_ROOT
def test_the_root_of_a_volume_may_be_open_and_is_spoken_of(open_folder: Path) -> None:
    """Those that clusters make are: their one user could change nothing about it."""
    script = (
        "import os, sys; from pathlib import Path; from arborlink.private_files import *\n"
        "os.chmod(sys.argv[1], 0o777)\n"
        f"os.setgroups([]); os.setgid({OTHER_UID}); os.setuid({OTHER_UID})\n"
        "ensure_private(Path(sys.argv[1]), print); ensure_private(Path(sys.argv[1], 'hub'), print)"
    )
    volume = open_folder / "volume"
    volume.mkdir()
    mount = 'mount -t tmpfs tmpfs "$1" && exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, "sh", str(volume), sys.executable, script],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("mounting is not permitted here")
    assert done.returncode == 0, done.stderr
    assert f"{volume} can be changed by every user" in done.stdout


@pytest.mark.parametrize(
    ("members", "primary", "is_own"),
    [([], 1, True), (["me"], 1, True), (["root"], 1, True), (["other"], 1, False), ([], 2, False)],
)
def test_a_group_is_ones_own_if_no_one_else_is_in_it(
    monkeypatch: pytest.MonkeyPatch, members: list[str], primary: int, is_own: bool
) -> None:
    class Entry(SimpleNamespace):
        """One of the system's database."""

    gid, users = 4_321, [("root", 0, 0), ("me", os.geteuid(), 4_321), ("other", OTHER_UID, 0)]
    if primary == 2:
        users[2] = ("other", OTHER_UID, gid)
    entries = [Entry(pw_name=name, pw_uid=uid, pw_gid=group) for name, uid, group in users]
    monkeypatch.setattr("pwd.getpwall", lambda: entries)
    monkeypatch.setattr("grp.getgrgid", lambda _: Entry(gr_mem=members))
    assert private_files._is_own_group(gid) is is_own


@AS_ROOT
def test_a_file_with_a_token_is_closed_and_another_users_is_not_used(tmp_path: Path) -> None:
    """By those who are not root, as root can read everything anyway."""
    file = tmp_path / "credentials.toml"
    file.write_text("x")
    file.chmod(0o644)
    said: list[str] = []
    ensure_private_file(file, said.append)
    assert mode_of(file) == 0o600 and len(said) == 1
    os.chown(file, OTHER_UID, -1)
    ensure_private_file(file, said.append)


def test_new_credentials_are_private_and_so_is_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path / "new"))
    file = credentials.save(Credentials("http://127.0.0.1:4000", "token"))
    assert (mode_of(file.parent), mode_of(file)) == (0o700, 0o600)


def test_credentials_are_closed_by_the_command_that_uses_them(tmp_path: Path) -> None:
    """And it says so, once."""
    file = tmp_path / "credentials.toml"
    file.write_text('[hub]\nurl = "http://nowhere"\ntoken = "token"\n')  # refused before it is used
    file.chmod(0o664)
    for count in (1, 0):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "arborlink.cli", "workspaces"],
            env={"ARBOR_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
        assert done.returncode == 1
        assert done.stderr.count(f"{file} (its mode was 0664)") == count, done.stderr
        assert mode_of(file) == 0o600


@pytest.mark.parametrize("command", ["hub", "daemon"])
def test_what_a_process_keeps_is_closed_when_it_starts(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said in its log, where it says everything."""
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    folder = tmp_path / ("hub" if command == "hub" else "daemons/ws_1")
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    identity.save(Identity("http://127.0.0.1:1", "ws_1", "dmn_1", "token", str(workspace)))
    words = ["hub", "--port", "0"] if command == "hub" else ["daemon", str(workspace)]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "arborlink.cli", *words],
        env={**os.environ, "ARBOR_HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if str(folder) in line:
                break
        assert "0755" in line and "now it is private" in line
        assert mode_of(folder) == 0o700
    finally:
        process.terminate()
        process.communicate(timeout=HANG_SECONDS)


@pytest.mark.parametrize("command", ["hub", "daemon"])
def test_a_process_does_not_start_where_another_user_could_replace_what_it_keeps(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "open"
    monkeypatch.setenv("ARBOR_HOME", str(place))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    identity.save(Identity("http://127.0.0.1:1", "ws_1", "dmn_1", "token", str(workspace)))
    place.chmod(0o777)
    words = ["hub", "--port", "0"] if command == "hub" else ["daemon", str(workspace)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "arborlink.cli", *words],
        env={**os.environ, "ARBOR_HOME": str(place)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 1
    assert f"{place} can be changed by every user" in done.stderr
