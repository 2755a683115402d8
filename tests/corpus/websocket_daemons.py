"""Bad messages of a daemon that is known: about its own task, and about itself.

The task has some output already, and keeps it whatever comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.corpus.arena import Arena
from tests.corpus.sockets import Peer
from tests.corpus.websocket_case import (
    DAEMON,
    NEIGHBOUR,
    STORED,
    STRANGER,
    TASK,
    Case,
    Text,
    daemon_auth,
    ended,
    output,
)
from tests.corpus.websocket_handshakes import daemon_says

END: Final = len(STORED)
LAST: Final = 2**63 - 1
FRAME: Final = 256 * 1024
# Of a message that is far too long for what it says.
ENDLESS: Final = "\U0001f4a9" * 256
SPOOLED: Final = {"taskId": "t", "logId": "l", "start": 0, "end": 0, "status": "running"}
OUT_OF_ORDER: Final = "offset_out_of_order, close 4400"
CORRUPT: Final = "settled failed corrupt_output"


def _output() -> Iterator[Case]:
    known = {"other-bytes": (8, b"????????"), "all-of-it": (0, b"?" * END), "nothing": (8, b"")}
    for name, (offset, data) in known.items():
        yield _case(f"{name}-again", "ignored", output(TASK, offset, data))
    yield _case("other-bytes-and-new-ones", "ignored", output(TASK, 8, b"????????more"))
    for name, offset in {"one": END + 1, "a-lot": 2**40, "last-of-all": LAST}.items():
        yield _case(f"{name}-beyond-the-end", OUT_OF_ORDER, output(TASK, offset, b"x"))
    for name, offset in {"minus": -1, "2-to-63": 2**63, "2-to-64": 2**64 - 1}.items():
        yield _case(f"offset-{name}", "close 4400", output(TASK, offset, b"x"))
    for name, time in {"minus": -1, "2-to-63": 2**63, "text": "0", "fraction": 0.5}.items():
        yield _case(f"time-{name}", "close 4400", output(TASK, END, b"x", time=time))
    late = output(TASK, END, b"x", time=LAST)
    yield _case("time-last-of-all", "invalid_time, close 4400", late)
    for name, stream in {"text": "stdout", "number": 2, "null": None, "list": []}.items():
        yield _case(f"stream-{name}", "close 4400", output(TASK, END, b"x", isError=stream))
    no_bytes: dict[str, object] = {"number": 7, "null": None, "list": [1], "text": "=" * 9}
    for name, value in no_bytes.items():
        yield _case(f"bytes-{name}", "close 4400", output(TASK, END, value))
    too_much = output(TASK, END, b"x" * (FRAME + 1))
    yield _case("a-byte-too-many", "message_too_large, close 4413 | close 4413", too_much)
    yield _case("far-too-many-bytes", "close 4413", output(TASK, END, b"x" * (4 * FRAME)))
    yield _case("other-length", "ignored", output(TASK, END, b"x", length=5))


def _gaps() -> Iterator[Case]:
    def gap(start: object, end: object, reason: object = "spool_full") -> dict[str, Any]:
        return {"type": "gap", "taskId": TASK, "from": start, "to": end, "reason": reason}

    for name, (start, end) in {"empty": (END, END), "turned": (END, 0)}.items():
        yield _case(f"gap-{name}", "empty_gap, close 4400", gap(start, end))
    yield _case("gap-beyond-the-end", OUT_OF_ORDER, gap(END + 1, END + 2))
    yield _case("gap-instead-of-bytes", "ignored", gap(0, END))
    yield _case("gap-over-bytes", "ignored", gap(0, END + 4))
    yield _case("gap-to-the-last-of-all", "ignored", gap(END, LAST))
    yield _case("gap-minus", "close 4400", gap(-1, END))
    yield _case(
        "gap-with-a-strange-reason", "ignored", gap(END, END + 4, "\0\r\n\u202e" + ENDLESS[4:])
    )
    yield _case("gap-with-a-long-reason", "close 4400", gap(END, END + 4, "x" * 257))
    yield _case("gap-without-a-reason", "close 4400", gap(END, END + 4, None))


def _status() -> Iterator[Case]:
    done = ended()
    for name, message in {
        "output": output(TASK, END, b"x"),
        "gap": {"type": "gap", "taskId": TASK, "from": END, "to": END + 1, "reason": "x"},
    }.items():
        yield Case(
            f"B36-{name}-after-the-end",
            (done, _settled, message),
            "output_after_end, close 4400",
            DAEMON,
        )
    # Two that wait together are answered once.
    for name, again in {"end-twice": done, "other-end": done | {"status": "failed"}}.items():
        yield Case(f"B36-{name}", (done, _settled, again), "settled completed", DAEMON)
    yield _case("end-below-what-is-stored", CORRUPT, ended(finalOffset=8))
    yield _case("end-without-offset", CORRUPT, ended(finalOffset=None))
    yield _case("wrong-checksum", CORRUPT, ended(checksum="crc32:00000000"))
    for name, checksum in {"short": "crc32:0", "md5": "md5:" + "0" * 32, "number": 7}.items():
        yield _case(f"checksum-{name}", "close 4400", ended(checksum=checksum))
    for status in ("pending", "expired"):
        yield _case(f"status-{status}", "close 4400", ended(status=status))
    for name, other in {"unknown": "paused", "number": 7, "null": None}.items():
        yield _case(f"status-{name}", "close 4400", ended(status=other))
    for field in ("exitCode", "signal"):
        for name, value in {"2-to-63": 2**63, "2-to-64": 2**64 - 1, "minus": -(2**63)}.items():
            yield _case(f"{field}-{name}", "close 4400", ended(**{field: value}))
        yield _case(f"{field}-text", "close 4400", ended(**{field: "9; rm"}))
    for name, value in {"last-of-all": LAST, "year-10000": 253_402_300_800_000_000}.items():
        yield _case(f"at-{name}", "close 4400", ended(at=value))
        yield _case(
            f"at-{name}-of-a-start", "close 4400",
            {"type": "status", "taskId": TASK, "status": "running", "at": value},
        )  # fmt: skip
    yield _case("final-offset-minus", "close 4400", ended(finalOffset=-1))
    # The rest of the output may still come: an end is believed when it is there.
    yield _case("end-far-beyond", "ignored", ended(finalOffset=LAST))
    strange = ended(error="\0\r\n\u202e\x1b]0;x\x07", reason="<script>")
    yield _case("strange-words", "settled completed <script>", strange)


def _input() -> Iterator[Case]:
    # No mistake: of a task from before the hub was restarted a daemon knows more than the hub.
    for name, offset in {"one": 1, "last-of-all": LAST}.items():
        message = {"type": "inputAck", "taskId": TASK, "offset": offset}
        yield _case(f"input-of-{name}-never-sent", "ignored", message)
    message = {"type": "inputAck", "taskId": TASK, "offset": -1}
    yield _case("input-minus", "close 4400", message)


def _itself() -> Iterator[Case]:
    def says(name: str, expected: str, **changes: Any) -> Case:
        return Case(f"B36-auth-{name}", (daemon_says(**changes),), expected, STRANGER)

    yield says("with-somebody-elses-task", "welcome", tasks=[SPOOLED | {"taskId": NEIGHBOUR}])
    yield says("with-the-same-task-twice", "welcome", tasks=[SPOOLED, SPOOLED])
    yield says("with-4097-tasks", "close 4400", tasks=[SPOOLED] * 4_097)
    yield says("with-a-turned-range", "welcome", tasks=[SPOOLED | {"start": 9}])
    yield says("with-a-huge-range", "welcome", tasks=[SPOOLED | {"end": LAST}])
    yield says("with-a-range-too-large", "close 4400", tasks=[SPOOLED | {"end": 2**63}])
    yield says("with-other-instance", "welcome", instanceId="../../x\0")
    yield says("with-other-token", "close 4501", authToken="arb_d_wrong")
    yield says("without-token", "close 4501", authToken="")
    yield says("as-other-daemon", "close 4503", daemonId="dmn_other")
    yield says("as-path", "close 4503", daemonId="../../x")
    yield says("in-no-workspace", "close 4503", workspaceId="ws_other")
    yield Case("B36-auth-in-other-workspace", (_in_other_workspace,), "close 4503", STRANGER)
    host = {"hostname": "h", "platform": "p", "user": "u", "path": "/"}
    strange = dict.fromkeys(host, "\0\r\n\u202e<img onerror>")
    yield says("with-a-strange-host", "welcome", host=strange)
    yield says("with-a-long-host", "close 4400", host=host | {"hostname": "x" * 257})
    yield says("without-host", "close 4400", host={})
    yield says("with-a-strange-version", "welcome", version="\0\u202e{0.__init__}")
    text = '{"type":"auth","daemonId":"d","authToken":"x","workspaceId":"w"}'
    yield Case("B36-auth-with-little", (Text(text),), "close 4400", STRANGER)


def _in_other_workspace(arena: Arena, peer: Peer) -> None:
    peer.send(daemon_auth(arena, workspaceId=arena.arbor.workspace_id))


def _settled(_: Arena, peer: Peer) -> None:
    while not peer.message("ack").get("settled"):
        pass


def _case(name: str, expected: str, *sent: dict[str, Any]) -> Case:
    return Case(f"B36-{name}", sent, expected, DAEMON)


CASES: Final = tuple(
    case for group in (_output, _gaps, _status, _input, _itself) for case in group()
)
