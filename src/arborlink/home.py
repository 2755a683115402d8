"""Where Arbor keeps its files: all below `ARBOR_HOME`, or in the platform's own folders.

Each function raises InvalidInput where there is neither.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from arborlink.protocol.errors import InvalidInput

APPLICATION = "arbor"


def hub_folder() -> Path:
    """The hub's data: database, output logs, process id."""
    return _data() / "hub"


def daemons_folder() -> Path:
    """One folder a workspace id: identity, journal, spool, process ids, `arbor.toml`."""
    return _data() / "daemons"


def credentials_file() -> Path:
    """The hub and API token of the command line, readable by its owner alone."""
    return _config() / "credentials.toml"


def first_token_file() -> Path:
    """A variable with the first API token of a hub that runs as a service here."""
    return _config() / "hub.env"


def config_file() -> Path:
    """The settings of this machine."""
    return _config() / "config.toml"


def pages_folder() -> Path:
    """Return the folder of files that a browser is opened with, each for a minute."""
    return _data() / "pages"


def logs_folder() -> Path:
    """Return the folder of what `arbor up` and its hub and daemons log."""
    return _data() / "logs"


def up_folder() -> Path:
    """Return the folder with one file for each folder that `arbor up` serves."""
    return _data() / "up"


def _data() -> Path:
    return _folder(platformdirs.user_data_path)


def _config() -> Path:
    return _folder(platformdirs.user_config_path)


def _folder(of_platform: Callable[[str], Path]) -> Path:
    """Return ARBOR_HOME, or the platform's own folder.

    Raises:
        InvalidInput: it is below a home folder, and there is none: HOME is not set, and the user
            database does not have this user id (containers).
    """
    named = os.environ.get("ARBOR_HOME")
    try:
        return Path(named).expanduser() if named else of_platform(APPLICATION)
    except RuntimeError as error:
        raise InvalidInput(
            f"user {os.getuid()} has no home folder, and HOME is not set. "
            "Set ARBOR_HOME to the folder where Arbor should keep its files"
        ) from error
