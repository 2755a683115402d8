"""A private sshd on a free port of the loopback, with keys of its own, and a warm master to it.

Nothing of the user's ssh is read or changed.
"""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.e2e.arbor import wait_until
from tests.ports import free_port

from benchmarks.processes import descendants

HOST: Final = "127.0.0.1"
INSTALL: Final = "install OpenSSH, for example: apt-get install openssh-server openssh-client"
# Daemons are often where an ordinary user's PATH does not lead.
SYSTEM_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin"
START_SECONDS: Final = 10.0

SERVER: Final = """\
ListenAddress {host}
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
LogLevel ERROR
"""


class SshMissing(Exception):
    """There is no ssh to compare with, and the text says what to do about it."""


class Ssh:
    """`stop` it in the end."""

    def __init__(self, folder: Path) -> None:
        """Start server and master.

        Raises:
            SshMissing: something is not installed, or does not work here.
        """
        self._folder = folder
        self._port = free_port()
        self._client = _find("ssh")
        self._started: list[subprocess.Popen[bytes]] = []
        folder.mkdir(mode=0o700)
        try:
            self._make_keys()
            self._start()
        except (AssertionError, OSError, subprocess.CalledProcessError) as error:
            self.stop()
            log = (folder / "sshd.log").read_text().strip() if self._started else ""
            raise SshMissing(f"ssh does not work here: {log or error}") from error

    def command(self, words: Sequence[str]) -> list[str]:
        """The command line that runs `words` over there, through the master."""
        return [*self._base(), HOST, shlex.join(words)]

    def terminal(self, folder: Path, words: Sequence[str]) -> list[str]:
        """The command line that runs `words` in a terminal, in a folder over there."""
        line = f"cd {shlex.quote(str(folder))} && exec {shlex.join(words)}"
        return [*self._base(), "-tt", HOST, line]

    def groups(self) -> dict[str, list[int]]:
        """The long-lived processes."""
        server, master = self._started
        return {"sshd": descendants(server.pid), "ssh master": [master.pid]}

    def version(self) -> str:
        """As it says itself."""
        done = subprocess.run([self._client, "-V"], capture_output=True, text=True, check=True)
        return done.stderr.strip()

    def stop(self) -> None:
        """End both."""
        for process in reversed(self._started):
            process.terminate()
            process.wait()

    def _make_keys(self) -> None:
        keygen = _find("ssh-keygen")
        for name in ("host_key", "user_key"):
            words = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name)]
            subprocess.run(words, check=True, capture_output=True)
        public = (self._folder / "host_key.pub").read_text()
        (self._folder / "known_hosts").write_text(f"[{HOST}]:{self._port} {public}")

    def _start(self) -> None:
        config = self._folder / "sshd_config"
        config.write_text(SERVER.format(host=HOST, port=self._port, folder=self._folder))
        with (self._folder / "sshd.log").open("ab") as log:
            self._spawn([_find("sshd"), "-D", "-e", "-f", str(config)], log.fileno())
            self._spawn([*self._base(), "-M", "-N", HOST], log.fileno())
        wait_until(self._is_ready, "ssh's master to be connected", START_SECONDS)

    def _spawn(self, words: Sequence[str], log: int) -> None:
        self._started.append(
            subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )

    def _is_ready(self) -> bool:
        server, master = self._started
        if server.poll() is not None:
            raise AssertionError("sshd ended")
        if master.poll() is not None:
            # It dialled before sshd listened.
            self._started.pop()
            self._spawn([*self._base(), "-M", "-N", HOST], subprocess.DEVNULL)
            return False
        check = [*self._base(), "-O", "check", HOST]
        return subprocess.run(check, capture_output=True, check=False).returncode == 0

    def _base(self) -> list[str]:
        options = {
            "BatchMode": "yes",
            "ControlPath": self._folder / "master",
            "IdentitiesOnly": "yes",
            "IdentityFile": self._folder / "user_key",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": self._folder / "known_hosts",
        }
        words = [self._client, "-F", "none", "-p", str(self._port), "-l", getpass.getuser()]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return words


def _find(name: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), SYSTEM_PATH])
    found = shutil.which(name, path=path)
    if found is None:
        raise SshMissing(f"{name} is not installed; {INSTALL}")
    return found
