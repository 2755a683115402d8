"""Writes those parts of `docs/` that the code already says: commands, settings, messages, errors.

A page holds each part between `<!-- generated: NAME -->` and `<!-- /generated -->`; everything else
in it is written by hand. `python tools/generate_docs.py` writes the parts, `--check` exits with 1
if one of them is out of date.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec import inspect as types

from arborlink import client, home
from arborlink.cli.main import cli
from arborlink.daemon import environment
from arborlink.daemon.policy import Policy
from arborlink.daemon.rules import Rule
from arborlink.durations import SETTING_SUFFIX
from arborlink.hub import problems, settings
from arborlink.hub.routes.api import OPERATIONS
from arborlink.hub.routes.documents import Documents
from arborlink.hub.routes.operations import Operation
from arborlink.hub.service import ranges
from arborlink.outputlog import GAP_REASONS
from arborlink.protocol import errors, lifecycle, limits, messages, resources

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
SOURCE: Final = ROOT / "src" / "arborlink"
PART: Final = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
UNIONS: Final[dict[str, Any]] = {
    "daemon-to-hub": messages.DaemonToHub,
    "hub-to-daemon": messages.HubToDaemon,
    "viewer-to-hub": messages.ViewerToHub,
    "hub-to-viewer": messages.HubToViewer,
}

# What the names of the settings do not say. A setting without an entry is an error.
MEANINGS: Final = {
    "control_message_bytes": "Largest WebSocket message that is not output",
    "output_frame_bytes": "Largest payload of one `output` message",
    "request_body_bytes": "Largest body of an HTTP request",
    "public_request_body_bytes": "The same, where no credential is needed",
    "request_body_seconds": "Time for the whole body of an HTTP request",
    "request_head_bytes": "Address and headers of an HTTP request, together",
    "request_head_seconds": "Time for them to arrive, and for a TLS handshake",
    "response_stall_seconds": "How long a client may read nothing of a response",
    "http_connections": "HTTP connections, in all. A new one takes the place of the longest idle "
    "one",
    "http_connections_per_address": "The same, from one address, and never more than a quarter of "
    "all; behind a proxy: requests in progress of one client",
    "authentication_seconds": "Time for the first message of a WebSocket",
    "heartbeat_seconds": "How often hub, daemons and viewers send each other a heartbeat; the hub "
    "announces it and the others keep to it",
    "silence_seconds": "After how long without a word a peer is dead, on both sides; at least two "
    "heartbeats. More for lines that stand still at times, less to notice a cut sooner",
    "unauthenticated_connections": "WebSockets that have not authenticated yet, in all",
    "unauthenticated_connections_per_address": "The same, from one address",
    "unauthenticated_bytes": "First messages that they send, together; 16 KiB each are free",
    "message_fragments": "WebSocket frames that one message may be split into",
    "pings_per_second": "WebSocket pings and pongs on one connection, in the long run",
    "pings_burst": "WebSocket pings and pongs on one connection, at once",
    "terminal_screens": "How many running terminals' screens are kept up to date, so that a viewer "
    "that comes late gets the screen as it is; 0: none, and no process is started for them",
    "viewer_idle_seconds": "How long a viewer's connection may follow nothing and ask for nothing",
    "subscriptions_per_connection": "Tasks and workspaces that one viewer's connection follows",
    "subscription_window_bytes": "Window that `welcome` names to viewers",
    "subscription_window_max_bytes": "Largest window a viewer may ask for",
    "task_unacknowledged_bytes": "Output of a task on its way from the daemon",
    "daemon_unacknowledged_bytes": "The same, over all tasks of a daemon's connection",
    "requests_per_second": "HTTP requests of one token or session, in the long run",
    "requests_burst": "HTTP requests of one token or session, at once",
    "user_requests_per_second": "HTTP requests of all tokens of a user together, and as many of "
    "all the user's browsers, in the long run",
    "user_requests_burst": "The same, at once",
    "requests_in_progress_per_token": "HTTP requests of one token or session that are not "
    "answered yet",
    "requests_in_progress_per_user": "The same, of all tokens of a user together, and as many of "
    "all the user's browsers",
    "downloads_per_user": "Outputs that a user downloads at a time, counted in the same way",
    "address_requests_per_second": "HTTP requests without a credential and WebSocket handshakes "
    "from one address, in the long run",
    "address_requests_burst": "The same, at once. A site (IPv4 /24, IPv6 /48) has four times and a "
    "region (/16, /32) sixteen times as much for all of its addresses",
    "address_proofs_per_second": "Questions who the hub is, one before each new connection of a "
    "daemon, command line or program, from one address, in the long run",
    "address_proofs_burst": "The same, at once. Sites and regions as above",
    "viewer_requests_per_second": "What a viewer asks for on its WebSocket, in the long run",
    "viewer_requests_burst": "What a viewer asks for on its WebSocket, at once",
    "viewer_messages_per_second": "All messages of a viewer, in the long run; beyond it they are "
    "read later",
    "viewer_messages_burst": "All messages of a viewer, at once",
    "user_viewer_requests_per_second": "What all tokens of a user together, or all the user's "
    "browsers, ask for on WebSockets, in the long run",
    "user_viewer_requests_burst": "The same, at once",
    "user_viewer_messages_per_second": "All messages on these WebSockets, in the long run; beyond "
    "it they are read later",
    "user_viewer_messages_burst": "The same, at once",
    "connections_per_token": "WebSockets of viewers of one token or session",
    "connections_per_user": "The same, of all tokens of a user together, and as many of all the "
    "user's browsers; never more than a quarter of what there is room for",
    "subscriptions_per_user": "Outputs that a user follows over all connections, counted in the "
    "same way",
    "failed_authentications_per_minute": "Failed sign-ins, tokens and codes from one address; of "
    "a site (IPv4 /24, IPv6 /48) four times and of a region (/16, /32) sixteen times as many. As "
    "many guesses at an account's password from new places are answered without a delay",
    "strangers_guesses_per_minute": "Guesses at codes for daemons, from all addresses together "
    "from which no credential was proved lately",
    "confirmation_seconds": "For how long a browser that proved who uses it may make credentials",
    "session_lifetime_seconds": "Until a browser's session ends, however much it is used",
    "workspaces_per_user": "Workspaces that one account owns",
    "daemons_per_user": "Daemons of one member's workspaces that are connected; owners have no "
    "limit",
    "tokens_per_user": "API tokens of one account; expired ones make room",
    "sessions_per_user": "Browsers in which one account is signed in; beyond it the longest unused "
    "is signed out",
    "sign_in_links_per_user": "Links of one account that were not used; beyond it the oldest is "
    "void",
    "enrollment_codes_per_user": "Codes for daemons of one account that were not used",
    "tickets_per_user": "Tickets for WebSockets that were not used, of all tokens of a user "
    "together and as many of all the user's browsers; one token has a quarter of them",
    "idempotency_keys_per_user": "Keys of one account that are remembered, for a day each",
    "task_command_bytes": "Command, arguments and variables of a task together, each with its end",
    "running_tasks_per_workspace": "Tasks handed to a workspace's daemon at a time",
    "queued_tasks_per_workspace": "Tasks that wait for it",
    "queued_tasks_per_user": "Tasks of one account that wait, in all workspaces",
    "unfinished_tasks_per_user": "Tasks that wait or run in all workspaces of one account "
    "(`too_many_tasks`)",
    "task_variables_seconds": "How long values of variables are kept after the end of their task, "
    "so that it can be run again with them; 0: some seconds",
    "reconnect_grace_seconds": "For how long a daemon that was here a moment ago is expected back",
    "spool_bytes_per_task": "Output of a task that waits for the hub on the daemon's disk",
    "spool_bytes": "The same, of all tasks together; nor is it more than a tenth of the free disk",
    "spool_min_free_bytes": "Free disk that output leaves alone",
    "stored_output_bytes_per_task": "Output kept of one task: a sixteenth from its beginning, the "
    "rest from its end. What is between becomes a gap (`size_limit`)",
    "retention_seconds": "Age since their end at which tasks are removed, with their output",
    "retention_bytes": "What all tasks may take, their output on the disk and their rows in the "
    "database: beyond it tasks of the accounts that take the most are removed, in their largest "
    "workspaces, those that ended first. None loses any for the sake of others that takes no more "
    "than its fair share, this divided by the accounts that have tasks",
    "retention_bytes_per_user": "The same, of all workspaces of one account",
    "retention_bytes_per_workspace": "The same, of one workspace",
    "min_free_disk_bytes": "Free disk that the hub leaves alone: below it nothing new is taken "
    "(`storage_low`), `/readyz` says no, and daemons keep their output",
    "host": "Address to listen on",
    "port": "Port to listen on; 0 lets the system choose",
    "data_dir": "Database and outputs. Default: see [files](files.md)",
    "public_url": "How browsers and daemons reach the hub, such as `https://arbor.example.org`",
    "websocket_path": "Path of the WebSocket",
    "allowed_origins": "Further origins whose pages may use the hub",
    "allowed_hosts": "Further names that the hub answers to",
    "tls_cert": "Certificate chain, PEM",
    "tls_key": "Its key, PEM",
    "behind_proxy": "Addresses or networks of proxies whose forwarded headers are believed",
    "bootstrap_token_file": "A file with `bootstrap_token`, safer than a variable; an empty one "
    "holds none, and it may be gone once the hub has its data",
    "bootstrap_token": "On the first start: becomes an API token of the owner, 32 characters or "
    "more. Set it in the environment, not in a file",
    "owner_name": "Name of the owner's account, on the first start",
    "log_level": "Least severe line that is logged",
    "log_format": "For people or for programs",
    "log_file": "Where the log goes instead of to standard error. At 4 MiB it becomes `FILE.1`, "
    "and that `FILE.2`; older lines are dropped",
    "allowed_commands": "Files that may be executed: short for a rule that has only this `path`",
    "command": "Rules for files that may be executed, as tables (`[[command]]`)",
    "forbidden_environment": "Variables that tasks may not set; names or globs. Counts always, and "
    "wins over `allow_environment`",
    "allow_environment": "Where commands are restricted: further variables that tasks may set; "
    "names or globs",
    "read_only": "Nothing runs",
    "max_running_tasks": "Tasks at a time; further ones wait for their turn, 64 at most",
    "max_run_seconds": "Longest run of a task, whatever its own timeout",
    "sandbox": "Reserved; there is no sandbox yet",
}
RULES: Final = {
    "path": "The file. Below the workspace with a `/` that is not the first character, in the "
    "daemon's `PATH` without a `/`",
    "arguments": 'Globs, one for each argument, in order; a last `"..."` stands for any more. '
    "What begins with `-` is matched only by what begins with `-`",
    "cwd": "Working folders, below the workspace; `.` is the workspace itself",
    "environment": "Variables that the task may set besides; names or globs",
    "input": "`false`: the input is empty, whatever the task asks for, and there is no terminal",
    "terminal": "`false`: not with a terminal",
}
# Variables that are read in other places than the hub's settings.
VARIABLES: Final = {
    "ARBOR_HOME": ("all", "One folder for all of Arbor's files: see [files](files.md)"),
    "ARBOR_URL": ("command line, SDK, `arbor daemon`", "The hub, before `credentials.toml`"),
    "ARBOR_TOKEN": ("command line, SDK, `arbor daemon`", "The token, before `credentials.toml`"),
    "ARBOR_WORKSPACE": (
        "command line",
        "The workspace that commands mean without `-w`, before that of the current folder",
    ),
    "ARBOR_HUB_KEY": (
        "command line, SDK",
        "The hub's public key, before `credentials.toml`; of the hub in `ARBOR_URL`, if set",
    ),
    "ARBOR_DETACH_KEY": ("`arbor run --tty`, `arbor attach`", "The option `--detach-key`"),
    "ARBOR_CODE": ("`arbor daemon`", "The one-time code of a new daemon; used once and forgotten"),
    "ARBOR_SECRETS_FD": (
        "hub, daemon, `arbor up`",
        "Set by Arbor for itself alone: where a process reads secrets that it was handed",
    ),
    "ARBOR_NO_INPUT": ("`arbor run`", "1: as `-n`, leave standard input alone"),
    "ARBOR_UP_FD": (
        "`arbor up`",
        "Set by Arbor for itself alone: where a detached process says that it is up",
    ),
}
# What is made with the code of its refusals, and what there are places for.
PLACES: Final = "Places"
ALSO_READ_BY: Final = {
    "ARBOR_HOST": "hub, `arbor up`",
    "ARBOR_PORT": "hub, `arbor up`",
    "ARBOR_WEBSOCKET_PATH": "hub, daemon",
    "ARBOR_LOG_FORMAT": "hub, daemon",
    "ARBOR_LOG_FILE": "hub, daemon",
    "ARBOR_LOG_LEVEL": "hub, daemon; with `debug` the command line shows where a mistake is from",
}


class Undocumented(Exception):
    """Something new has no words yet; the text says where to put them."""


# ── tables and types ─────────────────────────────────────────────────────────────────────────


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


def first_sentences(item: Any) -> str:
    """The docstring's first paragraph, as one line."""
    return " ".join((inspect.getdoc(item) or "").partition("\n\n")[0].split())


