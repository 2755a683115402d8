"""How commands say what they take for a workspace."""

from typing import Final

WORKSPACE_HELP: Final = "Id, name or unique prefix of an id; another account's: ACCOUNT/NAME."
