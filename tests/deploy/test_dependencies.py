"""What Arbor is built and run with is known by its hashes, listed, and asked about."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.bounds import HANG_SECONDS

ROOT: Final = Path(__file__).resolve().parents[2]
TOOLS: Final = ROOT / "tools"
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIREMENTS: Final = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools import each other by name."""
    monkeypatch.syspath_prepend(str(TOOLS))


def wanted(name: str) -> list[str]:
    """What `requirements/NAME.txt` has to hold at least."""
    project = PROJECT["project"]
    match name:
        case "daemon":
            return list(project["dependencies"])
        case "hub":
            return [*project["dependencies"], *project["optional-dependencies"]["hub"]]
        case _:
            return list(PROJECT["build-system"]["requires"])


def test_there_is_a_file_for_each_way_to_install() -> None:
    assert [each.stem for each in REQUIREMENTS] == ["build", "daemon", "hub"]


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.stem)
def test_every_requirement_is_pinned_with_its_hashes_and_without_an_address(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)
    entries = [
        each for each in text.replace("\\\n", " ").splitlines() if each and each[0] not in "# "
    ]
    assert entries
    for entry in entries:
        requirement = Requirement(entry.partition("--hash")[0])
        (pin,) = requirement.specifier
        assert pin.operator == "==" and "*" not in pin.version
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?:\s|$)", entry)) >= 1, entry[:80]


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.stem)
def test_what_the_project_says_it_needs_is_pinned_as_it_says(file: Path) -> None:
    """`make requirements` after a change of pyproject.toml."""
    import locked

    pinned = {canonicalize_name(each.name): each.version for each in locked.of_python(file.stem)}
    for text in wanted(file.stem):
        requirement = Requirement(text)
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier


def test_every_package_of_the_page_has_its_hash_and_no_address() -> None:
    import locked

    packages = [*locked.of_page(), *locked.of_page(development=True)]
    assert len(packages) > 50
    assert [each.name for each in packages if not each.hashes] == []
    assert '"resolved"' not in locked.NPM_LOCK.read_text()


def test_images_are_built_of_hashed_requirements_alone() -> None:
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    lines = text.replace("\\\n", " ").splitlines()
    installs = [
        words
        for line in lines
        if line.startswith("RUN ")
        for words in line.split("&&")
        if " pip install" in f" {words}" or " pip wheel" in f" {words}"
    ]
    assert len(installs) == 4
    for words in installs:
        assert "--require-hashes" in words or "--no-deps" in words, words
    assert [line for line in lines if line.startswith("FROM")] == [
        "FROM ${PYTHON_IMAGE} AS build",
        "FROM ${PYTHON_IMAGE}",
    ]


# ── the list of what is in it ────────────────────────────────────────────────────────────────


def test_the_list_of_components_is_whole_the_same_everywhere_and_has_no_address(
    tmp_path: Path,
) -> None:
    import locked

    texts = []
    for name in ("a.json", "b/c.json"):
        subprocess.run(
            [sys.executable, TOOLS / "sbom.py", tmp_path / name],
            check=True,
            capture_output=True,
            cwd=tmp_path,
            timeout=HANG_SECONDS,
        )
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    assert "://" not in texts[0] and str(ROOT) not in texts[0]
    document = json.loads(texts[0])
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    references = [each["bom-ref"] for each in document["components"]]
    assert len(references) == len(set(references))
    expected = {each.purl for each in (*locked.of_python("hub"), *locked.of_page())}
    assert set(references) == expected
    for each in document["components"]:
        assert each.get("hashes") or each.get("properties"), each["name"]


# ── known vulnerabilities ────────────────────────────────────────────────────────────────────


@contextmanager
def answering(reply: bytes | None) -> Iterator[str]:
    """A service that says this to whoever connects, or nothing, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while not connection.recv(65_536).endswith(b"}"):
                    pass
                if reply is not None:
                    connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


def response(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def packages() -> list[Any]:
    from locked import Package

    return [Package("PyPI", "one", "1"), Package("npm", "@two/three", "2")]


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"\0" * 100,
        response(b"", "503 Service Unavailable"),
        response(b"<html>"),
        response(b"[]"),
        response(b'{"results": [{}]}'),
        response(b'{"results": [5, {}]}'),
        response(b'{"results": [{"vulns": [{}]}, {}]}'),
        response(b"[" * 100_000),
    ],
    ids=["nothing", "no HTTP", "503", "a page", "a list", "too few", "odd", "no id", "nested"],
)
def test_a_service_that_does_not_answer_is_said_and_is_no_failure(
    tmp_path: Path, reply: bytes | None
) -> None:
    import audit

    with answering(reply) as service:
        code, said = audit.audit(
            packages(), lambda each: audit.ask(each, service), tmp_path / "s", 0.0, use_kept=False
        )
    assert code == 0 and "not checked" in said


def test_a_service_that_is_not_there_is_said_and_is_no_failure(tmp_path: Path) -> None:
    import audit

    with socket.create_server(("127.0.0.1", 0)) as server:
        service = f"http://127.0.0.1:{server.getsockname()[1]}/"
    code, said = audit.audit(
        packages(), lambda each: audit.ask(each, service), tmp_path / "s", 0.0, use_kept=False
    )
    assert (code, "offline" in said) == (0, True)


def test_a_known_vulnerability_is_a_failure_unless_it_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import audit

    body = b'{"results": [{}, {"vulns": [{"id": "GHSA-x", "modified": "m"}, {"id": "CVE-y"}]}]}'

    def check() -> tuple[int, str]:
        with answering(response(body)) as service:
            ask = partial(audit.ask, service=service)
            return audit.audit(packages(), ask, tmp_path / "s", 0.0, use_kept=False)

    code, said = check()
    assert code == 1 and "pkg:npm/%40two/three@2: GHSA-x, CVE-y" in said
    monkeypatch.setattr(audit, "ACCEPTED", {"GHSA-x": "only on other systems"})
    code, said = check()
    assert code == 1 and said.endswith("pkg:npm/%40two/three@2: CVE-y")
    monkeypatch.setattr(audit, "ACCEPTED", dict.fromkeys(["GHSA-x", "CVE-y"], "a reason"))
    assert check() == (0, "vulnerabilities of dependencies: none known in 2 packages")


def test_an_answer_is_kept_for_a_day_and_none_for_an_hour(tmp_path: Path) -> None:
    import audit

    asked: list[int] = []
    is_there = True

    def ask(each: Any) -> dict[str, list[str]]:
        asked.append(len(each))
        if not is_there:
            raise audit.NotKnown("offline")
        return {}

    def check(now: float, count: int = 2) -> int:
        audit.audit(packages()[:count], ask, tmp_path / "s", now, use_kept=True)
        return len(asked)

    day, hour = audit.KEPT_SECONDS, audit.UNREACHABLE_SECONDS
    assert [check(0), check(day), check(day + 1), check(day + 2, 1)] == [1, 1, 2, 3]
    is_there = False
    later = 3 * day
    assert [check(later), check(later + hour), check(later + hour + 1)] == [4, 4, 5]
    # A clock that went back, and a file that is damaged.
    assert check(later - day) == 6
    (tmp_path / "s").write_text("{")
    assert check(later - day) == 7