def type_text(kind: types.Type) -> str:
    """A type as people say it, with its bounds."""
    match kind:
        case types.UnionType():
            inner = [part for part in kind.types if not isinstance(part, types.NoneType)]
            texts = list(dict.fromkeys(type_text(part) for part in inner))
            if texts == ["int", "float"]:
                texts = ["number"]
            return " or ".join(texts) + (" or null" if len(inner) < len(kind.types) else "")
        case types.IntType():
            return "int" + _range(kind.ge, kind.le)
        case types.FloatType():
            low = f" above {kind.gt:g}" if kind.gt is not None else ""
            return "number" + low + _range(kind.ge, kind.le)
        case types.StrType():
            return "string" + _length(kind.min_length, kind.max_length, "characters")
        case types.BytesType():
            return "bytes" + _length(kind.min_length, kind.max_length, "bytes")
        case types.ListType():
            return f"list of {type_text(kind.item_type)}" + _length(None, kind.max_length, "items")
        case types.DictType():
            return "map of string to string" + _length(None, kind.max_length, "entries")
        case types.LiteralType():
            return ", ".join(f"`{value}`" for value in _in_order(kind.values))
        case types.EnumType():
            return ", ".join(f"`{member.value}`" for member in kind.cls)
        case types.StructType():
            return f"[{kind.cls.__name__}](#{kind.cls.__name__.lower()})"
        case types.CustomType():
            return kind.cls.__name__.lower()
    return {types.BoolType: "bool", types.NoneType: "null", types.AnyType: "any"}.get(
        type(kind), type(kind).__name__
    )


