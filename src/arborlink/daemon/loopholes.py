"""Find rules of a local policy that allow more than they seem to, for `arbor doctor`.

This is advice to an owner, and protects nothing: the list of programs that run others has no end.
"""

from __future__ import annotations

import os
from typing import Final

from arborlink.daemon import environment
from arborlink.daemon.executable import StartFailed, absolute_folders, find_in_path, open_file
from arborlink.daemon.policy import Policy
from arborlink.daemon.rules import Machine, Request, names_file

# Shells, interpreters, wrappers, and tools that a file or an option makes run others.
RUNNERS: Final = (
    *("sh", "bash", "env", "nice", "nohup", "timeout", "xargs", "find", "awk", "perl", "python3"),
    *("node", "ruby", "make", "npm", "cargo", "git", "tar", "ssh", "rsync", "sudo", "vi", "less"),
)


def find_loopholes(policy: Policy, workspace: str) -> dict[str, str]:
    """Return the programs of `RUNNERS` that a rule allows with any arguments, and the rule's path.

    Programs are looked up in the PATH of the calling process, which may be another than the
    daemon's.
    """
    restriction = policy.restriction()
    if restriction is None:
        return {}
    variables = environment.build(os.environ, {}, terminal=False, workspace=workspace)
    folders = absolute_folders(variables[b"PATH"])
    machine = Machine(os.path.realpath(workspace), tuple(map(os.fsdecode, folders)))
    found: dict[str, str] = {}
    for name in RUNNERS:
        try:
            file = open_file(find_in_path(name.encode(), folders))
        except StartFailed:
            continue
        os.close(file.fd)
        request = Request(file.named, file.real, [], ".", {}, terminal=False)
        for rule in restriction.rules:
            if rule.arguments is None and names_file(rule.path, request, machine):
                found.setdefault(name, rule.path)
    return found
