"""JSON over HTTP to one hub: one pool of connections, errors by name, safe repetitions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from arborlink import __version__
from arborlink.client.patience import Patience, say_nothing
from arborlink.client.problems import error_of_response
from arborlink.outbound import certificate_problem, http_transport
from arborlink.proof.known_hub import NOT_CONNECTED, KnownHub
from arborlink.protocol import octets
from arborlink.protocol.errors import (
    ArborError,
    InvalidInput,
    LocalProtocolError,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from arborlink.protocol.retry import retry_after_of_header

if TYPE_CHECKING:
    import httpx2

# With the live WebSocket four connections at most (guarantee G36).
MAX_CONNECTIONS: Final = 3
# The rest is left to calls, which would otherwise wait for slow readers of downloads.
MAX_DOWNLOADS: Final = 2
# Less than what hubs, and proxies in front of them, keep an idle connection for (75 s): this
# end closes it, and no request goes out on a connection that the hub is just closing.
KEEP_ALIVE_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 10.0
# For a connection of the pool to become free.
BUSY_SECONDS: Final = 30.0
# A hub that waits for its disk may take a while; a dead one is noticed by the socket.
ANSWER_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 15.0

UNTRUSTED_CERTIFICATE: Final = "untrusted_certificate"
CONNECTIONS_BUSY: Final = "connections_busy"
HUB_CLOSED: Final = "hub_closed"
# A repetition would give the same answer.
HOPELESS: Final = frozenset({UNTRUSTED_CERTIFICATE, CONNECTIONS_BUSY})

T = TypeVar("T")


def hub_closed() -> LocalProtocolError:
    """Return the error of a call after the end of the hub's `with` block."""
    return LocalProtocolError(
        "the Hub is closed: its `with` block has ended. Call it, and use its tasks, inside the "
        "block; `task(ID)` of another Hub gives the task again",
        code=HUB_CLOSED,
    )