def _range(low: float | None, high: float | None) -> str:
    upper = high is not None and high < limits.MAX_OFFSET
    if low is not None and upper:
        return f" {low:,} to {high:,}"
    if upper:
        return f" up to {high:,}"
    return f" ≥ {low:,}" if low is not None and low > -limits.MAX_OFFSET else ""


def _length(low: int | None, high: int | None, unit: str) -> str:
    if high is None:
        return ""
    return f" of {low} to {high:,} {unit}" if low else f" up to {high:,} {unit}"


def _in_order(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=str)


def default_text(field: types.Field) -> str:
    """What a field is when it is left out."""
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = None if field.default_factory is home.hub_folder else _made(field)
    if value is msgspec.UNSET or value is None or value in ([], {}, b""):
        return "-"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _made(field: types.Field) -> Any:
    return field.default_factory() if callable(field.default_factory) else None


def fields_of(kind: type) -> tuple[types.Field, ...]:
    """The fields of a struct, as msgspec sees them."""
    found = types.type_info(kind)
    assert isinstance(found, types.StructType)
    return found.fields


def struct_section(kind: type, title: str, *, level: int = 3) -> str:
    """A heading, the docstring and a table of the fields as they are on the wire."""
    rows = [(f"`{f.encode_name}`", type_text(f.type), default_text(f)) for f in fields_of(kind)]
    doc = "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(kind) or "").split("\n\n"))
    body = table(("field", "type", "default"), rows) if rows else "No fields."
    return f"{'#' * level} {title}\n\n{doc}\n\n{body}\n"


