"""B53: commands that do not want to end, or that leave something behind."""

from __future__ import annotations

from collections.abc import Mapping

# Far below what a machine allows, far above what one task needs.
CHILDREN = 200
_LOOP = "while :; do sleep 1; done"
# In `sh`; `{mark}` is in the command line of every process that must be gone in the end.
CHILDREN_OF: Mapping[str, str] = {
    "flood": "exec yes {mark}",
    "flood-of-errors": "exec yes {mark} >&2",
    "flood-without-newlines": "while :; do printf %s {mark}; done",
    "ignores-the-signal": f"trap '' TERM INT HUP; {_LOOP} # {{mark}}",
    "new-session": f"setsid sh -c '{_LOOP} # {{mark}}' & wait",
    "double-fork": f"(setsid sh -c '({_LOOP} # {{mark}}\n) &' &); sleep 600",
    "double-fork-that-ignores": f"(setsid sh -c 'trap \"\" TERM; {_LOOP} # {{mark}}' &); sleep 600",
    "closes-its-output": f"exec >&- 2>&-; {_LOOP} # {{mark}}",
    "closes-everything": f"exec <&- >&- 2>&-; {_LOOP} # {{mark}}",
    "holds-the-pipe": "setsid sh -c 'exec sleep 600 # {mark}' & wait",
    "stops-itself": "kill -STOP $$ # {mark}",
    "stops-its-child": "sh -c 'kill -STOP $$; # {mark}' & wait",
    "many-children": (
        f"n=0; while [ $n -lt {CHILDREN} ]; do sleep 600 & n=$((n+1)); done; wait # {{mark}}"
    ),
    "forks-while-it-is-ended": (
        f"n=0; trap 'sleep 600 & sleep 600 &' TERM; while [ $n -lt {CHILDREN} ]; "
        "do sh -c 'sleep 0.2 # {mark}'; n=$((n+1)); done"
    ),
}
# Ends by itself, whatever it leaves behind: status, reason and output.
LEFT_BEHIND: Mapping[str, tuple[str, str, bytes]] = {
    "holder-of-the-pipe": ("sleep 600 & echo a; exit 7 # {mark}", "failed exit_code", b"a\n"),
    "holder-in-a-session": (
        "setsid sleep 600 & echo a; exit 0 # {mark}",
        "completed",
        b"a\n",
    ),
    "killed-by-itself": ("echo a; kill -KILL $$ # {mark}", "failed signal", b"a\n"),
    "killed-its-group": ("echo a; kill -KILL 0 # {mark}", "failed signal", b"a\n"),
    "closed-and-gone": ("echo a; exec >&- 2>&-; exit 0 # {mark}", "completed", b"a\n"),
}
