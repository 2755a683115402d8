"""The daemon as it ships, in processes of its own. As a program: a small `arbor daemon`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from arborlink.daemon.identity import Identity, save

CONNECTOR = b"arborlink.daemon.connector"


class DaemonProcess:
    """A running supervisor, with its connector.

    What they say goes to a file: a pipe would have the reader wait for whoever holds it.
    """

    def __init__(self, home: Path, workspace: Path) -> None:
        self.home = home
        self.workspace = workspace
        self.state = home / "daemons" / "ws_1"
        self.process: asyncio.subprocess.Process | None = None
        self._connectors: set[int] = set()

    @property
    def stderr(self) -> bytes:
        """What both have said so far."""
        return (self.home / "stderr").read_bytes()

    @property
    def connector_pid(self) -> int:
        """Of the present connector."""
        return int((self.state / "connector.pid").read_text())

    async def start(self, *options: str, env: dict[str, str] | None = None) -> None:
        """Start the supervisor in the background."""
        # Not above: this file is also a program, whose path has no `tests`.
        from tests.signals import default_signals

        self._note_connector()
        with (self.home / "stderr").open("ab") as stderr:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                __file__,
                str(self.workspace),
                *options,
                stdin=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                env=os.environ | {"ARBOR_HOME": str(self.home)} | (env or {}),
                preexec_fn=default_signals,
            )

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal the supervisor and wait for its end."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        return await self.wait()

    async def wait(self) -> int:
        """Wait for the supervisor's end."""
        assert self.process is not None
        return await self.process.wait()

    async def sweep(self) -> None:
        """End whatever is left of all that was started here, stopped processes included."""
        # Not above: as a program this file has no package `tests` to import from.
        from tests.bounds import HANG_SECONDS

        self._note_connector()
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), HANG_SECONDS)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        for pid in {*self._connectors, *_of_home(self.home)}:
            if _is_connector(pid):
                for number in (signal.SIGCONT, signal.SIGKILL):
                    with suppress(ProcessLookupError):
                        os.kill(pid, number)

    def _note_connector(self) -> None:
        """The next one overwrites the file."""
        with suppress(OSError, ValueError):
            self._connectors.add(self.connector_pid)


@asynccontextmanager
async def daemon_process(
    home: Path, workspace: Path, port: int, *options: str, env: dict[str, str] | None = None
) -> AsyncIterator[DaemonProcess]:
    """An enrolled daemon that runs, and is gone afterwards."""
    daemon = DaemonProcess(home, workspace)
    enrol(home, workspace, port)
    await daemon.start(*options, env=env)
    try:
        yield daemon
    finally:
        await daemon.sweep()
        sys.stderr.write(daemon.stderr.decode(errors="replace"))


def _of_home(home: Path) -> list[int]:
    """Processes that belong to an `ARBOR_HOME`, as far as we may look into them."""
    variable = b"ARBOR_HOME=" + os.fsencode(home)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if variable in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def _is_connector(pid: int) -> bool:
    """Whether a process id, which may have been given to somebody else, is still a connector's."""
    with suppress(OSError):
        return CONNECTOR in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def enrol(home: Path, workspace: Path, port: int) -> Identity:
    """Write the identity of workspace `ws_1` below `home`."""
    before = os.environ.get("ARBOR_HOME")
    os.environ["ARBOR_HOME"] = str(home)
    try:
        identity = Identity(
            hub=f"http://127.0.0.1:{port}",
            workspace_id="ws_1",
            daemon_id="dmn_1",
            auth_token="secret-of-the-daemon",
            path=os.path.realpath(workspace),
        )
        save(identity)
    finally:
        if before is None:
            del os.environ["ARBOR_HOME"]
        else:
            os.environ["ARBOR_HOME"] = before
    return identity


def ignore_signals() -> None:
    """Ignore and block all signals, as a careless parent leaves them to what it starts."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def main() -> int:
    """What `arbor daemon` does, with the limits of the spools that a test wants."""
    from arborlink.daemon import app
    from arborlink.protocol.errors import ArborError

    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("--on-stop", choices=["cancel", "wait"], default="cancel")
    parser.add_argument("--spool", type=int)
    parser.add_argument("--spools", type=int)
    parser.add_argument("--signals-ignored", action="store_true")
    options = parser.parse_args()
    if options.signals_ignored:
        ignore_signals()
    wanted = {"spool_bytes_per_task": options.spool, "spool_bytes": options.spools}
    lines = [f"{name} = {value}\n" for name, value in wanted.items() if value is not None]
    identity = app.find_identity(options.path)
    if lines and identity is not None:
        (identity.folder / "arbor.toml").write_text("".join(lines))
    try:
        return app.run([options.path], on_stop=options.on_stop)
    except ArborError as error:
        print(f"arbor: {error.message}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