def structs_within(kinds: Iterable[type]) -> list[type]:
    """Every struct that a field of these refers to, once, in the order of discovery."""
    found: dict[type, None] = {}
    waiting = list(kinds)
    while waiting:
        for field in fields_of(waiting.pop(0)):
            for inner in _structs_in(field.type):
                if inner not in found:
                    found[inner] = None
                    waiting.append(inner)
    return list(found)


def _structs_in(kind: types.Type) -> Iterator[type]:
    if isinstance(kind, types.StructType):
        yield kind.cls
    for inner in (*getattr(kind, "types", ()), getattr(kind, "item_type", None)):
        if inner is not None:
            yield from _structs_in(inner)


# ── the command line ─────────────────────────────────────────────────────────────────────────


def commands() -> str:
    """Every command with its arguments, options and examples."""
    context = click.Context(cli, info_name="arbor")
    return "\n".join(_command(command, context) for command in _subcommands(cli, context))


def _subcommands(group: click.Group, context: click.Context) -> Iterator[click.Command]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield command


def _command(command: click.Command, parent: click.Context) -> str:
    context = click.Context(command, info_name=command.name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## {context.command_path}", _paragraphs(command.help), f"```\n{usage}\n```"]
    records = [
        record
        for option in command.params
        if isinstance(option, click.Option) and (record := option.get_help_record(context))
    ]
    if records:
        rows = [(f"`{flags}`", _option_text(text)) for flags, text in records]
        parts.append(table(("option", "meaning"), rows))
    if command.epilog:
        parts.append(_examples(command.epilog))
    text = "\n\n".join(part for part in parts if part) + "\n"
    if isinstance(command, click.Group):
        text += "".join("\n" + _command(each, context) for each in _subcommands(command, context))
    return text


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(
        " ".join(part.split()) for part in inspect.cleandoc(text or "").split("\n\n")
    )


def _option_text(text: str) -> str:
    return " ".join(text.split()) or "-"


def _examples(epilog: str) -> str:
    lines = [line.strip() for line in epilog.replace("\b", "").splitlines()]
    text = "\n".join(line for line in lines if line not in ("", "Examples:"))
    return f"```sh\n{text.removeprefix('Example: ')}\n```"


# ── settings ─────────────────────────────────────────────────────────────────────────────────


def hub_settings() -> str:
    """The settings that are no limits."""
    limit_names = {field.name for field in fields_of(settings.HubLimits)}
    chosen = [f for f in fields_of(settings.HubSettings) if f.name not in limit_names]
    return _settings_table(chosen, used_names(SOURCE / "hub", but="settings.py"))


def hub_limits() -> str:
    """The limits among the settings."""
    used = used_names(SOURCE / "hub", but="settings.py")
    return _settings_table(fields_of(settings.HubLimits), used)


def policy() -> str:
    """The daemon's local policy."""
    fields = fields_of(Policy)
    return _settings_table(fields, {field.name for field in fields} - {"sandbox"})


def policy_rules() -> str:
    """The fields of a rule in the local policy."""
    rows = [
        (f"`{field.name}`", type_text(field.type), default_text(field), RULES[field.name])
        for field in fields_of(Rule)
    ]
    return table(("name", "type", "default", "meaning"), rows)


def _settings_table(fields: Iterable[types.Field], used: set[str]) -> str:
    rows = []
    for field in fields:
        meaning = meaning_of(field.name)
        if field.name not in used:
            meaning += ". **Accepted, but without effect yet**"
        rows.append((f"`{field.name}`", _setting_type(field), _with_unit(field), meaning))
    return table(("name", "type", "default", "meaning"), rows)


def _setting_type(field: types.Field) -> str:
    text = type_text(field.type)
    if not field.name.endswith(SETTING_SUFFIX):
        return text
    longest = 3_650 * settings.DAY_SECONDS
    return text.replace("number", "duration").replace(f"{longest:,}", "3,650 days")


def meaning_of(name: str) -> str:
    """What a setting means.

    Raises:
        Undocumented: nobody has written that down.
    """
    if name not in MEANINGS:
        raise Undocumented(f"{name} needs an entry in MEANINGS of tools/generate_docs.py")
    return MEANINGS[name]


def _with_unit(field: types.Field) -> str:
    value = field.default
    if isinstance(value, int) and "_bytes" in field.name:
        units = ((limits.GIB, "GiB"), (limits.MIB, "MiB"), (limits.KIB, "KiB"))
        return next(f"{value // size} {name}" for size, name in units if value % size == 0)
    if isinstance(value, float) and field.name.endswith(SETTING_SUFFIX):
        days = value / settings.DAY_SECONDS
        return f"{days:g} days" if days >= 1 else f"{value:g} s"
    if isinstance(value, float):
        return f"{value:g}"
    return default_text(field)


def used_names(folder: Path, *, but: str) -> set[str]:
    """Attributes that code below a folder reads, hence settings that have an effect."""
    return {
        node.attr
        for path in folder.rglob("*.py")
        if path.name != but
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }


def variables() -> str:
    """Environment variables."""
    rows = [(f"`{name}`", readers, text) for name, (readers, text) in VARIABLES.items()]
    for name, field in settings.ENVIRONMENT.items():
        rows.append((f"`{name}`", ALSO_READ_BY.get(name, "hub"), f"The setting `{field}`"))
    return table(("variable", "read by", "meaning"), rows)


def child_environment() -> str:
    """What a command's environment is made of."""
    passed = ", ".join(f"`{name}`" for name in environment.PASSED_ON)
    listed = ", ".join(f"`{name}`" for name in environment.LISTED)
    return (
        f"Passed on from the daemon's own environment: {passed}. Without a `PATH` there it is "
        f"`{environment.DEFAULT_PATH}`; with a terminal `TERM` is `{environment.TERMINAL_TYPE}`.\n"
        "\nWhere commands are not restricted, tasks may set any variable that "
        "`forbidden_environment` does not name. Where they are, tasks may set "
        f"{listed}, unless the value looks like a path (`/…`, `:…`, or with `..`), and what "
        "`allow_environment` or the rule names, but never `PATH`, which loses what is not absolute "
        "or leads into the workspace.\n\n"
        f"Never, whatever the policy says: `{environment.RESERVED}`."
    )


# ── the wire ─────────────────────────────────────────────────────────────────────────────────


def messages_of(direction: str) -> str:
    """The messages of one direction."""
    kinds: Sequence[type] = UNIONS[direction].__args__
    return "\n".join(struct_section(kind, f"`{_tag(kind)}`", level=3) for kind in kinds)


def _tag(kind: Any) -> str:
    return str(kind.__struct_config__.tag)


def message_parts() -> str:
    """The structures inside messages."""
    kinds = [kind for union in UNIONS.values() for kind in union.__args__]
    return "\n".join(struct_section(kind, kind.__name__) for kind in structs_within(kinds))


def operations() -> tuple[Operation, ...]:
    """Every operation of the HTTP API."""
    return (*OPERATIONS, *Documents(OPERATIONS).operations)


def http() -> str:
    """The operations by subject, with their parameters."""
    parts = []
    for tag in dict.fromkeys(operation.tag for operation in operations()):
        chosen = [each for each in operations() if each.tag == tag]
        rows = [_operation(each) for each in chosen]
        header = ("operation", "does", "needs", "body", "answer")
        parts.append(f"### {tag}\n\n{table(header, rows)}\n")
        parameters = [
            (f"`{each.method} {each.path}`", f"`{p.name}`", p.where, _parameter(p.schema), text)
            for each in chosen
            for p in each.parameters
            for text in [p.description]
        ]
        if parameters:
            header = ("operation", "parameter", "in", "values", "meaning")
            parts.append(table(header, parameters) + "\n")
    return "\n".join(parts)


def _operation(each: Operation) -> tuple[str, ...]:
    needs = "nothing" if each.public else f"`{each.scope}`" if each.scope else "any credential"
    answer = "-" if each.result is None else _reference(each.result)
    body = "-" if each.body is None else _reference(each.body)
    if each.body is not None and not each.body_required:
        body += " (may be left out)"
    if each.media_types:
        answer = ", ".join(f"`{name}`" for name in each.media_types)
    statuses = ", ".join(map(str, (each.status, *each.more_statuses)))
    return (f"`{each.method} {each.path}`", each.summary, needs, body, f"{statuses} {answer}")


def _reference(kind: Any) -> str:
    name: str = kind.__name__
    return "object" if kind is dict else f"[{name}](#{name.lower()})"


def _parameter(schema: Any) -> str:
    if not schema:
        return "string"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    bounds = [schema[key] for key in ("minimum", "maximum") if key in schema]
    text = f"{schema['type']} {' to '.join(map(str, bounds))}".strip()
    return text + (f", default {schema['default']}" if "default" in schema else "")


def http_types() -> str:
    """The bodies and answers of the HTTP API."""
    kinds = [kind for each in operations() for kind in (each.body, each.result)]
    roots = [kind for kind in dict.fromkeys(kinds) if kind not in (None, dict)]
    every = sorted({*roots, *structs_within(roots), resources.Problem}, key=lambda k: k.__name__)
    return "\n".join(struct_section(kind, kind.__name__) for kind in every)


# ── errors and states ────────────────────────────────────────────────────────────────────────


def error_classes() -> list[type[errors.ArborError]]:
    """Every error of Arbor's own, in the order of its module."""
    return [
        item
        for module in (errors, problems, ranges)
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, errors.ArborError)
        and item.__module__ == module.__name__
    ]


