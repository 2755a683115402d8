"""A backup is a file from elsewhere: what it says is checked before anything is made of it."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import lzma
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub import backup
from arborlink.hub.app import LAYOUT
from arborlink.hub.backup_reading import MAX_FILE_BYTES
from arborlink.hub.lock import only_one
from arborlink.hub.store.sqlite import DATABASE_FILE, SqliteStore
from arborlink.outputlog import OutputLog
from arborlink.protocol.errors import ArborError, InvalidInput

from .store import rows

TASK: Final = rows.task_id(1)
LOG: Final = f"{LAYOUT.stem(TASK)}.log"
OUTPUT: Final = b"0123456789" * 20
MIB: Final = 1024 * 1024
DATABASE: Final = f"{DATABASE_FILE}@0"


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "", **fields: int
) -> bytes:
    """One member of a tar file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def members(archive: bytes) -> dict[str, bytes]:
    """Those of a backup, by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def archive_of(parts: dict[str, bytes], *more: bytes) -> bytes:
    """A tar file; `more` are members that come before the manifest."""
    manifest = parts.get("backup.json@0")
    first = b"".join(member(k, v) for k, v in parts.items() if k != "backup.json@0")
    last = b"" if manifest is None else member("backup.json@0", manifest)
    return first + b"".join(more) + last + bytes(1024)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup of a hub with one task."""
    folder = tmp_path_factory.mktemp("whole")

    async def make() -> None:
        store = await SqliteStore.open(folder / "a" / DATABASE_FILE, lambda: "hub_1")
        await store.ensure_owner(rows.OWNER)
        await store.add_workspace(rows.workspace(1))
        await store.add_task(rows.task(1))
        await store.close()

    asyncio.run(make())
    stem = folder / "a" / LAYOUT.stem(TASK)
    stem.parent.mkdir(parents=True)
    log = OutputLog.create(stem, "ab" * 16)
    log.append(OUTPUT, is_error=False, time_us=0)
    log.sync()
    log.close()
    backup.back_up(folder / "a", LAYOUT, folder / "a.tar")
    return (folder / "a.tar").read_bytes()


def files_below(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


def refused(source: Path, why: str, *, room: int | None = None) -> ArborError:
    """The refusal of a backup, after which everything is as it was before."""
    place = source.parent
    before = files_below(place)
    free = {} if room is None else {"free": lambda _: room}
    with pytest.raises(ArborError, match=why) as caught:
        backup.restore(source, place / "data", LAYOUT, **free)
    assert files_below(place) == before
    return caught.value


def huge_number() -> bytes:
    info = tarfile.TarInfo(f"{LOG}@0")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\x80" + b"\xff" * 11  # a size of 2**88 - 1, as GNU tar writes numbers
    return _with_checksum(header)


def negative_size() -> bytes:
    header = bytearray(tarfile.TarInfo(f"{LOG}@0").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 12
    return _with_checksum(header)


def _with_checksum(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


OTHERS: Final[dict[str, bytes]] = {
    "a link": member(f"{LOG}@0", kind=tarfile.SYMTYPE, link="/etc/passwd"),
    "a hard link": member(f"{LOG}@0", kind=tarfile.LNKTYPE, link=DATABASE),
    "a character device": member(f"{LOG}@0", kind=tarfile.CHRTYPE, devmajor=1, devminor=5),
    "a block device": member(f"{LOG}@0", kind=tarfile.BLKTYPE),
    "a pipe": member(f"{LOG}@0", kind=tarfile.FIFOTYPE),
    "a folder": member("output", kind=tarfile.DIRTYPE),
    "a sparse file": member(f"{LOG}@0", kind=tarfile.GNUTYPE_SPARSE),
    "a long header": member("././@PaxHeader", b"9 path=x\n", kind=tarfile.XHDTYPE),
    "a long name": member("././@LongLink", b"x" * 300, kind=tarfile.GNUTYPE_LONGNAME),
    "an absolute path": member("/etc/arbor@0", b"x"),
    "a path upwards": member("output/../../arbor@0", b"x"),
    "a path through here": member(f"output/./{TASK[-2:]}/{TASK}.log@0", b"x"),
    "a file of its own": member("hub.sqlite3-wal@0", b"x"),
    "a task in another folder": member(f"output/zz/{TASK}.log@0", b"x"),
    "a name with a line feed": member("backup.json\n@0", b"x"),
    "a name without a place": member("backup.json", b"x"),
    "a place in other digits": member("backup.json@\u0661", b"x"),
    "a place beyond 2**63": member(f"{LOG}@9999999999999999999", b"x"),
    "a place beyond all disks": member(f"{LOG}@{MAX_FILE_BYTES}", b"x"),
    "a huge size": huge_number(),
    "a size below nothing": negative_size(),
    "a large member": member(f"{LOG}@0", bytes(2 * MIB)),
    "a file twice": member(DATABASE, b"x"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["tar", "tar.gz"])
@pytest.mark.parametrize("what", OTHERS)
def test_what_no_backup_holds_is_refused_by_name(
    whole: bytes, tmp_path: Path, what: str, packed: bool
) -> None:
    parts = members(whole)
    if what not in ("a file twice", "a folder"):
        parts = {name: data for name, data in parts.items() if not name.startswith(LOG)}
    content = archive_of(parts, OTHERS[what])
    source = tmp_path / "bad.tar"
    source.write_bytes(gzip.compress(content) if packed else content)
    assert isinstance(refused(source, "not a backup|there twice"), InvalidInput)


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": 10**400},
        {"outputBytes": 10**400},
        {"tasks": -1},
        {"outputBytes": 1.5},
        {"format": 2},
        {"format": 10**30},
        {"createdAt": "x" * 1_000},
        {"hubId": None},
        {"outputBytes": len(OUTPUT) + 1},
        {"tasks": 0},
    ],
    ids=str,
)
def test_a_manifest_that_does_not_fit_is_refused(
    whole: bytes, tmp_path: Path, changes: dict[str, object]
) -> None:
    parts = members(whole)
    said = json.loads(parts["backup.json@0"]) | changes
    parts["backup.json@0"] = json.dumps(said).encode()
    (tmp_path / "bad.tar").write_bytes(archive_of(parts))
    refused(tmp_path / "bad.tar", "backup|format")


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 40, b"[" * 60_000, b'{"format": 1}', b" " * 100_000],
    ids=["nothing", "no text", "nested", "too little", "too much"],
)
def test_a_manifest_that_is_none_is_refused(whole: bytes, tmp_path: Path, content: bytes) -> None:
    parts = members(whole) | {"backup.json@0": content}
    (tmp_path / "bad.tar").write_bytes(archive_of(parts))
    refused(tmp_path / "bad.tar", "backup")


