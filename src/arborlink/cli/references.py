"""How commands say what they take for a workspace or a task."""

from typing import Final

WORKSPACE_HELP: Final = (
    "Name, id, or the beginning or end of an id; another account's: ACCOUNT/NAME."
)
# Names the workspace that commands mean without -w.
WORKSPACE_VARIABLE: Final = "ARBOR_WORKSPACE"
TASK_HELP: Final = (
    "A task is named by its id, by the last characters of it (`arbor tasks` shows how many are "
    "enough), or as `last`: the newest that you started."
)
