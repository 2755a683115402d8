"""The hub's settings: where each value comes from, and what is refused before anything starts.

Precedence: flag, environment, the `[hub]` table of the file, default. Nothing here reads the
environment or opens a file by itself: both are given.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from arborlink import home
from arborlink.addresses import is_loopback
from arborlink.durations import settings_in_seconds
from arborlink.protocol import limits as wire
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.misfits import sentence
from arborlink.toml_file import read_toml

INVALID_SETTING: Final = "invalid_setting"
DAY_SECONDS: Final = 86_400.0
MIN_BOOTSTRAP_TOKEN_CHARS: Final = 32
MAX_TOKEN_FILE_BYTES: Final = 4_096

ENVIRONMENT: Final = {
    "ARBOR_HOST": "host",
    "ARBOR_PORT": "port",
    "ARBOR_WEBSOCKET_PATH": "websocket_path",
    "ARBOR_PUBLIC_URL": "public_url",
    "ARBOR_BOOTSTRAP_TOKEN": "bootstrap_token",
    "ARBOR_BOOTSTRAP_TOKEN_FILE": "bootstrap_token_file",
    "ARBOR_LOG_LEVEL": "log_level",
    "ARBOR_LOG_FORMAT": "log_format",
    "ARBOR_LOG_FILE": "log_file",
}

Size = Annotated[int, Meta(ge=1, le=wire.MAX_OFFSET)]
Window = Annotated[int, Meta(ge=1, le=wire.SUBSCRIPTION_WINDOW_MAX_BYTES)]
Amount = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=10 * 365 * DAY_SECONDS)]
# Less than clients wait for an answer.
Grace = Annotated[float, Meta(ge=0, le=30)]
# How long something is kept; 0: not at all.
Keeping = Annotated[float, Meta(ge=0, le=10 * 365 * DAY_SECONDS)]
# How many there are at once; 0: none.
Screens = Annotated[int, Meta(ge=0, le=1_000)]
Rate = Annotated[float, Meta(gt=0, le=1_000_000)]
Heartbeat = Annotated[float, Meta(ge=wire.HEARTBEAT_MIN_SECONDS, le=wire.HEARTBEAT_MAX_SECONDS)]
Silence = Annotated[float, Meta(ge=wire.SILENCE_MIN_SECONDS, le=wire.SILENCE_MAX_SECONDS)]
LogLevel = Literal["debug", "info", "warning", "error"]


class HubLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits among the settings: sizes in bytes, times in seconds, rates as named.

    Names of times end in `_seconds`; only then a text such as "30d" is read as one.
    """

    control_message_bytes: Size = wire.CONTROL_MESSAGE_BYTES
    output_frame_bytes: Size = wire.OUTPUT_FRAME_BYTES
    request_body_bytes: Size = 1 * wire.MIB
    public_request_body_bytes: Size = 64 * wire.KIB
    request_body_seconds: Seconds = 20.0
    request_head_bytes: Size = 8 * wire.KIB
    request_head_seconds: Seconds = 5.0
    response_stall_seconds: Seconds = 60.0
    http_connections: Amount = 2_048
    http_connections_per_address: Amount = 256
    authentication_seconds: Seconds = wire.AUTHENTICATION_SECONDS
    heartbeat_seconds: Heartbeat = wire.HEARTBEAT_SECONDS
    silence_seconds: Silence = wire.SILENCE_SECONDS
    unauthenticated_connections: Amount = wire.UNAUTHENTICATED_CONNECTIONS
    unauthenticated_connections_per_address: Amount = wire.UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS
    unauthenticated_bytes: Size = 2 * wire.MIB
    message_fragments: Amount = 1_024
    pings_per_second: Rate = 10.0
    pings_burst: Amount = 50
    viewer_idle_seconds: Seconds = wire.VIEWER_IDLE_SECONDS
    subscriptions_per_connection: Amount = wire.SUBSCRIPTIONS_PER_CONNECTION
    subscription_window_bytes: Window = wire.SUBSCRIPTION_WINDOW_BYTES
    subscription_window_max_bytes: Window = wire.SUBSCRIPTION_WINDOW_MAX_BYTES
    task_unacknowledged_bytes: Size = wire.TASK_UNACKNOWLEDGED_BYTES
    daemon_unacknowledged_bytes: Size = wire.DAEMON_UNACKNOWLEDGED_BYTES
    requests_per_second: Rate = 50.0
    requests_burst: Amount = 200
    user_requests_per_second: Rate = 100.0
    user_requests_burst: Amount = 400
    requests_in_progress_per_token: Amount = 64
    requests_in_progress_per_user: Amount = 128
    downloads_per_user: Amount = 32
    address_requests_per_second: Rate = 50.0
    address_requests_burst: Amount = 200
    address_proofs_per_second: Rate = 200.0
    address_proofs_burst: Amount = 2_000
    viewer_requests_per_second: Rate = 100.0
    viewer_requests_burst: Amount = 400
    viewer_messages_per_second: Rate = 5_000.0
    viewer_messages_burst: Amount = 10_000
    user_viewer_requests_per_second: Rate = 400.0
    user_viewer_requests_burst: Amount = 1_600
    user_viewer_messages_per_second: Rate = 10_000.0
    user_viewer_messages_burst: Amount = 20_000
    connections_per_token: Amount = 256
    connections_per_user: Amount = 512
    subscriptions_per_user: Amount = 1_024
    failed_authentications_per_minute: Rate = 10.0
    strangers_guesses_per_minute: Rate = 600.0
    confirmation_seconds: Seconds = 3_600.0
    session_lifetime_seconds: Seconds = 90 * DAY_SECONDS
    workspaces_per_user: Amount = 4_096
    daemons_per_user: Amount = 1_024
    tokens_per_user: Amount = 1_000
    sessions_per_user: Amount = 64
    sign_in_links_per_user: Amount = 16
    enrollment_codes_per_user: Amount = 64
    tickets_per_user: Amount = 128
    idempotency_keys_per_user: Amount = 20_000
    task_command_bytes: Size = wire.TASK_COMMAND_BYTES
    running_tasks_per_workspace: Amount = wire.RUNNING_TASKS_PER_WORKSPACE
    queued_tasks_per_workspace: Amount = wire.QUEUED_TASKS_PER_WORKSPACE
    queued_tasks_per_user: Amount = 1_024
    unfinished_tasks_per_user: Amount = 8_192
    task_variables_seconds: Keeping = 3_600.0
    reconnect_grace_seconds: Grace = 10.0
    stored_output_bytes_per_task: Size = wire.STORED_OUTPUT_BYTES_PER_TASK
    retention_seconds: Seconds = 30 * DAY_SECONDS
    retention_bytes: Size = 20 * wire.GIB
    retention_bytes_per_user: Size = 20 * wire.GIB
    retention_bytes_per_workspace: Size = 20 * wire.GIB
    min_free_disk_bytes: Size = 64 * wire.MIB
    terminal_screens: Screens = 64


