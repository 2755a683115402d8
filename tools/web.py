"""Runs what `web/` has: `python tools/web.py build|check|test|format`."""

from __future__ import annotations

import subprocess
import sys

import web_budget
import web_build
from web_build import NODE_PACKAGE, Node, WebBuildError

SCRIPTS = ("check", "test", "format")


def main() -> int:
    """Build the page, or run one of its npm scripts with every package it needs."""
    wanted = sys.argv[1:]
    if len(wanted) != 1 or wanted[0] not in ("build", *SCRIPTS):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        node = _node()
        if wanted == ["build"]:
            web_build.build()
        else:
            web_build.install(node, everything=True)
            node.run_npm("run", *wanted)
        if wanted == ["check"]:
            web_build.build()
            web_budget.check(web_build.STATIC)
    except WebBuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _node() -> Node:
    if web_build.system_node() is None and web_build.packaged_node() is None:
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", NODE_PACKAGE], check=True
        )
    return web_build.find_node()


if __name__ == "__main__":
    sys.exit(main())