@pytest.mark.parametrize("missing", [DATABASE, "backup.json@0"])
def test_a_backup_without_one_of_its_parts_is_refused(
    whole: bytes, tmp_path: Path, missing: str
) -> None:
    parts = {name: data for name, data in members(whole).items() if name != missing}
    (tmp_path / "bad.tar").write_bytes(archive_of(parts))
    refused(tmp_path / "bad.tar", "backup")


def bomb() -> bytes:
    """A file of 64 MiB that takes 64 KiB."""
    pieces = (member(f"{LOG}@{n * MIB}", bytes(MIB)) for n in range(64))
    return gzip.compress(b"".join(pieces))


def many() -> bytes:
    """Members without any content, 32 MiB of their headers in 50 KiB."""
    return gzip.compress(member(f"{LOG}@0") + member(f"{LOG}@1") * (64 * 1024))


def small_steps() -> bytes:
    """A byte a member."""
    return gzip.compress(b"".join(member(f"{LOG}@{n}", b"x") for n in range(4 * 1024)))


@pytest.mark.parametrize("make", [bomb, many, small_steps])
def test_a_backup_that_unpacks_to_more_than_there_is_room_for_is_refused_unwritten(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    (tmp_path / "bad.tar.gz").write_bytes(make())
    error = refused(tmp_path / "bad.tar.gz", "bytes", room=MIB)
    assert error.code in ("backup_too_large", "backup_invalid")


def test_a_backup_that_fits_is_restored_and_one_byte_less_does_not(
    whole: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.tar").write_bytes(whole)
    needed = next(
        room
        for room in range(0, 10 * MIB, 512)
        if _fits(tmp_path / "a.tar", tmp_path / "x" / str(room), room)
    )
    assert needed >= len(whole) - 10_240
    assert not _fits(tmp_path / "a.tar", tmp_path / "y", needed - 512)


def _fits(source: Path, data: Path, room: int) -> bool:
    try:
        backup.restore(source, data, LAYOUT, free=lambda _: room)
    except InvalidInput as error:
        assert error.code == "backup_too_large"
        return False
    return True


def test_other_packings_are_not_unpacked(whole: bytes, tmp_path: Path) -> None:
    """Theirs may ask for gigabytes of memory before the first byte."""
    (tmp_path / "bad.tar.xz").write_bytes(lzma.compress(whole))
    refused(tmp_path / "bad.tar.xz", "not a backup")


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_packed_file_that_was_cut_short_or_changed_is_refused(
    whole: bytes, tmp_path: Path, cut: int
) -> None:
    packed = gzip.compress(whole)
    (tmp_path / "bad.tar.gz").write_bytes(packed[:-cut])
    refused(tmp_path / "bad.tar.gz", "cut short")
    damaged = bytearray(packed)
    damaged[-6] ^= 1  # its checksum
    (tmp_path / "bad.tar.gz").write_bytes(damaged)
    refused(tmp_path / "bad.tar.gz", "cannot be unpacked")


# ── folders ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(whole: bytes, tmp_path: Path) -> Path:
    """The same backup as a folder."""
    copy = tmp_path / "copy"
    for name, data in members(whole).items():
        file, _, position = name.rpartition("@")
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        with (copy / file).open("ab") as stream:
            stream.truncate(int(position))
            stream.write(data)
    return copy


def _link(path: Path) -> None:
    target = path.parent.parent / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _huge(path: Path) -> None:
    os.truncate(path, MAX_FILE_BYTES - 4_096)


@pytest.mark.parametrize("change", [_link, _pipe], ids=["link", "pipe"])
@pytest.mark.parametrize("name", [LOG, DATABASE_FILE, "backup.json"])
def test_what_is_no_plain_file_in_a_folder_is_refused(
    folder: Path, name: str, change: Callable[[Path], None]
) -> None:
    change(folder / name)
    refused(folder, "no plain file")


def test_a_folder_that_leads_elsewhere_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "output").rename(tmp_path / "outputs")
    (folder / "output").symlink_to(tmp_path / "outputs")
    refused(folder, "no plain file")


def test_what_else_is_in_a_folder_is_refused(folder: Path) -> None:
    (folder / "output" / "notes.txt").write_text("mine")
    refused(folder, "notes.txt")


def test_holes_of_a_folder_cost_nothing_and_what_is_in_it_is_bounded(
    folder: Path, tmp_path: Path
) -> None:
    os.truncate(folder / LOG, 64 * MIB)
    backup.restore(folder, tmp_path / "data", LAYOUT, free=lambda _: 4 * MIB)
    assert (tmp_path / "data" / LOG).stat().st_size == 64 * MIB
    (folder / LOG).write_bytes(b"x" * (4 * MIB))
    with pytest.raises(InvalidInput, match="holds more"):
        backup.restore(folder, tmp_path / "other", LAYOUT, free=lambda _: 4 * MIB)


# ── where it goes to ─────────────────────────────────────────────────────────────────────────


def test_a_link_in_place_of_the_lock_empties_no_other_file(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hub.pid").symlink_to(precious)
    with pytest.raises(OSError, match=r"hub\.pid"), only_one(tmp_path / "data"):
        pass
    assert precious.read_text() == "kept"


def test_a_link_in_place_of_an_unfinished_backup_is_not_written_through(
    whole: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.tar").write_bytes(whole)
    backup.restore(tmp_path / "a.tar", tmp_path / "data", LAYOUT)
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / ".b.tar.unfinished").symlink_to(precious)
    backup.back_up(tmp_path / "data", LAYOUT, tmp_path / "b.tar")
    assert precious.read_text() == "kept"
    backup.restore(tmp_path / "b.tar", tmp_path / "again", LAYOUT)


def test_a_folder_that_was_there_stays_and_is_free_again(whole: bytes, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "bad.tar").write_bytes(whole[:2_000])
    (tmp_path / "a.tar").write_bytes(whole)
    with pytest.raises(InvalidInput):
        backup.restore(tmp_path / "bad.tar", data, LAYOUT)
    assert [path.name for path in data.iterdir()] == ["hub.pid"]
    backup.restore(tmp_path / "a.tar", data, LAYOUT)


def test_a_database_that_is_no_hubs_is_refused_by_name(whole: bytes, tmp_path: Path) -> None:
    database = apsw.Connection(str(tmp_path / "other"))
    database.execute("CREATE TABLE t (x); PRAGMA user_version = 7")
    database.close()
    parts = members(whole)
    parts = {n: d for n, d in parts.items() if not n.startswith(DATABASE_FILE)}
    (tmp_path / "bad.tar").write_bytes(
        archive_of(parts | {DATABASE: (tmp_path / "other").read_bytes()})
    )
    (tmp_path / "other").unlink()
    assert isinstance(refused(tmp_path / "bad.tar", "no hub's database"), InvalidInput)


@pytest.fixture(scope="module")
def packed_and_not(whole: bytes) -> Iterator[list[bytes]]:
    yield [whole, gzip.compress(whole, mtime=0)]


@given(
    which=st.integers(0, 1),
    cut=st.floats(0, 1),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=12)), max_size=4
    ),
)
def test_no_bytes_whatever_are_more_than_refused(
    packed_and_not: list[bytes], which: int, cut: float, changes: list[tuple[float, bytes]]
) -> None:
    """Restored, or refused by name with nothing left behind."""
    content = bytearray(packed_and_not[which])
    for place, written in changes:
        at = int(place * len(content))
        content[at : at + len(written)] = written
    del content[int((0.5 + cut) * len(content)) :]
    with tempfile.TemporaryDirectory() as name:
        place_ = Path(name)
        (place_ / "a.tar").write_bytes(content)
        try:
            backup.restore(place_ / "a.tar", place_ / "data", LAYOUT, free=lambda _: 16 * MIB)
        except ArborError:
            assert files_below(place_) == ["a.tar"]
        else:
            assert (place_ / "data" / DATABASE_FILE).exists()
