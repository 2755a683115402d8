"""Every limit of the wire, with its unit. Each is the default of a setting of the same name."""

from typing import Final

import msgspec

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

CONTROL_MESSAGE_BYTES: Final = 1 * MIB
OUTPUT_FRAME_BYTES: Final = 256 * KIB
# Field names, offsets and the task id around an output frame's payload, with room to spare.
FRAME_ENVELOPE_BYTES: Final = 4 * KIB
INPUT_FRAME_BYTES: Final = 64 * KIB
INPUT_WINDOW_BYTES: Final = 1 * MIB

AUTHENTICATION_SECONDS: Final = 5.0
WELCOME_SECONDS: Final = 10.0
HEARTBEAT_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 15.0
# What a hub may set these two to, and a peer obeys. Below them a busy machine finds peers dead that
# are not; above them proxies in between end connections that they take for idle.
HEARTBEAT_MIN_SECONDS: Final = 0.1
HEARTBEAT_MAX_SECONDS: Final = 60.0
SILENCE_MIN_SECONDS: Final = 0.5
SILENCE_MAX_SECONDS: Final = 600.0
# A silence has room for so many heartbeats: of fewer a single late one would be fatal.
SILENCE_MIN_HEARTBEATS: Final = 2

UNAUTHENTICATED_CONNECTIONS: Final = 64
UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS: Final = 8
VIEWER_IDLE_SECONDS: Final = 600.0
SUBSCRIPTIONS_PER_CONNECTION: Final = 64

SUBSCRIPTION_WINDOW_BYTES: Final = 256 * KIB
SUBSCRIPTION_WINDOW_MIN_BYTES: Final = 32 * KIB
SUBSCRIPTION_WINDOW_MAX_BYTES: Final = 16 * MIB
# Bytes that the hub buffers for one viewer, whatever window the viewer asked for.
SUBSCRIPTION_BUFFER_BYTES: Final = 256 * KIB
TASK_UNACKNOWLEDGED_BYTES: Final = 4 * MIB
DAEMON_UNACKNOWLEDGED_BYTES: Final = 16 * MIB

RUNNING_TASKS_PER_WORKSPACE: Final = 16
QUEUED_TASKS_PER_WORKSPACE: Final = 256
SPOOL_BYTES_PER_TASK: Final = 64 * MIB
STORED_OUTPUT_BYTES_PER_TASK: Final = 1 * GIB

MAX_OFFSET: Final = 2**63 - 1
# The end of the year 9999, the last that RFC 3339 can write.
MAX_UNIX_MICROSECONDS: Final = 253_402_300_799_000_000
MAX_SIGNAL: Final = 255
# Command, arguments and variables of one task together, as `execve` counts: each with its NUL.
TASK_COMMAND_BYTES: Final = 128 * KIB
# Bytes of command and arguments, and of names of variables, in lists and events.
TASK_HEAD_BYTES: Final = 1 * KIB
MAX_ARGUMENTS: Final = 10_000
MAX_ARGUMENT_BYTES: Final = 128 * KIB
MAX_ENVIRONMENT_VARIABLES: Final = 1_000
MAX_ENVIRONMENT_NAME_CHARS: Final = 256
MAX_PATH_CHARS: Final = 4_096
MAX_NAME_CHARS: Final = 128
MAX_TITLE_CHARS: Final = 256
MAX_ID_CHARS: Final = 64
MAX_TOKEN_CHARS: Final = 512
# A screen of this size takes 6 MB in whatever draws it, in every viewer of the task.
MAX_TERMINAL_COLUMNS: Final = 1_000
MAX_TERMINAL_ROWS: Final = 500
# Earlier versions allowed and stored this much; what is larger than the two above is read as them.
MAX_TERMINAL_SIDE: Final = 5_000
# Bytes of one `screen`; lines of its scrollback are left out as far as needed.
SCREEN_BYTES: Final = 1 * MIB
# Bytes of output that a resuming terminal may be behind before it is sent a `screen`.
TERMINAL_RESUME_BYTES: Final = 256 * KIB
SCREEN_SCROLLBACK_LINES: Final = 1_000
# Sizes of one task's terminal that are kept; where there are more, some in the middle are not.
MAX_TERMINAL_SIZES: Final = 1_000
MAX_CAPABILITIES: Final = 64
MAX_TASKS_IN_USAGE: Final = 1_024
# RFC 4254 defines 54 modes, RFC 8160 one more.
MAX_TERMINAL_MODES: Final = 64
MAX_TERMINAL_MODE_CHARS: Final = 16
MAX_TIMEOUT_SECONDS: Final = 30 * 86_400.0
MAX_GRACE_SECONDS: Final = 300.0
DEFAULT_GRACE_SECONDS: Final = 5.0
MAX_TASKS_IN_AUTH: Final = 4_096


class WireLimits(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What `welcome` tells the peer it must keep to. Sizes in bytes, times in seconds.

    Daemons: `output_frame_bytes`, `task_unacknowledged_bytes`, `connection_unacknowledged_bytes`,
    and `control_message_bytes`. Viewers: `input_frame_bytes`, `input_window_bytes` (input that the
    command has not read), `subscriptions`, and `subscription_window_bytes` (the window of a
    `subscribe` that names none). Both: `heartbeat_seconds` and `silence_seconds`.
    """

    control_message_bytes: int = CONTROL_MESSAGE_BYTES
    output_frame_bytes: int = OUTPUT_FRAME_BYTES
    input_frame_bytes: int = INPUT_FRAME_BYTES
    input_window_bytes: int = INPUT_WINDOW_BYTES
    task_unacknowledged_bytes: int = TASK_UNACKNOWLEDGED_BYTES
    connection_unacknowledged_bytes: int = DAEMON_UNACKNOWLEDGED_BYTES
    subscriptions: int = SUBSCRIPTIONS_PER_CONNECTION
    subscription_window_bytes: int = SUBSCRIPTION_WINDOW_BYTES
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    silence_seconds: float = SILENCE_SECONDS