class HttpApi:
    """The hub's HTTP API. `retry_seconds`: for how long a safe request is repeated.

    Without a `token` only public operations can be called. `ca`: a file with the certificate of a
    further trusted authority. `busy_seconds`: how long a request waits while all connections of the
    pool are in use. `on_wait`: as that of `Hub`. `known`: the hub at `url`, which has to prove its
    identity on each connection before a request is sent.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        ca: str | None = None,
        retry_seconds: float = RETRY_SECONDS,
        busy_seconds: float = BUSY_SECONDS,
        on_wait: Callable[[float, str], None] = say_nothing,
        known: KnownHub | None = None,
    ) -> None:
        # Imported here because it takes longer than everything else of the SDK together.
        import httpx2

        self._url = url
        self._retry_seconds = retry_seconds
        self._busy_seconds = busy_seconds
        self._on_wait = on_wait
        self._closed = False
        self._downloads = asyncio.Semaphore(MAX_DOWNLOADS)
        headers = {"User-Agent": f"arborlink/{__version__}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        limits = httpx2.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
        )
        self._client = httpx2.AsyncClient(
            base_url=url,
            headers=headers,
            transport=http_transport(known or KnownHub(url), limits, ca),
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=busy_seconds),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the pool; every later request is refused."""
        self._closed = True
        await self._client.aclose()

    async def get(self, path: str, kind: type[T], **query: object) -> T:
        """Return the resource at `path`.

        Raises:
            ArborError: what the hub answered, or `Unavailable` if it did not.
        """
        params = _parameters(query)
        body = await self._request("GET", path, params=params, repeatable=True)
        return _decode(body, kind)

    async def post(
        self, path: str, kind: type[T], body: object, *, idempotency_key: str | None = None
    ) -> T:
        """Post `body` and return the answer; repeated after a failure only with a key.

        Raises:
            ArborError: what the hub answered, or `Unavailable` if it did not.
        """
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        answer = await self._request(
            "POST",
            path,
            headers=headers,
            content=_encode(body),
            repeatable=idempotency_key is not None,
        )
        return _decode(answer, kind)

    async def patch(self, path: str, kind: type[T], body: object) -> T:
        """Change the resource at `path` by `body`, and return it.

        Raises:
            ArborError: what the hub answered, or `Unavailable` if it did not.
        """
        answer = await self._request(
            "PATCH",
            path,
            headers={"Content-Type": "application/json"},
            content=_encode(body),
            repeatable=False,
        )
        return _decode(answer, kind)

    async def delete(self, path: str) -> None:
        """Delete the resource at `path`; repeated after a failure (RFC 9110, 9.2.2).

        Raises:
            ArborError: what the hub answered, or `Unavailable` if it did not.
        """
        await self._request("DELETE", path, repeatable=True)

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str], **query: object
    ) -> AsyncIterator[httpx2.Response]:
        """Open the body at `path` as a stream, with status 200, 206 or 416.

        At most MAX_DOWNLOADS are open at a time: further ones wait for one of them to be closed.

        Raises:
            ArborError: what the hub answered, or `Unavailable` if it did not or broke off.
        """
        import httpx2

        params = _parameters(query)
        patience = Patience(self._retry_seconds, self._on_wait)
        async with self._download():
            while True:
                self._check_open()
                try:
                    async with self._client.stream(
                        "GET", path, params=params, headers=headers
                    ) as response:
                        if response.status_code in (200, 206, 416):
                            yield response
                            return
                        refusal = _error(response, await response.aread())
                except httpx2.TransportError as error:
                    raise self._unreachable(error) from error
                if not isinstance(refusal, Unavailable | TooManyRequests):
                    raise refusal
                await patience.wait(refusal)

    @asynccontextmanager
    async def _download(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._busy_seconds):
                await self._downloads.acquire()
        except TimeoutError:
            raise self._busy(f"{MAX_DOWNLOADS} outputs are being read already") from None
        try:
            yield
        finally:
            self._downloads.release()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> bytes:
        patience = Patience(self._retry_seconds, self._on_wait)
        arrived = False
        while True:
            try:
                return await self._request_once(
                    method, path, params=params, headers=headers, content=content
                )
            except (Unavailable, TooManyRequests) as error:
                # After a refused connection or a 429 nothing was done: a repetition is safe.
                harmless = isinstance(error, TooManyRequests) or error.code == NOT_CONNECTED
                arrived = arrived or not harmless
                if error.code in HOPELESS or not (repeatable or harmless):
                    raise
                await patience.wait(error)
            except NotFound:
                # A repeated deletion: the first one succeeded, and its answer was lost.
                if method == "DELETE" and arrived:
                    return b""
                raise

    async def _request_once(self, method: str, path: str, **arguments: Any) -> bytes:
        import httpx2

        self._check_open()
        try:
            response = await self._client.request(method, path, **arguments)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise _error(response, response.content)
        return response.content

    def _check_open(self) -> None:
        if self._closed:
            raise hub_closed()

    def _unreachable(self, error: httpx2.TransportError) -> Unavailable:
        import httpx2

        if isinstance(error, httpx2.PoolTimeout):
            return self._busy(f"all {MAX_CONNECTIONS} connections of this program are in use")
        untrusted = certificate_problem(error)
        if untrusted is not None:
            return Unavailable(
                f"the hub at {self._url} is not believed: {untrusted}", code=UNTRUSTED_CERTIFICATE
            )
        refused = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
        return Unavailable(
            f"the hub at {self._url} cannot be reached: {error or type(error).__name__}. "
            "Check that it runs, and the address in ARBOR_URL or credentials.toml",
            code=NOT_CONNECTED if refused else "connection_broken",
        )

    def _busy(self, what: str) -> Unavailable:
        return Unavailable(
            f"{what}, and none became free within {self._busy_seconds:g} s. Close an output that "
            "is not read any more, or do less at once",
            code=CONNECTIONS_BUSY,
        )


def _error(response: httpx2.Response, body: bytes) -> ArborError:
    wait = retry_after_of_header(response.headers.get("Retry-After"))
    return error_of_response(response.status_code, body, wait)


def _parameters(query: Mapping[str, object]) -> dict[str, str]:
    """Return the parameters of the address, without those that are None. Raises InvalidInput."""
    _check_no_bytes(query)
    params = {key: str(value) for key, value in query.items() if value is not None}
    _encode(params)
    return params


def _encode(body: object) -> bytes:
    # msgspec would send bytes as base64, which no field of the API expects.
    _check_no_bytes(msgspec.to_builtins(body, builtin_types=(bytes, bytearray, memoryview)))
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{octets.quoted(error.object)} is not UTF-8, as names, titles and searches have to be",
            code="not_text",
        ) from None


def _check_no_bytes(value: object) -> None:
    if isinstance(value, bytes | bytearray | memoryview):
        raise InvalidInput(
            f"{octets.quoted_bytes(bytes(value))} is bytes, and names, titles and searches are "
            "text. Decode it first",
            code="not_text",
        )
    if isinstance(value, Mapping):
        for each in value.values():
            _check_no_bytes(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _check_no_bytes(each)


def _decode(body: bytes, kind: type[T]) -> T:
    if kind is type(None):
        return None
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ArborError(
            f"the hub's answer cannot be read: {error}. Is it an Arbor hub, and of this version?",
            code="unreadable_answer",
        ) from error
