"""Where Arbor keeps its files: all below `ARBOR_HOME`, or in the platform's own folders."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

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


def _data() -> Path:
    home = os.environ.get("ARBOR_HOME")
    return Path(home).expanduser() if home else platformdirs.user_data_path(APPLICATION)


def _config() -> Path:
    home = os.environ.get("ARBOR_HOME")
    return Path(home).expanduser() if home else platformdirs.user_config_path(APPLICATION)