def error_table() -> str:
    """The classes, with what they are in HTTP and on the WebSocket."""
    rows = [
        (
            f"`{k.code}`",
            f"`{k.__name__}`",
            str(k.http_status),
            str(k.close_code),
            first_sentences(k),
        )
        for k in error_classes()
    ]
    return table(("code", "class", "HTTP", "close code", "meaning"), rows)


def exact_codes() -> str:
    """The codes that say more than their class does, with the sentence that comes with them."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        constants = _constants(ast.parse(path.read_text("utf-8")))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (code := _code(node, constants)):
                name, text = ast.unparse(node.func).split(".")[-1], _sentence(node)
                if name == PLACES:
                    name = "TooManyRequests"
                    text = f"This account has … {text}, and no more are allowed; …"
                found.setdefault(code, (name, text))
    rows = [(f"`{code}`", f"`{name}`", text) for code, (name, text) in sorted(found.items())]
    return table(("code", "class", "what is said"), rows)


def _constants(tree: ast.Module) -> dict[str, str]:
    pairs = [(node.target, node.value) for node in tree.body if isinstance(node, ast.AnnAssign)]
    return {
        target.id: value.value
        for target, value in pairs
        if isinstance(target, ast.Name)
        and isinstance(value, ast.Constant)
        and isinstance(value.value, str)
    }


def _code(call: ast.Call, constants: dict[str, str]) -> str | None:
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                return code
            case ast.keyword(arg="code", value=ast.Name(id=name)):
                return constants.get(name)
    return None


def _sentence(call: ast.Call) -> str:
    texts = [*call.args, *(each.value for each in call.keywords if each.arg != "code")]
    match texts[0] if texts else None:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in parts)
    return "What is wrong, and where"


def close_codes() -> str:
    """WebSocket close codes, with what the peer is to do."""
    standard = {
        errors.NORMAL_CLOSURE: "Done",
        errors.GOING_AWAY: "The peer goes away",
        errors.SERVICE_RESTART: "The hub restarts; come back in a moment",
    }
    by_code: dict[int, list[str]] = {}
    for kind in error_classes():
        if kind.__module__ == errors.__name__:
            by_code.setdefault(kind.close_code, []).append(f"`{kind.code}`")
    texts = standard | {code: ", ".join(names) for code, names in by_code.items()}
    rows = [
        (str(code), texts[code], "yes" if errors.may_reconnect(code) else "no")
        for code in sorted(texts)
    ]
    return table(("close code", "errors", "come back"), rows)


def lifecycle_diagram() -> str:
    """The states of a task as a diagram."""
    start = next(iter(lifecycle.TRANSITIONS))
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {start}"]
    for status, events in lifecycle.TRANSITIONS.items():
        lines += [f"    {status} --> {to}: {event}" for event, to in events.items()]
    lines += [f"    {status} --> [*]" for status in lifecycle.TaskStatus if status in FINAL]
    return "\n".join([*lines, "```"])


FINAL: Final = lifecycle.FINAL


def lifecycle_table() -> str:
    """The same as a table."""
    header = ["status", *(f"`{event}`" for event in lifecycle.TaskEvent)]
    rows = []
    for status, events in lifecycle.TRANSITIONS.items():
        cells = [f"`{events[e]}`" if e in events else "-" for e in lifecycle.TaskEvent]
        rows.append([f"`{status}`" + (" (final)" if status in FINAL else ""), *cells])
    return table(header, rows)


def reasons() -> str:
    """Why tasks end as they do, and why bytes are missing."""
    return _listed(lifecycle.Reason)


def _listed(values: Iterable[Enum]) -> str:
    return ", ".join(f"`{value.value}`" for value in values)


def gap_reasons() -> str:
    """Why bytes can be missing."""
    return ", ".join(f"`{reason}`" for reason in GAP_REASONS)


# ── the SDK ──────────────────────────────────────────────────────────────────────────────────


def sdk() -> str:
    """The public names of `arborlink.client`."""
    return "\n".join(_public(name, getattr(client, name)) for name in client.__all__)


def _public(name: str, item: Any) -> str:
    parts = [f"### {name}", first_sentences(item)]
    if isinstance(item, type) and issubclass(item, msgspec.Struct):
        rows = [(f"`{f.name}`", _python_type(item, f.name)) for f in fields_of(item)]
        parts.append(table(("attribute", "type"), rows))
    elif isinstance(item, type) and issubclass(item, Enum):
        parts.append(_listed(item))
    elif isinstance(item, type) and issubclass(item, Exception):
        parts.append(f"Code `{getattr(item, 'code', '')}`. See [errors](errors.md).")
    else:
        parts.append(f"```python\n{_signature(name, item)}\n```")
        rows = [(f"`{_member(key, value)}`", first_sentences(value)) for key, value in _own(item)]
        if rows:
            parts.append(table(("member", "does"), rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def _own(item: type) -> Iterator[tuple[str, Any]]:
    for key, value in vars(item).items():
        if not key.startswith("_") and inspect.getdoc(value) and not key.isupper():
            if inspect.isfunction(value) or isinstance(value, property):
                yield key, value


def _member(key: str, value: Any) -> str:
    return key if isinstance(value, property) else _signature(key, value)


def _signature(name: str, item: Any) -> str:
    signature = inspect.signature(item)
    parameters = [
        p.replace(annotation=_Name(p.annotation), default=_default(p.default))
        for p in signature.parameters.values()
        if p.name != "self"
    ]
    result = signature.return_annotation
    returns = "" if result in (None, "None", signature.empty) else f" -> {result}"
    plain = signature.replace(parameters=parameters, return_annotation=signature.empty)
    return f"{'async ' if inspect.iscoroutinefunction(item) else ''}{name}{plain}{returns}"


def _default(value: Any) -> Any:
    return _Name(value.__name__) if inspect.isfunction(value) else value


class _Name:
    """Shows in a signature as it is written."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


