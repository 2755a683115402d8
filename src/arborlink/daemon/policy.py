"""What the owner of this machine allows, whatever the hub says: `arbor.toml` in the state folder.

Read again when it changes. A policy that cannot be read forbids everything, and says so.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from arborlink.daemon import environment
from arborlink.daemon.budget import MIN_FREE_BYTES, SPOOL_BYTES
from arborlink.daemon.rules import Restriction, Rule
from arborlink.durations import settings_in_seconds
from arborlink.protocol import limits
from arborlink.protocol.messages import Command
from arborlink.protocol.misfits import sentence
from arborlink.toml_file import read_toml

POLICY_FILE: Final = "arbor.toml"
MAX_RUNNING_TASKS: Final = 64
Size = Annotated[int, Meta(ge=1, le=limits.MAX_OFFSET)]


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content. Times in seconds, sizes in bytes; names and commands may be globs.

    Commands are restricted as soon as there is one in `allowed_commands`, which is short for a
    rule that has only a path, or in `command`. Then tasks set the variables of an allow-list,
    which `allow_environment` adds to. `forbidden_environment` counts always, and wins.
    """

    allowed_commands: list[str] = []
    command: list[Rule] = []
    forbidden_environment: list[str] = []
    allow_environment: list[str] = []
    read_only: bool = False
    max_running_tasks: int = MAX_RUNNING_TASKS
    max_run_seconds: float | None = None
    sandbox: Literal["none"] = "none"
    spool_bytes_per_task: Size = limits.SPOOL_BYTES_PER_TASK
    spool_bytes: Size = SPOOL_BYTES
    spool_min_free_bytes: Size = MIN_FREE_BYTES

    def __post_init__(self) -> None:
        """Refuse what would only look like a rule.

        Raises:
            ValueError: as for `Rule`, or a command is empty.
        """
        if "" in self.allowed_commands:
            raise ValueError("a command in `allowed_commands` is empty")
        self.restriction()

    def restriction(self) -> Restriction | None:
        """Return the rules for commands; None if every command may run."""
        rules = (*(Rule(path=each) for each in self.allowed_commands), *self.command)
        return Restriction(rules, tuple(self.allow_environment)) if rules else None

    def refusal(self, command: Command) -> str | None:
        """Say why this must never run, as a sentence; None if the rules for commands decide it."""
        if self.read_only:
            return "this workspace is read-only: its policy lets no command run"
        if self.max_running_tasks < 1:
            return "its policy lets no task run (`max_running_tasks` in arbor.toml)"
        return self._refused_variable(command)

    def _refused_variable(self, command: Command) -> str | None:
        restricted = self.restriction() is not None
        name = environment.forbidden_name(
            command.env, forbidden=self.forbidden_environment, restricted=restricted
        )
        if name is None:
            return None
        text = f"its policy does not allow a task to set the variable {name[:256]!r}"
        if environment.is_reserved(name):
            return f"{text}: it is one of Arbor's own, which steer Arbor and nothing else"
        if environment.is_named(name, self.forbidden_environment):
            return f"{text} (`forbidden_environment` in arbor.toml)"
        if restricted and name == "PATH":
            return f"{text}: where commands are restricted, it decides what their names mean"
        return f"{text}: that is no name of a variable"


class PolicyError(Exception):
    """`arbor.toml` cannot be used; the text says where and why."""


def load(path: Path) -> Policy:
    """Read the policy in a file; the default one if there is none.

    Raises:
        PolicyError: it is not TOML, says something that is not known, or cannot be reached.
    """
    try:
        return msgspec.convert(settings_in_seconds(read_toml(path)), Policy)
    except FileNotFoundError as error:
        # A link that leads nowhere was put there by an owner who wants a policy.
        if os.path.lexists(path):
            raise PolicyError(f"{path} is a link that leads to no file") from error
        return Policy()
    except msgspec.ValidationError as error:
        said = sentence(error, Policy, "it")
        raise PolicyError(f"{path} cannot be used as a policy: {said}") from error
    except (OSError, ValueError) as error:
        raise PolicyError(f"{path} cannot be used as a policy: {error}") from error


@dataclass(slots=True)
class PolicyFile:
    """The policy as the file says now."""

    path: Path
    _stamp: tuple[int, ...] | None = None
    _policy: Policy | None = None

    def current(self) -> Policy:
        """Read it again if it has changed.

        Raises:
            PolicyError: as for `load`.
        """
        stamp = self._look()
        if self._policy is None or stamp != self._stamp:
            self._policy = None
            self._policy = load(self.path)
            self._stamp = stamp
        return self._policy

    def _look(self) -> tuple[int, ...] | None:
        try:
            state = os.stat(self.path)
        except OSError:
            self._policy = None  # perhaps it is there and cannot be reached: `load` decides
            return None
        return state.st_ino, state.st_ctime_ns, state.st_mtime_ns, state.st_size
