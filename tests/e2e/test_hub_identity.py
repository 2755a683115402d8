"""A local user who takes the hub's port is given no secret; the hub that comes back is known."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from arborlink.client import ArborError, Hub, HubNotProven, OtherHubKey
from arborlink.proof import statement
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, command, wait_until
from tests.e2e.hub_of_another_user import hub_of_another_user
from tests.e2e.shared import mend
from tests.e2e.test_canary import daemon_token
from tests.e2e.thief import Record, thief
from tests.plain_http import HTTP
from tests.ports import free_port

CODE = "CANARY-CODE"
COMMAND = "canary-command-5e1d"
TYPED = b"canary-input-b7c2"
# Attempts of a daemon after which it has shown that it goes on, and does not give in.
ATTEMPTS = 3

needs_other_user = pytest.mark.skipif(
    os.geteuid() != 0, reason="another user of this machine can be played by root alone"
)


State = dict[Path, str]


class SignedIn(Arbor):
    """Its command line has `credentials.toml`, as a person's has, and no variables."""

    signed_in = False

    def environment(self, extra: object = None) -> dict[str, str]:
        """Without ARBOR_URL and ARBOR_TOKEN once there are credentials."""
        found = super().environment(extra)  # type: ignore[arg-type]
        if self.signed_in:
            for name in ("ARBOR_URL", "ARBOR_TOKEN"):
                del found[name]
        return found

    def sign_in(self, *options: str) -> None:
        """`arbor login`."""
        done = self.run("login", self.url, "--token", *options, stdin=TOKEN.encode())
        assert done.returncode == 0, done.stderr
        self.signed_in = True

    def said(self, *words: str, stdin: bytes | None = None) -> str:
        """What a command says that fails."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode != 0, (words, done.stdout, done.stderr)
        return (done.stderr + done.stdout).decode()

    @property
    def credentials(self) -> Path:
        return self.home / "credentials.toml"

    @property
    def identity(self) -> Path:
        return next((self.home / "daemons").glob("*/identity.toml"))

    @property
    def key(self) -> str:
        """As the hub's own machine prints it."""
        done = self.run("hub", "key")
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()


def kept_key(file: Path) -> str | None:
    found = re.search(r'hub_key = "([^"]+)"', file.read_text())
    return None if found is None else found[1]


def state(arbor: SignedIn) -> State:
    """What daemon and command line know."""
    return {file: file.read_text() for file in (arbor.credentials, arbor.identity)}


def forget_keys(arbor: SignedIn) -> None:
    """As an installation is that was made before hubs had keys."""
    for file in (arbor.credentials, arbor.identity):
        file.write_text(re.sub(r"hub_key = .*\n", "", file.read_text()))


def stop_daemon(arbor: Arbor) -> None:
    assert arbor.daemon is not None
    arbor.daemon.terminate()
    arbor.daemon.wait(HANG_SECONDS)


@contextmanager
def signed_in(folder: Path) -> Iterator[SignedIn]:
    """Hub and daemon; daemon and command line know the hub's key."""
    pair = SignedIn(folder / "home", folder / "workspace")
    try:
        pair.start_hub()
        pair.start_daemon()
        pair.sign_in()
        wait_until(lambda: kept_key(pair.identity) is not None, "the daemon to keep the key")
        yield pair
    finally:
        pair.stop()


@pytest.fixture(scope="module")
def signed_in_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SignedIn, State]]:
    """One for a module, and the files that tests change."""
    with signed_in(tmp_path_factory.mktemp("known")) as pair:
        yield pair, state(pair)


@pytest.fixture
def known(signed_in_once: tuple[SignedIn, State]) -> SignedIn:
    """As it was before the first test: everything runs, and the hub's key is known."""
    pair, before = signed_in_once
    if state(pair) != before:
        stop_daemon(pair)
        for file, text in before.items():
            file.write_text(text)
    mend(pair)
    return pair


@pytest.fixture
def own(tmp_path: Path) -> Iterator[SignedIn]:
    """For a test after which the hub is another one, or elsewhere."""
    with signed_in(tmp_path) as pair:
        yield pair


