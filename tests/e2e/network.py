"""Machines of their own on one: network namespaces around a router, each link to be cut.

What a proxy cannot do is here: nobody sends a FIN or an RST, and each direction can be cut alone.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNET = 0x40000000
NAMESPACES = Path("/run/netns")
BURST_BYTES = 8 << 10
# What waits at the narrow place of a throttled link before packets are dropped there.
QUEUE_SECONDS = 0.5


def missing() -> str | None:
    """Why there can be no such network here."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with Network():
            return None
    except FileNotFoundError:
        return "network namespaces need `ip` (the package iproute2)"
    except subprocess.CalledProcessError as error:
        return f"no network namespaces here: {error.stderr.decode().strip()}"


@dataclass(frozen=True, slots=True)
class Machine:
    """One of the machines. `link` is the router's end of its only cable."""

    namespace: str
    link: str
    address: str
    _router: str

    def prefix(self) -> list[str]:
        """What stands before a command that is to run there."""
        return ["ip", "netns", "exec", self.namespace]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and what it starts, is there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/proc/thread-self/ns/net").open() as home:
            with (NAMESPACES / self.namespace).open() as there:
                _enter(libc, there.fileno())
            try:
                yield
            finally:
                _enter(libc, home.fileno())

    def unplug(self, on: bool) -> None:
        """The link goes down: both directions, and the sockets are told nothing."""
        _ip("-n", self._router, "link", "set", self.link, "down" if on else "up")

    def swallow_to(self, on: bool) -> None:
        """A route that leads nowhere: what is sent to this machine vanishes."""
        _ip("-n", self._router, "route", "add" if on else "del", "blackhole", self.address)

    def swallow_from(self, on: bool) -> None:
        """The same for what it sends."""
        _ip("-n", self._router, "rule", "add" if on else "del", "iif", self.link, "blackhole")

    def throttle(self, bytes_per_second: int) -> None:
        """No more than this passes the link, in each direction."""
        for namespace, device in ((self._router, self.link), (self.namespace, "eth0")):
            limit = int(bytes_per_second * QUEUE_SECONDS) + BURST_BYTES
            rate = f"tbf rate {bytes_per_second}bps burst {BURST_BYTES} limit {limit}".split()
            _run("tc", "-n", namespace, "qdisc", "replace", "dev", device, "root", *rate)


class Network:
    """A router and its machines; all of it goes when this is left."""

    def __init__(self) -> None:
        self._name = f"arbor-{os.getpid()}-{os.urandom(3).hex()}"
        self._namespaces: list[str] = []

    def __enter__(self) -> Network:
        try:
            self._add("router")
            forwarding = "echo 1 > /proc/sys/net/ipv4/ip_forward"
            _run("ip", "netns", "exec", self._name + "-router", "sh", "-c", forwarding)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def machine(self, name: str) -> Machine:
        """One more, with an address of its own."""
        router, number = f"{self._name}-router", len(self._namespaces)
        namespace, link, subnet = self._add(name), f"to{number}", f"10.0.{number}"
        cable = ("type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", router, "link", "add", link, *cable)
        for where, device, end in ((router, link, "1"), (namespace, "eth0", "2")):
            _ip("-n", where, "address", "add", f"{subnet}.{end}/24", "dev", device)
            _ip("-n", where, "link", "set", device, "up")
        _ip("-n", namespace, "route", "add", "default", "via", f"{subnet}.1")
        return Machine(namespace, link, f"{subnet}.2", router)

    def _add(self, name: str) -> str:
        namespace = f"{self._name}-{name}"
        _ip("netns", "add", namespace)
        self._namespaces.append(namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")
        return namespace

    def _remove(self) -> None:
        for namespace in self._namespaces:
            _ip("netns", "del", namespace)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
