"""What is stored, over HTTP: ranges, streams, formats, gaps, while it is being written."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx2
import pytest

from arborlink.outputlog import OutputLog
from arborlink.protocol.messages import ErrorMessage
from tests.hub.live.bench import Bench
from tests.hub.live.peers import DaemonIdentity
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")

OUTPUT = b"0123456789"


async def stored(bench: Bench, identity: DaemonIdentity, output: bytes = OUTPUT) -> str:
    """A finished task with this output."""
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, output)
        await daemon.ended(task, output)
        await daemon.settled(task)
    return task


async def get(bench: Bench, task: str, what: str = "output", **options: Any) -> Any:
    return await bench.client.get(f"/api/tasks/{task}/{what}", **options)


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        (None, 200, OUTPUT, None),
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=4-400", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-300", 206, OUTPUT, "bytes 0-9/10"),
        ("bytes=9-9", 206, b"9", "bytes 9-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=5-3", 200, OUTPUT, None),
        ("bytes=0-1,3-4", 200, OUTPUT, None),
        ("lines=0-1", 200, OUTPUT, None),
        ("bytes=x-", 200, OUTPUT, None),
    ],
)
async def test_ranges(
    bench: Bench,
    identity: DaemonIdentity,
    header: str | None,
    status: int,
    body: bytes | None,
    content_range: str | None,
) -> None:
    task = await stored(bench, identity)
    response = await get(bench, task, headers={} if header is None else {"Range": header})
    assert response.status_code == status
    assert response.headers.get("Content-Range") == content_range
    if body is None:
        assert response.json()["code"] == "range_not_satisfiable"
        return
    assert response.content == body
    assert response.headers["Content-Length"] == str(len(body))
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_task_without_output_is_empty_in_every_format(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    assert await bench.stored(task) == b""
    assert await bench.stored(task, format="jsonl") == b""
    header = json.loads(await bench.stored(task, format="asciicast"))
    assert (header["version"], header["width"], header["height"]) == (2, 80, 24)
    assert (await get(bench, task, headers={"Range": "bytes=0-"})).status_code == 416
    assert (await get(bench, task, "segments")).json() == {"items": []}
    assert bench.hub.daemons.outputs.find(task) is None


async def test_gaps_are_named_everywhere(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc")
        await daemon.gap(task, 3, 8)
        await daemon.output(task, 8, b"xyz", time=2_000_000)
        await daemon.acked(task, 11)
        response = await get(bench, task)
        assert response.content == b"abc" + bytes(5) + b"xyz"
        assert response.headers["Arbor-Gaps"] == "3-8;spool_full"
        assert (await get(bench, task, headers={"Range": "bytes=2-8"})).content == b"c\0\0\0\0\0x"
        lines = [json.loads(line) for line in (await bench.stored(task, format="jsonl")).split()]
        assert lines[1] == {"gap": {"from": 3, "to": 8, "reason": "spool_full"}}
        assert [line.get("text") for line in lines] == ["abc", None, "xyz"]
        cast = (await bench.stored(task, format="asciicast")).decode().splitlines()
        assert json.loads(cast[2])[2] == "\r\n[5 bytes are missing: spool_full]\r\n"
        assert json.loads(cast[3]) == [2.0, "o", "xyz"]
        text = await bench.stored(task, format="text")
        assert text == b"abc\n[5 bytes are missing: spool_full]\nxyz"
        segments = (await get(bench, task, "segments")).json()["items"]
        assert segments[1] == {"from": 3, "to": 8, "reason": "spool_full"}


async def test_many_gaps_do_not_make_a_header_that_nobody_takes(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        for offset in range(0, 1_000, 2):
            await daemon.output(task, offset, b"x")
            await daemon.gap(task, offset + 1, offset + 2)
        await daemon.acked(task, 1_000)
        response = await get(bench, task)
    header = response.headers["Arbor-Gaps"]
    assert len(header) < 4_096
    assert header.startswith("1-2;spool_full, 3-4;") and header.endswith("-1000;more")
    assert response.content == b"x\0" * 500


async def test_one_stream_alone(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"out1\n")
        await daemon.output(task, 5, b"err\n", is_error=True)
        await daemon.output(task, 9, b"out2\n")
        await daemon.acked(task, 14)
        assert await bench.stored(task, stream="stdout") == b"out1\nout2\n"
        assert await bench.stored(task, stream="stderr") == b"err\n"
        only = (await bench.stored(task, stream="stderr", format="jsonl")).splitlines()
        assert [json.loads(line)["offset"] for line in only] == [5]
        segments = (await get(bench, task, "segments")).json()["items"]
        assert [segment["isError"] for segment in segments] == [False, True, False]
        part = (await get(bench, task, "segments", params={"from": "5", "to": "9"})).json()
        assert [segment["offset"] for segment in part["items"]] == [5]


async def test_bytes_that_are_no_text_are_kept_in_jsonl_and_shown_in_asciicast(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, "ü".encode()[:1])
        await daemon.output(task, 1, b"e", is_error=True)
        await daemon.output(task, 2, "ü".encode()[1:] + b"\xff\xe2")
        await daemon.acked(task, 5)
        jsonl = [json.loads(line) for line in (await bench.stored(task, format="jsonl")).split()]
        assert [line.get("base64", line.get("text")) for line in jsonl] == ["ww==", "e", "vP/i"]
        cast = (await bench.stored(task, format="asciicast")).decode().splitlines()[1:]
    assert "".join(json.loads(line)[2] for line in cast) == "eü\ufffd\ufffd"


async def test_text_leaves_control_sequences_out_of_each_stream(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"\x1b[3")
        await daemon.output(task, 3, b"wrong\n", is_error=True)
        await daemon.output(task, 9, b"1mred\x1b[0m\r\n")
        await daemon.acked(task, 20)
        assert await bench.stored(task, format="text") == b"wrong\nred\n"


async def test_a_download_is_named_after_its_task(bench: Bench, identity: DaemonIdentity) -> None:
    task = await stored(bench, identity)
    for form, suffix in (
        ("raw", "log"),
        ("text", "txt"),
        ("jsonl", "jsonl"),
        ("asciicast", "cast"),
    ):
        response = await get(bench, task, params={"download": "1", "format": form})
        disposition = response.headers["Content-Disposition"]
        assert disposition == f'attachment; filename="{task}.{suffix}"'


@pytest.mark.parametrize(
    "parameters", [{"format": "pdf"}, {"stream": "both"}, {"from": "x"}, {"to": "-1"}]
)
async def test_what_there_is_not_is_refused_with_a_sentence(
    bench: Bench, identity: DaemonIdentity, parameters: dict[str, str]
) -> None:
    task = await bench.create(identity.workspace_id)
    response = await get(bench, task, params=parameters)
    assert response.status_code == 422 and response.json()["detail"]


async def test_output_can_be_read_while_it_is_written(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        written = b""
        for number in range(20):
            piece = b"%04d\n" % number * 100
            await daemon.output(task, len(written), piece)
            written += piece
            await daemon.acked(task, len(written))
            assert await bench.stored(task) == written
            assert (await bench.task(task))["outputSize"] == len(written)
        tail = await get(bench, task, headers={"Range": f"bytes={len(written) - 500}-"})
        assert tail.content == written[-500:]


async def test_somebody_elses_output_is_not_found(bench: Bench, identity: DaemonIdentity) -> None:
    task = await stored(bench, identity)
    other = await bench.enrolled()
    token = await bench.token(["tasks:read"], other.workspace_id)
    for what in ("output", "segments"):
        response = await get(
            bench, task, what, headers={"Authorization": f"Bearer {token['secret']}"}
        )
        assert response.status_code == 404


async def test_a_head_request_leaves_no_file_open(bench: Bench, identity: DaemonIdentity) -> None:
    task = await stored(bench, identity)
    await bench.client.head(f"/api/tasks/{task}/output")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(40):
        await bench.client.head(f"/api/tasks/{task}/output")
    assert len(os.listdir("/proc/self/fd")) <= before + 10


async def test_damage_is_answered_by_name(bench: Bench, identity: DaemonIdentity) -> None:
    task, other = await stored(bench, identity), await stored(bench, identity, b"x" * 10)
    stem = bench.hub.daemons.outputs.stem(task)
    data, index = stem.with_suffix(".log"), stem.with_suffix(".idx")
    content = data.read_bytes()

    data.write_bytes(b"")
    lost = await get(bench, task)
    assert (lost.content, lost.headers["arbor-gaps"]) == (bytes(10), "0-10;corrupt")
    data.write_bytes(b"0123x56789")
    with pytest.raises(httpx2.RemoteProtocolError):
        await get(bench, task)
    lines = (await get(bench, task, params={"format": "jsonl"})).text
    assert json.loads(lines) == {"gap": {"from": 0, "to": 10, "reason": "corrupt"}}
    data.write_bytes(content)
    assert (await get(bench, task)).content == OUTPUT
    os.rename(index, index.with_suffix(".aside"))
    for what in ("output", "segments", "search?q=x"):
        gone = await get(bench, task, what)
        assert (gone.status_code, gone.json()["code"]) == (410, "output_damaged")
        assert str(stem.parent) not in gone.text
    assert (await get(bench, other)).content == b"x" * 10


async def test_the_output_of_another_task_is_not_shown(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await stored(bench, identity)
    stem = bench.hub.daemons.outputs.stem(task)
    for ending in (".log", ".idx"):
        stem.with_suffix(ending).unlink()
    log = OutputLog.create(stem, "ab" * 16)
    log.append(b"of another", is_error=False, time_us=0)
    log.close()
    assert (await get(bench, task)).json()["code"] == "output_damaged"


async def test_a_viewer_is_told_of_damage_by_name(bench: Bench, identity: DaemonIdentity) -> None:
    task = await stored(bench, identity)
    index = bench.hub.daemons.outputs.stem(task).with_suffix(".idx")
    for left in (b"noise" * 20, None):
        index.unlink()
        if left is not None:
            index.write_bytes(left)
        async with bench.viewer() as viewer:
            await viewer.subscribe(task)
            said = await viewer.expect(ErrorMessage)
            assert (said.code, str(index.parent) in said.message) == ("output_damaged", False)
