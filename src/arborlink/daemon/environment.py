"""The environment of a command: an allow-list, plus the task's, minus what is forbidden.

Nothing of Arbor's own gets in. SSH_AUTH_SOCK is passed on: it is how people's `git push` works in
every shell they know, and a task runs as the same user, who could find the socket anyway.
VIRTUAL_ENV and the like are not: they describe how the daemon was started, not the workspace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

PASSED_ON: Final = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
)
DEFAULT_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
TERMINAL_TYPE: Final = "xterm-256color"

# Whatever makes some program run code, or load it, that its command line does not show.
FORBIDDEN: Final = (
    "LD_*",
    "DYLD_*",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "MALLOC_*",
    "HOSTALIASES",
    "RESOLV_HOST_CONF",
    "NLSPATH",
    "IFS",
    "ENV",
    "BASH_ENV",
    "BASH_FUNC_*",
    "SHELLOPTS",
    "BASHOPTS",
    "PROMPT_COMMAND",
    "PS4",
    "ZDOTDIR",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONBREAKPOINT",
    "PYTHONWARNINGS",
    "PYTHONUSERBASE",
    "PYTHONPLATLIBDIR",
    "PYTHONCASEOK",
    "PYTHONEXECUTABLE",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PERL5LIB",
    "PERL5OPT",
    "PERL5DB",
    "PERLLIB",
    "RUBYOPT",
    "RUBYLIB",
    "LUA_INIT*",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CLASSPATH",
    "R_PROFILE*",
    "R_ENVIRON*",
    "TCLLIBPATH",
    "AWKPATH",
    "AWKLIBPATH",
    "VIMINIT",
    "GVIMINIT",
    "EXINIT",
    "*_INIT",
    "EMACSLOADPATH",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "MANPAGER",
    "LESSOPEN",
    "LESSCLOSE",
    "BROWSER",
    "GIT_ASKPASS",
    "GIT_CONFIG*",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH*",
    "GIT_TEMPLATE_DIR",
    "SSH_ASKPASS*",
    "SUDO_ASKPASS",
    "RSYNC_RSH",
    "CVS_RSH",
    "MAKEFLAGS",
    "GNUMAKEFLAGS",
    "CARGO_*WRAPPER",
    "RUSTC_*WRAPPER",
)
# Never, whatever a policy says: these are ours.
RESERVED: Final = "ARBOR_*"


def forbidden_name(
    names: Iterable[str], *, forbidden: Iterable[str] = (), allowed: Iterable[str] = ()
) -> str | None:
    """The first of a task's variable names that it may not set; None if it may set them all.

    Args:
        forbidden: further names or globs, which count before `allowed`.
        allowed: names or globs that the default list does not apply to.
    """
    forbidden, allowed = tuple(forbidden), tuple(allowed)
    for name in names:
        if not name or "=" in name or "\0" in name or fnmatchcase(name.upper(), RESERVED):
            return name
        if _matches(name, forbidden):
            return name
        if _matches(name, FORBIDDEN) and not _matches(name, allowed):
            return name
    return None


def build(
    daemon: Mapping[str, str], task: Mapping[str, str], *, terminal: bool
) -> dict[bytes, bytes]:
    """The command's environment, as `execve` takes it. `task` has been checked already."""
    chosen = {name: value for name, value in daemon.items() if _matches(name, PASSED_ON)}
    chosen.setdefault("PATH", DEFAULT_PATH)
    if terminal:
        chosen["TERM"] = TERMINAL_TYPE
    chosen.update(task)
    return {
        name.encode("utf-8", "surrogateescape"): value.encode("utf-8", "surrogateescape")
        for name, value in chosen.items()
    }


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
