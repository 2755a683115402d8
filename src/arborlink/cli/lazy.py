"""Commands whose modules are imported when they are used, so that help costs next to nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import click

# A command's name to the module of `arborlink.cli` that has it, and to a line about it. The
# command is that module's `NAME_command`.
CommandTable = Mapping[str, tuple[str, str]]


def load_command(table: CommandTable, name: str) -> click.Command | None:
    """Import a command; None if there is none of this name."""
    if name not in table:
        return None
    module = importlib.import_module(f"arborlink.cli.{table[name][0]}")
    command = getattr(module, f"{name}_command")
    assert isinstance(command, click.Command)
    return command


class SuggestingGroup(click.Group):
    """A group that says which command was probably meant, and knows other names of some."""

    # Another name to the command's own.
    aliases: ClassVar[Mapping[str, str]] = {}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command by its name, or by another name of it.

        Raises:
            UsageError: there is none.
        """
        name = self.aliases.get(args[0], args[0])
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing and not name.startswith("-"):
            from arborlink.cli.usage_errors import unknown_command

            raise click.UsageError(
                unknown_command(name, self.list_commands(ctx), ctx.command_path), None
            )
        return super().resolve_command(ctx, [name, *args[1:]])


def with_aliases(aliases: Mapping[str, str]) -> type[SuggestingGroup]:
    """Return the class for a group that has these other names of commands."""
    return type("GroupWithAliases", (SuggestingGroup,), {"aliases": aliases})


class CommandWithParts(click.Group):
    """A command that does something by itself, and has subcommands: `arbor daemon install`.

    A subcommand is the first word after the command's name. A folder that is called like one is
    given as `./install`.
    """

    parts: ClassVar[CommandTable] = {}
    # `arbor daemon PATH --hub URL`: options may come after arguments, as in any command.
    allow_interspersed_args = True

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        # It does something without another word, where a group would print its help.
        self.invoke_without_command = True
        self.no_args_is_help = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(self.parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it. Modules may hold parts of several commands, hence the longer name."""
        if cmd_name not in self.parts:
            return None
        module, text = self.parts[cmd_name]
        return load_command({f"{self.name}_{cmd_name}": (module, text)}, f"{self.name}_{cmd_name}")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A subcommand's words are left to it."""
        if args and args[0] in self.parts:
            ctx.args = list(args)
            return ctx.args
        return click.Command.parse_args(self, ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """A subcommand asks, too, to say how it is called: none of them come before its name."""
        return super().get_params(ctx) if ctx.command is self else []

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand, or else the command itself."""
        if not ctx.args:
            return click.Command.invoke(self, ctx)
        name, *rest = ctx.args
        command = self.get_command(ctx, name)
        assert command is not None
        with command.make_context(name, rest, parent=ctx) as below:
            return command.invoke(below)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Those of the command itself."""
        return click.Command.collect_usage_pieces(self, ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.parts.items()])


def with_parts(table: CommandTable) -> type[CommandWithParts]:
    """The class for a command that has these subcommands."""
    return type("CommandWithParts", (CommandWithParts,), {"parts": table})
