"""The hub at an address: is it one, is it well, of which version and time, does it take sockets."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from arborlink import __version__
from arborlink.addresses import hub_address
from arborlink.cli.checks import route, websocket
from arborlink.cli.checks.finding import Finding, failed, ok, warning
from arborlink.client.http import HttpApi
from arborlink.outbound import http_options
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.errors import ArborError, HubNotProven, InvalidInput

if TYPE_CHECKING:
    import httpx2

ANSWER_SECONDS: Final = 10.0
MAX_SKEW_SECONDS: Final = 30.0
GATEWAY_STATUSES: Final = frozenset({502, 503, 504})
NOT_A_HUB: Final = "check the address: it is that of the hub's page, without a path"


class Answer(msgspec.Struct, frozen=True):
    """What the hub said to a request: `body` is null where it was not JSON."""

    status: int
    body: Any
    problem: str
    location: str
    server_time: float | None
    our_time: float


def check_hub(address: str, ca: str | None = None, hub_key: str | None = None) -> Iterator[Finding]:
    """One step after the other; what comes after a step that failed cannot be looked at.

    `ca`: a file with the certificate of the hub's own CA. `hub_key`: the key it is known by here.
    """
    try:
        url = hub_address(address)
    except InvalidInput as error:
        yield failed("address", address, why=error.message, do="correct it and look again")
        return
    for look in (
        route.check_proxy,
        route.check_name,
        route.check_connection,
        lambda url: route.check_tls(url, ca),
    ):
        finding = look(url)
        if finding is not None:
            yield finding
            if finding.verdict == "failed":
                return
    answer = _ask(url, "/healthz", ca)
    alive = answer if isinstance(answer, Finding) else check_answer(url, answer)
    yield alive
    if alive.verdict == "failed" or isinstance(answer, Finding):
        return
    proven = check_key(url, hub_key, ca)
    yield proven
    if proven.verdict == "failed":
        return
    yield check_version(str(answer.body["version"]))
    if answer.server_time is not None:
        yield check_clock(answer.server_time - answer.our_time)
    ready = _ask(url, "/readyz", ca)
    yield ready if isinstance(ready, Finding) else check_ready(ready)
    yield websocket.check_upgrade(KnownHub(url, hub_key), ca)


def check_answer(url: str, answer: Answer) -> Finding:
    """Whether it is a hub that answers, and answers to this name."""
    if answer.status == 200 and _says(answer.body, "status", "version"):
        return ok("hub", f"{url} is an Arbor hub")
    found = f"what answers at {url} is no Arbor hub"
    why = f"it answered /healthz with HTTP status {answer.status}"
    if answer.problem:
        host = urlsplit(url).hostname
        do = f"start the hub with `--public-url {url}`, or add {host!r} to its allowed_hosts"
        return failed("hub", f"the hub does not answer to {url}", why=answer.problem, do=do)
    if answer.location:
        return failed("hub", found, why=f"it sends on to {answer.location}", do="use that address")
    if answer.status in GATEWAY_STATUSES:
        do = "start the hub behind the proxy, and check where the proxy passes requests on to"
        return failed("hub", f"the proxy at {url} does not reach its hub", why=why, do=do)
    return failed("hub", found, why=why, do=NOT_A_HUB)


def check_key(url: str, hub_key: str | None, ca: str | None = None) -> Finding:
    """Whether the hub proves the key that it is known by here."""
    known = KnownHub(url, hub_key)
    try:
        asyncio.run(_open(known, ca))
    except HubNotProven as error:
        return failed(
            "key",
            f"what answers at {url} is not proven to be the hub",
            why=error.message,
            do="find out what answers there before you change what is trusted: until then nothing "
            "secret is sent",
        )
    except ArborError as error:
        return failed("key", "the hub could not be asked for it", why=error.message, do=NOT_A_HUB)
    if known.key is None:
        return ok(
            "key",
            "none is proven: the hub is of an older release, or a proxy in front of it ends each "
            "connection after one answer",
        )
    if hub_key is None:
        return ok("key", f"the hub proves {known.key}; none is kept here")
    return ok("key", "the hub proves the one that it is known by here")


async def _open(known: KnownHub, ca: str | None) -> None:
    api = HttpApi(known.url, None, ca=ca, retry_seconds=0, known=known)
    try:
        await api.get("/healthz", object)
    finally:
        await api.close()


def check_version(theirs: str, ours: str = __version__) -> Finding:
    """Whether hub and this installation are of the same release."""
    if theirs == ours:
        return ok("version", f"both are {ours}")
    found = f"the hub is {theirs}, this installation is {ours}"
    if _release(theirs) == _release(ours):
        return ok("version", found)
    return warning(
        "version",
        found,
        why="neighbouring releases speak to each other, others may not",
        do="upgrade the older one; the hub first, then its daemons",
    )


def check_clock(ahead: float) -> Finding:
    """`ahead`: seconds by which the hub's clock is ahead of ours."""
    if abs(ahead) <= MAX_SKEW_SECONDS:
        return ok("clock", "it agrees with the hub's")
    return warning(
        "clock",
        f"this machine's clock is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} "
        "the hub's",
        why="times of tasks are shown wrongly, and certificates and tokens end too early or late",
        do="set both machines by NTP: `timedatectl set-ntp true`",
    )


def check_ready(answer: Answer) -> Finding:
    """Whether the hub can work, as it says itself."""
    if answer.status == 200:
        return ok("ready", "the hub is ready for work")
    reasons = answer.body.get("reasons", []) if isinstance(answer.body, dict) else []
    why = " ".join(map(str, reasons)) or f"/readyz answers with HTTP status {answer.status}"
    return failed(
        "ready",
        "the hub is not ready",
        why=why,
        do="do that on the hub's machine; tasks go on meanwhile, and their output waits there",
    )


def _ask(url: str, path: str, ca: str | None) -> Answer | Finding:
    """The answer, or what was in its way. Asked as all commands ask: same proxies, same CAs."""
    import httpx2

    began = time.time()
    try:
        with httpx2.Client(timeout=ANSWER_SECONDS, **http_options(url, ca)) as client:
            response = client.get(f"{url}{path}")
    except httpx2.TransportError as error:
        return _explain(url, error)
    return _read(response, began)


def _read(response: httpx2.Response, began: float) -> Answer:
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        body = None
    date = response.headers.get("Date")
    return Answer(
        status=response.status_code,
        body=body,
        problem=str(body["detail"]) if _says(body, "detail", "code") else "",
        location=response.headers.get("Location", ""),
        server_time=_seconds(date) if date else None,
        our_time=(began + time.time()) / 2,
    )


def _explain(url: str, error: httpx2.TransportError) -> Finding:
    import httpx2

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return route.explain_tls(cause, urlsplit(url).hostname or "")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.ProxyError):
        return failed(
            "proxy",
            "the proxy does not let us through",
            why=str(error),
            do=f"let it pass on {urlsplit(url).netloc}, correct its variable, or set NO_PROXY",
        )
    return failed(
        "hub",
        f"what listens at {url} does not answer as a hub does",
        why=str(error) or type(error).__name__,
        do=f"{NOT_A_HUB}; and http or https as the hub has it",
    )


def _says(body: object, *names: str) -> bool:
    return isinstance(body, dict) and all(isinstance(body.get(name), str) for name in names)


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _release(version: str) -> list[str]:
    return version.split(".")[:2]
