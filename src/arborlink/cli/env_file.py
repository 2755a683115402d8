"""Files of environment variables, as `docker run --env-file` reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from arborlink.protocol.limits import MIB

# What a task may be given is far less.
MAX_FILE_BYTES: Final = 1 * MIB


def read_env_file(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each line: `K=V`, or `K` alone for the value that it has here.

    Values are as they are: quotes and `$` mean nothing. Empty lines and those that begin with `#`
    are passed over, as is a `K` that is not set here.

    Raises:
        click.BadParameter: it is too large, or a line has no name.
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        data = opened.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise click.BadParameter(f"{file} has more than {MAX_FILE_BYTES:,} bytes")
    for number, line in enumerate(os.fsdecode(data).split("\n"), start=1):
        text = line.rstrip("\r").lstrip()
        if not text or text.startswith("#"):
            continue
        name, separator, value = text.partition("=")
        if not name or name != name.strip() or " " in name:
            raise click.BadParameter(f"line {number} of {file} is not NAME=VALUE")
        if separator:
            yield name, value
        elif name in os.environ:
            yield name, os.environ[name]