class HubSettings(HubLimits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[hub]`. Port 0 lets the system choose; empty `behind_proxy`: no proxy is trusted."""

    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 4000
    data_dir: Path = msgspec.field(default_factory=home.hub_folder)
    public_url: Annotated[str, Meta(pattern=r"^https?://[^/\s]+$")] | None = None
    websocket_path: Annotated[str, Meta(pattern=r"^/[A-Za-z0-9._~/-]+$")] = "/api/ws"
    allowed_origins: list[str] = []
    allowed_hosts: list[str] = []
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: list[str] = []
    bootstrap_token: str | None = None
    bootstrap_token_file: Path | None = None
    owner_name: Annotated[str, Meta(min_length=1, max_length=wire.MAX_NAME_CHARS)] = "owner"
    log_level: LogLevel = "info"
    log_format: Literal["text", "json"] = "text"
    log_file: Path | None = None

    def validate(self) -> None:
        """Refuse what would be unsafe or cannot work.

        Raises:
            InvalidInput: and its text says which setting and what to do (code `invalid_setting`).
        """
        if (self.tls_cert is None) != (self.tls_key is None):
            raise _invalid("--tls-cert and --tls-key belong together: give both or neither.")
        if not is_loopback(self.host) and self.tls_cert is None and not self.behind_proxy:
            raise _invalid(
                f"The hub would listen on {self.host} without TLS. Give --tls-cert and --tls-key, "
                "or name the proxies in front of it with --behind-proxy, or keep to 127.0.0.1."
            )
        if self.silence_seconds < wire.SILENCE_MIN_HEARTBEATS * self.heartbeat_seconds:
            raise _invalid(
                f"silence_seconds is {self.silence_seconds:g}, but heartbeats come only every "
                f"{self.heartbeat_seconds:g} seconds (heartbeat_seconds): make it at least "
                f"{wire.SILENCE_MIN_HEARTBEATS * self.heartbeat_seconds:g}, or heartbeats more "
                "frequent."
            )
        for address in self.behind_proxy:
            _check_proxy(address)
        for origin in self.allowed_origins:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
                raise _invalid(
                    f"The allowed origin {origin!r} is none: write it as https://example.org."
                )
        if self.bootstrap_token is not None:
            if self.bootstrap_token_file is not None:
                raise _invalid("Give a bootstrap token or a file with one, not both.")
            _check_token(self.bootstrap_token, "ARBOR_BOOTSTRAP_TOKEN")

    @property
    def secure(self) -> bool:
        """Whether browsers reach the hub by https, as far as the settings tell."""
        return self.tls_cert is not None or (self.public_url or "").startswith("https://")


def load_settings(
    flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None = None
) -> HubSettings:
    """The settings in force; flags that are None were not given.

    A `file` that does not exist is an error: leave it out when none was asked for.

    Raises:
        InvalidInput: a value or a key that cannot be used, named (code `invalid_setting`).
    """
    values: dict[str, Any] = {} if file is None else _from_file(file)
    for variable, name in ENVIRONMENT.items():
        if environment.get(variable):
            given = _convert({name: environment[variable]}, variable, strict=False)
            values[name] = getattr(given, name)
    values |= {name: value for name, value in flags.items() if value is not None}
    settings = _convert(values, "The settings")
    settings.validate()
    return settings


def read_bootstrap_token(settings: HubSettings, *, is_set_up: bool) -> str | None:
    """Return the token of `bootstrap_token`, or of the file that is named in its place.

    An empty file holds none. `is_set_up`: the hub has its data already, and the file may be gone.

    Raises:
        InvalidInput: the file cannot be read, or holds no token (code `invalid_setting`).
    """
    file = settings.bootstrap_token_file
    if file is None:
        return settings.bootstrap_token
    try:
        with file.open("rb") as stream:
            token = stream.read(MAX_TOKEN_FILE_BYTES).decode("ascii").strip()
    except FileNotFoundError as error:
        if is_set_up:
            return None
        raise _invalid(f"There is no file {file} with a bootstrap token.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(f"The bootstrap token in {file} cannot be read: {error}.") from error
    if not token:
        return None
    _check_token(token, f"The bootstrap token in {file}")
    return token


def _check_token(token: str, source: str) -> None:
    if len(token.strip()) < MIN_BOOTSTRAP_TOKEN_CHARS:
        raise _invalid(
            f"{source} has {len(token.strip())} characters; at least "
            f"{MIN_BOOTSTRAP_TOKEN_CHARS} are needed. `openssl rand -hex 32` makes a good one."
        )


def _from_file(file: Path) -> dict[str, Any]:
    try:
        table = read_toml(file).get("hub", {})
    except (OSError, ValueError) as error:
        raise _invalid(f"{file} cannot be read: {error}") from error
    # Judged on its own first, so that a mistake in the file is reported with the file's name.
    settings = _convert(table, f"{file}, [hub]")
    return {name: getattr(settings, name) for name in table}


def _convert(values: object, source: str, *, strict: bool = True) -> HubSettings:
    try:
        read = settings_in_seconds(values) if isinstance(values, dict) else values
        return msgspec.convert(read, HubSettings, strict=strict, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise _invalid(f"{source}: {sentence(error, HubSettings, 'it')}") from error
    except ValueError as error:
        raise _invalid(f"{source}: {error}") from error


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    raise TypeError(f"a {kind.__name__} is needed")


def _check_proxy(address: str) -> None:
    try:
        ipaddress.ip_network(address, strict=False)
    except ValueError:
        raise _invalid(
            f"The proxy {address!r} is no address: write 10.0.0.5 or 10.0.0.0/8."
        ) from None


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(message, code=INVALID_SETTING)