def _python_type(kind: type, field: str) -> str:
    for base in kind.__mro__:
        annotations = inspect.get_annotations(base)
        if field in annotations:
            return f"`{annotations[field]}`"
    return "-"


# ── pages ────────────────────────────────────────────────────────────────────────────────────

PARTS: Final[dict[str, Callable[[], str]]] = {
    "commands": commands,
    "hub-settings": hub_settings,
    "hub-limits": hub_limits,
    "policy": policy,
    "policy-rules": policy_rules,
    "variables": variables,
    "child-environment": child_environment,
    "daemon-to-hub": lambda: messages_of("daemon-to-hub"),
    "hub-to-daemon": lambda: messages_of("hub-to-daemon"),
    "viewer-to-hub": lambda: messages_of("viewer-to-hub"),
    "hub-to-viewer": lambda: messages_of("hub-to-viewer"),
    "message-parts": message_parts,
    "close-codes": close_codes,
    "http": http,
    "http-types": http_types,
    "errors": error_table,
    "exact-codes": exact_codes,
    "lifecycle-diagram": lifecycle_diagram,
    "lifecycle-table": lifecycle_table,
    "reasons": reasons,
    "gap-reasons": gap_reasons,
    "sdk": sdk,
}


def render(page: str) -> str:
    """A page with its generated parts as they should be.

    Raises:
        Undocumented: a part that is not known, or something in it without words.
    """

    def part(match: re.Match[str]) -> str:
        make = PARTS.get(match[2])
        if make is None:
            raise Undocumented(f"there is no generated part called {match[2]}")
        return f"{match[1]}\n{make().strip()}\n\n{match[3]}"

    return PART.sub(part, page)


def main() -> int:
    """Write the parts, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 on drift")
    check = parser.parse_args().check
    stale = False
    for path in sorted(DOCS.rglob("*.md")):
        page = path.read_text("utf-8")
        try:
            wanted = render(page)
        except Undocumented as error:
            print(f"{path.relative_to(ROOT)}: {error}", file=sys.stderr)
            return 1
        if page == wanted:
            continue
        stale = True
        name = path.relative_to(ROOT)
        if check:
            print(f"{name} is out of date; run python tools/generate_docs.py", file=sys.stderr)
        else:
            path.write_text(wanted, "utf-8")
            print(f"wrote {name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