def secrets_of(arbor: SignedIn) -> list[bytes]:
    token = daemon_token(arbor).encode()
    return [TOKEN.encode(), token, CODE.encode(), COMMAND.encode(), TYPED]


def try_everything(arbor: SignedIn, tmp_path: Path) -> list[str]:
    """Each command that has something to send; what each of them says."""
    folder = tmp_path / "another"
    folder.mkdir(exist_ok=True)
    enrolled = subprocess.run(
        command(["daemon", str(folder), "--hub", arbor.url]),
        env={**arbor.environment(), "ARBOR_CODE": CODE},
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert enrolled.returncode != 0
    return [
        arbor.said("run", "--", COMMAND, stdin=TYPED),
        arbor.said("logs", "last"),
        arbor.said("rotate", "test"),
        arbor.said("login", arbor.url, "--token", stdin=TOKEN.encode()),
        arbor.said("login", arbor.url),
        arbor.said("doctor"),
        enrolled.stderr.decode(),
    ]


def check_refused(arbor: SignedIn, record: Record, words: str, tmp_path: Path) -> None:
    """Nothing secret arrives, however often it is tried, and what is said names the reason."""
    wait_until(lambda: record.questions >= ATTEMPTS, "the daemon to try again")
    asked = record.questions
    said = try_everything(arbor, tmp_path)
    assert record.questions >= asked + len(said)
    for each in said:
        assert words in " ".join(each.split()), each
    assert words in arbor.log("daemon")
    # A person who signs out has it done here, and is told that the token is still good there.
    kept = arbor.credentials.read_text()
    assert b"stays valid" in arbor.run("logout").stderr
    arbor.credentials.write_text(kept)
    received = record.bytes
    assert [secret for secret in secrets_of(arbor) if secret in received] == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("none", "does not prove that it is the hub"),
        ("replay", "does not prove that it is the hub"),
        ("other", "is another hub than the one that is known here"),
    ],
)
def test_who_takes_the_hubs_port_gets_no_secret(
    known: SignedIn, tmp_path: Path, answer: str, words: str
) -> None:
    proof = HTTP.get(f"{known.url}{statement.PATH}?nonce={statement.new_nonce()}").text
    key = known.key
    assert key == kept_key(known.credentials) == kept_key(known.identity)
    known.kill_hub()
    with thief(known.port, tmp_path, answer, proof=proof) as record:
        check_refused(known, record, words, tmp_path)
        assert f"{key}" in known.said("whoami")
    known.start_hub()
    wait_until(lambda: known.state() == "connected", "the daemon to come back")
    assert known.run("run", "--", "echo", "back").stdout == b"back\n"


@needs_other_user
def test_who_passes_the_connection_on_to_the_hub_gets_no_secret(
    own: SignedIn, tmp_path: Path
) -> None:
    """The proof is the hub's own; but another user is in between, and would read along."""
    own.kill_hub()
    port = own.port
    own.port = free_port()
    own.url = f"http://127.0.0.1:{own.port}"
    own.start_hub()
    own.url = f"http://127.0.0.1:{port}"
    with thief(port, tmp_path, "relay", behind=own.port) as record:
        check_refused(own, record, "of this machine passes", tmp_path)
    own.url = f"http://127.0.0.1:{own.port}"


@needs_other_user
@pytest.mark.parametrize("answer", ["none", "other"])
def test_without_a_known_key_a_port_of_another_user_is_refused(
    known: SignedIn, tmp_path: Path, answer: str
) -> None:
    forget_keys(known)
    stop_daemon(known)
    known.kill_hub()
    with thief(known.port, tmp_path, answer) as record:
        known.daemon = known._start("daemon", str(known.workspace))
        check_refused(known, record, "and the hub's key is not known here", tmp_path)
    assert kept_key(known.credentials) is None and kept_key(known.identity) is None


