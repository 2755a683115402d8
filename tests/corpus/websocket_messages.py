"""Bad messages of those who are known: which cannot be read, make no sense, or are not for them.

For daemons only see `websocket_daemons`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.corpus.websocket_case import (
    DAEMON,
    EVERYBODY,
    FINISHED,
    IDLE,
    KNOWN,
    NEIGHBOUR,
    SEERS,
    VIEWERS,
    WORKSPACE,
    WRITERS,
    Case,
    Packed,
    Text,
    output,
)
from tests.corpus.websocket_handshakes import subscribe, writes

MIB: Final = 1 << 20
NAN, INFINITY = float("nan"), float("inf")
BEYOND: Final = 2**62


def _texts() -> Iterator[Case]:
    no_messages = {
        "no-JSON": "not json",
        "list": "[]",
        "null": "null",
        "text": '"x"',
        "number": "7",
        "truth": "true",
        "nothing": "",
        "half": '{"type":"subscribe"',
        "two": '{"type":"unsubscribe"}{"type":"unsubscribe"}',
        "100000-lists": "[" * 100_000,
        "100000-maps": '{"a":' * 100_000,
        "byte-order-mark": '\ufeff{"type":"unsubscribe"}',
        "comment": '{"type":"unsubscribe"/**/}',
        "single-quotes": "{'type':'unsubscribe'}",
        "trailing-comma": '{"type":"unsubscribe",}',
        "control-character": '{"type":"unsub\nscribe"}',
    }
    for name, text in no_messages.items():
        yield Case(f"B18-{name}", (Text(text),), "close 4400", EVERYBODY)
    no_pack = {
        "reserved": b"\xc1",
        "nil": b"\xc0",
        "list": b"\x90",
        "cut-off": b"\x81\xa4type\xa9unsub",
        "extension": b"\xd4\x01\x00",
        "100000-lists": b"\x91" * 100_000,
        "four-gigabytes-to-come": b"\xdd\xff\xff\xff\xff",
        "key-that-is-no-text": b"\x81\x01\x02",
        "no-UTF-8": b"\x81\xa4type\xa2\xff\xfe",
        "rest": b"\x81\xa4type\xabunsubscribe\xc0",
    }
    for name, data in no_pack.items():
        yield Case(f"B18-packed-{name}", (Packed(data),), "close 4400", EVERYBODY)
    surrogates = {
        "in-id": '{"type":"subscribe","taskId":"\\ud800"}',
        "in-type": '{"type":"\\ud800"}',
        "in-key": '{"type":"unsubscribe","\\udfff":1}',
        "turned": '{"type":"subscribe","taskId":"\\udc00\\ud800"}',
        "cut": '{"type":"subscribe","taskId":"\\ud8"}',
    }
    for name, text in surrogates.items():
        yield Case(f"B14-surrogate-{name}", (Text(text),), "close 4400", EVERYBODY)


def _numbers() -> Iterator[Case]:
    wrong = {
        "nan": NAN,
        "infinity": INFINITY,
        "minus-infinity": -INFINITY,
        "float": 1.0,
        "fraction": 0.5,
        "truth": True,
        "text": "1",
        "list": [1],
        "2-to-63": 2**63,
        "below-64-bits": -(2**63),
        "null": None,
    }
    for name, value in wrong.items():
        yield Case(f"B20-subscribe-{name}", (subscribe(offset=value),), "close 4400")
        ack = {"type": "ack", "taskId": NEIGHBOUR, "offset": value}
        yield Case(f"B20-ack-{name}", (ack,), "close 4400")
        sent = output("tsk_x", value, b"x")
        yield Case(f"B20-output-{name}", (sent,), "close 4400", DAEMON)
    for name, literal in {
        "1e400": "1e400",
        "1e3": "1e3",
        "2-to-64": str(2**64),
        "5000-digits": "1" * 5_000,
        "leading-zero": "01",
        "plus": "+1",
        "hexadecimal": "0x1",
        "digit-of-another-script": "\u0661",
    }.items():
        text = f'{{"type":"subscribe","taskId":"t","offset":{literal}}}'
        yield Case(f"B20-literal-{name}", (Text(text),), "close 4400")
        beat = f'{{"type":"heartbeat","sentAt":{literal}}}'
        if name != "1e3":
            yield Case(f"B20-heartbeat-{name}", (Text(beat),), "close 4400", KNOWN)
    # It is 0, and of a task that one may not see or that does not exist.
    minus = Text('{"type":"subscribe","taskId":"tsk_x","offset":-0}')
    yield Case("B20-minus-zero", (minus,), "not_found")


def _shapes() -> Iterator[Case]:
    for kind in ("shutdown", "", "SUBSCRIBE", "subscribe ", "output", "welcome", "command"):
        roles = VIEWERS if kind == "output" else KNOWN
        yield Case(f"B21-type-{kind or 'empty'}", ({"type": kind},), "unknown_message", roles)
    no_types: dict[str, object] = {"null": None, "number": 7, "list": ["auth"], "map": {}}
    for name, value in no_types.items():
        yield Case(f"B21-type-{name}", ({"type": value},), "close 4400", EVERYBODY)
    yield Case("B21-no-type", ({"taskId": "t"},), "close 4400", EVERYBODY)
    two_types = Text('{"type":"subscribe","type":"cancel","taskId":"t"}')
    yield Case("B21-two-types", (two_types,), "close 4400", VIEWERS)
    yield Case("B21-further-field", ({"type": "unsubscribe", "shoeSize": 43},), "ignored")
    nested: dict[str, Any] = {"type": "unsubscribe", "x": {"y": [{"z": {"type": "cancel"}}]}}
    yield Case("B21-nested", (nested,), "ignored")
    deep = '{"type":"unsubscribe","x":' + "[" * 900 + "]" * 900 + "}"
    yield Case("B21-nested-900-deep", (Text(deep),), "ignored")
    deeper = '{"type":"unsubscribe","x":' + "[" * 50_000 + "]" * 50_000 + "}"
    yield Case("B21-nested-50000-deep", (Text(deeper),), "close 4400")
    many = {"type": "unsubscribe", **{f"x{number}": number for number in range(10_000)}}
    yield Case("B21-10000-fields", (many,), "ignored")
    no_ids: dict[str, object] = {"number": 7, "list": ["t"], "map": {"$ne": ""}, "truth": True}
    for field in ("taskId", "workspaceId"):
        for name, value in no_ids.items():
            message = {"type": "subscribe", field: value}
            yield Case(f"B21-{field}-{name}", (message,), "close 4400")
    yield Case("B21-neither-task-nor-workspace", ({"type": "subscribe"},), "invalid_input")
    both = subscribe(workspaceId=WORKSPACE)
    yield Case("B21-both-task-and-workspace", (both,), "invalid_input")
    for kind in ("ack", "input", "cancel", "resize"):
        yield Case(f"B21-{kind}-of-nothing", ({"type": kind},), "close 4400")
    no_bytes: dict[str, object] = {"text": "=" * 9, "number": 7, "list": [1], "null": None}
    for name, value in no_bytes.items():
        sent = {"type": "input", "taskId": IDLE, "input": value}
        yield Case(f"B21-input-{name}", (sent,), "close 4400")
    large = {"type": "input", "taskId": IDLE, "input": b"x" * (64 * 1024 + 1)}
    yield Case("B21-input-too-large", (large,), "close 4400")


STRANGE: Final = {
    "nul": "tsk_\0x",
    "line-feed": "tsk_\r\nX: y",
    "right-to-left": "tsk_\u202eabc",
    "line-separator": "tsk_\u2028\u2029",
    "zero-width": "tsk_\u200b\ufeff",
    "escape": "tsk_\x1b[2J\x1b]0;x\x07",
    "emoji": "\U0001f4a9" * 16,
    "combining": "e" + "\u0301" * 60,
    "spaces": "   ",
    "private-use": "\ue000\uffff",
    "markup": "<script>alert(1)</script>",
}
TEMPLATES: Final = {
    "proto": "__proto__",
    "constructor": "constructor",
    "class": "__class__",
    "init": "{0.__init__}",
    "percent": "%n%s%x",
    "jndi": "${jndi:ldap://x}",
    "braces": "{{7*7}}",
    "prototype": "prototype",
    "globals": "{type.__init__.__globals__}",
    "shell": "$(reboot)`reboot`",
    "quote": "' OR 1=1 --",
}
PATHS: Final = {
    "up": "../../x",
    "up-to-a-secret": "../../etc/passwd",
    "encoded": "..%2f..%2fx",
    "slash": "a/b",
    "absolute": "/etc/passwd",
    "backslash": "..\\..\\x",
    "dot": ".",
    "dots": "..",
    "option": "-rf",
    "device": "con",
    "home": "~root",
    "wildcard": "tsk_*",
}


def _names() -> Iterator[Case]:
    for kind, names in (("B22", STRANGE), ("B24", TEMPLATES), ("B25", PATHS)):
        for name, value in names.items():
            for message in _about(value):
                which = "workspace" if "workspaceId" in message else message["type"]
                roles = VIEWERS if which == "subscribe" else ("runner", "elsewhere")
                yield Case(f"{kind}-{name}-{which}", (message,), "not_found", roles)
            said = output(value, 0, b"x")
            yield Case(f"{kind}-{name}-output", (said,), "not_found", DAEMON)
    for name, value in {"empty": "", "65": "x" * 65, "100000": "x" * 100_000}.items():
        for message in _about(value):
            which = "workspace" if "workspaceId" in message else message["type"]
            yield Case(f"B22-{name}-{which}", (message,), "close 4400")
    yield Case("B22-a-mebibyte", (subscribe(taskId="x" * MIB),), "close 4413")
    for name, value in TEMPLATES.items():
        yield Case(f"B24-{name}-as-type", ({"type": value},), "unknown_message", KNOWN)
        as_key: dict[str, Any] = {"type": "unsubscribe", value: {value: value}}
        yield Case(f"B24-{name}-as-key", (as_key,), "ignored")


def _about(name: str) -> Iterator[dict[str, Any]]:
    yield {"type": "subscribe", "taskId": name}
    yield {"type": "subscribe", "workspaceId": name}
    yield {"type": "cancel", "taskId": name}
    yield {"type": "input", "taskId": name, "input": b"x"}
    yield {"type": "resize", "taskId": name, "cols": 80, "rows": 24}


def _said_by_a_daemon(name: str) -> Iterator[dict[str, Any]]:
    yield output(name, 0, b"x")
    yield {"type": "gap", "taskId": name, "from": 0, "to": 1, "reason": "spool_full"}
    yield {"type": "status", "taskId": name, "status": "running"}
    yield {"type": "inputAck", "taskId": name, "offset": 1}


def _sizes() -> Iterator[Case]:
    wrong: dict[str, object] = {
        "zero": 0, "minus": -1, "65536": 65_536, "5001": 5_001, "2-to-63": 2**63 - 1,
        "float": 80.0, "nan": NAN, "text": "80", "null": None, "truth": True, "list": [80],
    }  # fmt: skip
    for name, value in wrong.items():
        resize = {"type": "resize", "taskId": NEIGHBOUR, "cols": 80, "rows": 24}
        yield Case(f"B33-cols-{name}", (resize | {"cols": value},), "close 4400")
        yield Case(f"B33-rows-{name}", (resize | {"rows": value},), "close 4400")
    grace: dict[str, object] = {
        "minus": -1, "a-bit-too-long": 300.5, "1e12": 1e12, "nan": NAN, "infinity": INFINITY,
        "minus-infinity": -INFINITY, "text": "9; rm", "truth": True, "list": [9], "null": None,
    }  # fmt: skip
    for name, value in grace.items():
        cancel = {"type": "cancel", "taskId": NEIGHBOUR, "graceSeconds": value}
        yield Case(f"B33-grace-{name}", (cancel,), "close 4400")
    literal = Text('{"type":"cancel","taskId":"t","graceSeconds":1e400}')
    yield Case("B33-grace-1e400", (literal,), "close 4400")


def _somebody_elses() -> Iterator[Case]:
    about = {"subscribe": subscribe(), "subscribe-at-end": subscribe(offset=-1), **writes()}
    for name, message in about.items():
        yield Case(f"B35-{name}", (message,), "not_found", ("elsewhere",))
    for name, task in {"finished": FINISHED, "idle": IDLE}.items():
        yield Case(f"B35-{name}", (subscribe(taskId=task),), "not_found", ("elsewhere",))
    workspace = {"type": "subscribe", "workspaceId": WORKSPACE}
    yield Case("B35-workspace", (workspace,), "not_found", ("elsewhere",))
    # These are answered with nothing, and `exchange` looks that nothing is told either.
    everything = {"type": "subscribe", "workspaceId": "*"}
    yield Case("B35-all-workspaces", (everything,), "ignored", ("elsewhere",))
    yield Case("B35-unsubscribe", ({"type": "unsubscribe", "taskId": NEIGHBOUR},), "ignored",
               ("elsewhere",))  # fmt: skip
    ack = {"type": "ack", "taskId": NEIGHBOUR, "offset": BEYOND}
    yield Case("B35-ack", (ack,), "ignored", ("elsewhere",))
    for message in _said_by_a_daemon(NEIGHBOUR):
        yield Case(f"B35-{message['type']}-of-a-daemon", (message,), "not_found", DAEMON)
    for status in ("completed", "cancelled", "lost"):
        end = {"type": "status", "taskId": IDLE, "status": status, "finalOffset": 0}
        yield Case(f"B35-{status}-of-a-daemon", (end,), "not_found", DAEMON)


def _offsets() -> Iterator[Case]:
    yield Case("B37-far-beyond-the-end", (subscribe(offset=BEYOND),), "offset_beyond_end", SEERS)
    last = 2**63 - 1
    yield Case("B37-last-of-all", (subscribe(offset=last),), "offset_beyond_end", SEERS)
    after = subscribe(taskId=FINISHED, offset=1)
    yield Case("B37-beyond-what-is-over", (after,), "offset_beyond_end", SEERS)
    yield Case("B37-from-minus-one", (subscribe(offset=-1),), "ignored", SEERS)
    yield Case("B37-before-the-start", (subscribe(offset=-last),), "ignored", SEERS)
    yield Case("B37-other-log", (subscribe(logId="0" * 32, offset=-1),), "ignored", SEERS)
    for name, offset in {"a-lot": BEYOND, "last-of-all": last}.items():
        ack = {"type": "ack", "taskId": NEIGHBOUR, "offset": offset}
        yield Case(f"B37-ack-of-{name}", (subscribe(offset=-1), ack), "ack_beyond_sent", SEERS)
        yield Case(f"B37-ack-of-{name}-unasked", (ack,), "ignored", SEERS)
    one = {"type": "ack", "taskId": FINISHED, "offset": 1}
    yield Case("B37-ack-of-nothing", (subscribe(taskId=FINISHED), one), "ack_beyond_sent", SEERS)
    for name, window in {"0": 0, "minus": -1, "small": 32_767, "large": 16 * MIB + 1}.items():
        yield Case(f"B37-window-{name}", (subscribe(window=window),), "close 4400", SEERS)
    late = {"type": "input", "taskId": IDLE, "input": b"x", "offset": BEYOND}
    yield Case("B37-input-beyond-the-end", (late,), "offset_out_of_order", WRITERS)
    over = {"type": "input", "taskId": FINISHED, "input": b"x"}
    yield Case("B37-input-after-the-end", (over,), "task_over", WRITERS)


CASES: Final = tuple(
    case
    for group in (_texts, _numbers, _shapes, _names, _sizes, _somebody_elses, _offsets)
    for case in group()
)
