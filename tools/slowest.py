"""Prints how long the parts of a test run took, and the slowest tests of all of them.

`python tools/slowest.py REPORT…`: JUnit's XML, as pytest writes it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

SHOWN: Final = 10


def main() -> int:
    """Print them."""
    tests: list[tuple[float, str]] = []
    print()
    for path in map(Path, sys.argv[1:]):
        root = ElementTree.parse(path)
        cases = list(root.iter("testcase"))
        seconds = sum(float(suite.get("time", "0")) for suite in root.iter("testsuite"))
        print(f"{seconds:7.1f} s  {path.stem}: {len(cases)} tests")
        for case in cases:
            name = f"{case.get('classname')}::{case.get('name')}"
            tests.append((float(case.get("time", "0")), name))
    print(f"\nThe {SHOWN} slowest, set-up included:")
    for seconds, name in sorted(tests, reverse=True)[:SHOWN]:
        print(f"{seconds:7.1f} s  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
