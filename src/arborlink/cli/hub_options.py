"""The flags of a hub, for whatever starts one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_PATH: Final = click.Path(path_type=Path)
_OPTIONS: Final = (
    click.option("--host", help="Address to listen on.  [default: 127.0.0.1]"),
    click.option("--port", type=click.IntRange(0, 65_535), help="Port.  [default: 4000]"),
    click.option("--data-dir", type=_PATH, help="Database and outputs."),
    click.option("--public-url", help="How browsers and daemons reach it."),
    click.option("--config", type=_PATH, help="An arbor.toml."),
    click.option("--tls-cert", type=_PATH, help="Certificate chain, PEM."),
    click.option("--tls-key", type=_PATH, help="Its key, PEM."),
    click.option("--bootstrap-token-file", type=_PATH, help="Holds the owner's first API token."),
    click.option("--behind-proxy", multiple=True, metavar="ADDRESS", help="Trust this proxy."),
)


def hub_options(command: F) -> F:
    """Give a command those flags; all but `config` are settings, as `settings_of` wants them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def hub_packages() -> Iterator[None]:
    """Around an import of the hub, which a base installation has not."""
    try:
        yield
    except ImportError as error:
        raise click.ClickException(
            f"the hub's own packages are not installed ({error.name} is missing). "
            f"Run: {sys.executable} -m pip install 'arborlink[hub]'"
        ) from error


def settings_of(flags: Mapping[str, object]) -> dict[str, object]:
    """The flags as settings; None was not given."""
    return {
        name: (list(value) or None) if isinstance(value, tuple) else value
        for name, value in flags.items()
    }


def words_of(flags: Mapping[str, object]) -> list[str]:
    """The flags as they are written, paths absolute: whoever reads them may be elsewhere."""
    words: list[str] = []
    for name, value in flags.items():
        values = value if isinstance(value, tuple) else (value,)
        for each in values:
            if each is not None:
                text = each.expanduser().absolute() if isinstance(each, Path) else each
                words += [f"--{name.replace('_', '-')}", str(text)]
    return words