@needs_other_user
def test_a_hub_with_a_user_of_its_own_is_believed_with_its_key(tmp_path: Path) -> None:
    """Nothing but the hub can be at the other end: both ends see the same connection."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with hub_of_another_user() as (url, data):

        def arbor(
            *words: str, stdin: bytes = b"", more: Mapping[str, str] | None = None
        ) -> subprocess.CompletedProcess[bytes]:
            kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
            return subprocess.run(
                command(words),
                env={**kept, "ARBOR_HOME": str(tmp_path / "home"), **(more or {})},
                cwd=folder,
                input=stdin,
                capture_output=True,
                timeout=HANG_SECONDS,
                check=False,
            )

        key = arbor("hub", "key", "--data-dir", str(data)).stdout.decode().strip()
        refused = arbor("login", url, "--token", stdin=TOKEN.encode())
        assert refused.returncode == 1 and b"of this machine serves" in refused.stderr
        signed_in = arbor("login", url, "--token", "--hub-key", key, stdin=TOKEN.encode())
        assert signed_in.returncode == 0, signed_in.stderr
        assert arbor("whoami").returncode == 0
        # The command to paste has the key, so that it works for every user of the machine.
        shown = arbor("enroll", "lab").stdout.decode()
        assert f"ARBOR_HUB_KEY={key} arbor daemon" in shown
        code = shown.split("ARBOR_CODE=")[1].split()[0]
        elsewhere = {"ARBOR_HOME": str(tmp_path / "daemon"), "ARBOR_CODE": code}
        # Without a daemon that stays: `install` enrolls and starts nothing.
        install = ["daemon", "install", "--hub", url, "--manager", "systemd"]
        without = arbor(*install, more=elsewhere)
        assert without.returncode == 1 and b"of this machine serves" in without.stderr
        elsewhere |= {"ARBOR_HUB_KEY": key, "HOME": str(tmp_path)}
        enrolled = arbor(*install, more=elsewhere)
        assert enrolled.returncode == 0, enrolled.stderr
        assert kept_key(next((tmp_path / "daemon" / "daemons").glob("*/identity.toml"))) == key


def test_a_first_contact_without_a_key_believes_what_the_own_user_runs(
    known: SignedIn, tmp_path: Path
) -> None:
    """What the double is given where nothing stands against it: it would get every secret."""
    known.kill_hub()
    environment = {**known.environment(), "ARBOR_HOME": str(tmp_path / "elsewhere")}
    with thief(known.port, tmp_path, "none", as_other_user=False) as record:
        subprocess.run(
            command(["login", known.url, "--token"]),
            env=environment,
            input=TOKEN.encode(),
            capture_output=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert TOKEN.encode() in record.bytes
        # With the key given, not even at first.
        refused = subprocess.run(
            command(["login", known.url, "--token", "--hub-key", known.key]),
            env=environment,
            input=b"canary-token-of-another",
            capture_output=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert refused.returncode == 1 and b"does not prove" in refused.stderr
        assert b"canary-token-of-another" not in record.bytes


async def test_a_program_that_follows_a_task_is_told_and_sends_nothing(
    known: SignedIn, tmp_path: Path
) -> None:
    key = known.key
    async with Hub(known.url, TOKEN, hub_key=key) as hub:
        task = await hub.run("sh", "-c", "echo begun; cat", workspace="test", stdin="open")
        output = task.output()
        assert (await anext(output)).end == len(b"begun\n")
        known.kill_hub()
        with thief(known.port, tmp_path, "none") as record:
            with pytest.raises(HubNotProven):
                await anext(output)
            with pytest.raises(HubNotProven):
                await hub.me()
            with pytest.raises(HubNotProven):
                async with hub.stored_output(task.id):
                    pass
            with pytest.raises(HubNotProven):
                await hub.run(COMMAND, workspace="test")
            received = record.bytes
        assert [secret for secret in secrets_of(known) if secret in received] == []
        known.start_hub()
        assert (await hub.me()).username == "owner"


def test_an_installation_from_before_takes_the_key_at_its_next_connection(
    known: SignedIn,
) -> None:
    forget_keys(known)
    stop_daemon(known)
    known.start_daemon()
    wait_until(lambda: kept_key(known.identity) is not None, "the key to be kept")
    done = known.run("whoami")
    assert (done.returncode, done.stderr.count(b"has the key")) == (0, 1)
    assert known.run("whoami").stderr == b""
    assert known.key == kept_key(known.credentials) == kept_key(known.identity)
    assert f"the hub's key is {known.key}" in known.log("daemon")
    assert "auth_token" in known.identity.read_text() and "token" in known.credentials.read_text()
    assert known.run("trust", "--forget").returncode == 0
    assert kept_key(known.credentials) is None and kept_key(known.identity) is None
    assert known.run("whoami").stderr.count(b"has the key") == 1


def test_a_hub_that_was_made_anew_is_refused_by_name_until_it_is_trusted(
    own: SignedIn,
) -> None:
    old = own.key
    own.kill_hub()
    (own.home / "hub" / "hub.key").unlink()
    own.start_hub()
    new = own.key
    said = own.said("whoami")
    assert old in said and new in said and f"arbor trust {own.url} --key KEY" in said
    wait_until(lambda: new in own.log("daemon"), "the daemon to be refused")
    assert own.run("trust", "--key", old).returncode == 0
    assert own.run("whoami").returncode == 1
    assert "is not the key of a hub" in own.said("trust", "--key", "ed25519:abc")
    assert "there is no terminal to ask at" in own.said("trust")
    # A person compares what answers; nothing is sent to it before.
    assert kept_key(own.credentials) == old
    assert new in answered(own, "no", 1) and kept_key(own.credentials) == old
    assert new in answered(own, "yes", 0) and kept_key(own.identity) == new
    assert own.run("trust", "--key", old).returncode == 0
    trusted = own.run("trust", "--key", new)
    assert b"the command line, the daemon of" in trusted.stderr, trusted.stderr
    # Without being started again, or losing what it runs.
    wait_until(lambda: own.state() == "connected", "the daemon to come back")
    assert own.run("run", "--", "echo", "trusted").stdout == b"trusted\n"


def answered(arbor: SignedIn, answer: str, code: int) -> str:
    """What `arbor trust` says on a terminal where its question is answered so."""
    ours, theirs = os.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs, "rb") as terminal:
        keyboard.write(f"{answer}\n".encode())
        done = subprocess.run(
            command(["trust"]),
            env=arbor.environment(),
            stdin=terminal,
            capture_output=True,
            timeout=HANG_SECONDS,
            check=False,
        )
    assert done.returncode == code, done.stderr
    return done.stderr.decode()


def test_a_hub_from_a_backup_has_its_key_and_is_known(own: SignedIn) -> None:
    key = own.key
    copy = own.home / "copy.tar"
    assert own.run("hub", "backup", str(copy)).returncode == 0
    own.kill_hub()
    (own.home / "hub").rename(own.home / "hub-before")
    assert own.run("hub", "restore", str(copy)).returncode == 0
    assert own.key == key
    own.start_hub()
    wait_until(lambda: own.state() == "connected", "the daemon to come back")
    assert own.run("run", "--", "echo", "restored").stdout == b"restored\n"


async def test_ones_own_tunnel_to_the_hub_goes_on_working(known: SignedIn, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with thief(port, tmp_path, "relay", behind=known.port, as_other_user=False):
        async with Hub(url, TOKEN, hub_key=known.key) as hub:
            task = await hub.run("echo", "through", workspace="test")
            assert b"".join([each.data async for each in task.output() if hasattr(each, "data")])
        with pytest.raises(OtherHubKey):
            async with Hub(url, TOKEN, hub_key=other_key(tmp_path)) as hub:
                await hub.me()


def other_key(folder: Path) -> str:
    from arborlink.proof import keys

    (folder / "other").mkdir()
    return keys.ensure(folder / "other").public


async def test_a_key_that_is_none_is_refused_before_anything(known: SignedIn) -> None:
    with pytest.raises(ArborError, match="arbor hub key"):
        Hub(known.url, TOKEN, hub_key="nonsense")
