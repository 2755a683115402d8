"""Bad heads of requests: hosts, origins, sizes, credentials, methods and addresses of files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from tests.corpus.http_case import HttpCase
from tests.corpus.http_wire import JSON
from tests.e2e.arbor import TOKEN

TASK = b'{"command":"true","title":"may not exist"}'
TASKS = "/api/workspaces/<workspace>/tasks"
AS_JSON = ("Content-Type", JSON)

# ── B04: names that the hub does not go by ───────────────────────────────────────────────────────

FOREIGN_HOSTS = {
    "evil": "evil",
    "any-address": "0.0.0.0",
    "any-address-6": "[::]",
    "suffix": "127.0.0.1.evil.example",
    "prefix": "evil.example.127.0.0.1",
    "trailing-dot": "localhost.",
    "user-info": "127.0.0.1@evil.example",
    "path": "127.0.0.1/evil",
    "short-address": "127.1",
    "decimal-address": "2130706433",
    "mapped-address": "[::ffff:127.0.0.1]",
    "look-alike": "xn--lcalhost-5cd",
    "port-too-large": "localhost:99999",
    "port-not-a-number": "localhost:http",
    "two-ports": "localhost:4000:4000",
    "open-bracket": "[::1",
    "space": "local host",
    "not-ascii": "loc\xe4lhost",
    "comma": "localhost, evil",
}

HOSTS = (
    *(
        HttpCase(id=f"B04-{name}", kind="B04", expected="421 host_not_allowed", host=host)
        for name, host in FOREIGN_HOSTS.items()
    ),
    HttpCase(id="B04-none", kind="B04", expected="421 host_not_allowed", host=None),
    HttpCase(id="B04-empty", kind="B04", expected="421 host_not_allowed", host=" "),
    HttpCase(
        id="B04-two",
        kind="B04",
        expected="421 host_not_allowed",
        headers=(("Host", "127.0.0.1"),),
    ),
    HttpCase(
        id="B04-two-of-which-one-is-foreign",
        kind="B04",
        expected="421 host_not_allowed",
        headers=(("Host", "evil"),),
    ),
    *(
        HttpCase(id=f"B04-absolute-{name}", kind="B04", expected=expected, target=target)
        for name, target, expected in (
            ("foreign", "http://evil.example/api/me", "421 host_not_allowed"),
            ("foreign-port", "http://evil.example:80/api/me", "421 host_not_allowed"),
            ("any-address", "http://0.0.0.0/api/me", "421 host_not_allowed"),
            ("user-info", "http://127.0.0.1@evil.example/api/me", "421 host_not_allowed"),
            ("other-scheme", "ftp://evil.example/api/me", "421 host_not_allowed"),
        )
    ),
    HttpCase(id="B04-no-slash", kind="B04", expected="400 malformed_request", target="api/me"),
    HttpCase(id="B04-asterisk", kind="B04", expected="404 not_found", target="*"),
    HttpCase(
        id="B04-authority-of-connect",
        kind="B04",
        expected="421 host_not_allowed | 400 malformed_request | 404 not_found",
        method="CONNECT",
        target="evil.example:443",
    ),
)

# ── B05: heads without measure ───────────────────────────────────────────────────────────────────

LONG = "x" * 8_193
_BEGUN = b"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\n"

SIZES = tuple(
    HttpCase(id=f"B05-{name}", kind="B05", expected="431 headers_too_large", **request)  # type: ignore[arg-type]
    for name, request in {
        "value": {"headers": (("X-Long", LONG),)},
        "name": {"headers": ((LONG, "x"),)},
        "address": {"target": f"/api/{LONG}"},
        "query": {"target": f"/api/me?{LONG}"},
        "cookie": {"headers": (("Cookie", LONG),)},
        "token": {"headers": (("Authorization", f"Bearer {LONG}"),)},
        "host": {"host": LONG},
        "origin": {"headers": (("Origin", f"http://{LONG}"),)},
        "200-headers": {"headers": tuple((f"X-{n}", "y" * 40) for n in range(200))},
        "3000-headers": {"headers": tuple(("X", "") for _ in range(3_000))},
        "ten-megabytes": {"headers": (("Authorization", "Bearer " + "x" * 10_000_000),)},
        "without-end": {"raw": _BEGUN + b"X: " + b"y" * 9_000},
        "address-without-end": {"raw": b"GET /" + b"a" * 9_000},
    }.items()
)

# What a connection may not be made of; refused while it is read.
_AUTH = f"Authorization: Bearer {TOKEN}\r\n".encode()
_POST = b"POST /api/ws-ticket HTTP/1.1\r\nHost: 127.0.0.1\r\n" + _AUTH
MALFORMED = tuple(
    HttpCase(id=f"B05-{name}", kind="B05", expected="400 malformed_request", raw=raw)
    for name, raw in {
        "version-9": b"GET /api/me HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        "method-of-nobody": b"BREW /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "lower-case-method": b"get /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "noise": bytes(range(256)),
        "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "nul-in-value": _BEGUN + b"X: a\0b\r\n\r\n",
        "control-in-value": _BEGUN + b"X: a\x01b\r\n\r\n",
        "space-before-colon": _BEGUN + b"X : a\r\n\r\n",
        "no-colon": _BEGUN + b"X\r\n\r\n",
        "nul-in-address": b"GET /api/\0me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "bytes-in-address": b"GET /api/tasks/\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "two-lengths": _POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "length-and-chunks": _POST
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "negative-length": _POST + b"Content-Length: -1\r\n\r\n",
        "length-beyond-64-bits": _POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
        "chunk-without-size": _POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "chunk-beyond-64-bits": _POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\n",
    }.items()
)

# ── B02, B03: pages of somebody else's ───────────────────────────────────────────────────────────

# `<own>` is the only origin whose pages may use the hub, `<port>` its port.
_FOREIGN_ORIGINS = {
    "foreign": "http://evil.example",
    "null": "null",
    "empty": "",
    "file": "file://",
    "extension": "chrome-extension://abcdefghijklmnop",
    "two-in-one": "<own> http://evil.example",
    "with-path": "<own>/",
    "wildcard": "*",
}
_NEAR_ORIGINS = {
    "suffix": "<own>.evil.example",
    "https": "https://127.0.0.1:<port>",
    "other-port": "http://127.0.0.1:1",
    "no-port": "http://127.0.0.1",
    "trailing-dot": "http://127.0.0.1.:<port>",
    "upper-case": "HTTP://127.0.0.1:<port>",
    "other-loopback-name": "http://localhost:<port>",
    "full-width-digit": "http://127.0.0.\xef\xbc\x91:<port>",
    "user-info": "http://127.0.0.1:<port>@evil.example",
    "subdomain": "http://evil.127.0.0.1:<port>",
    "decimal-address": "http://2130706433:<port>",
    "websocket": "ws://127.0.0.1:<port>",
}
_FROM_PAGES = {
    "look": HttpCase(id="", kind="", expected="", target="/api/tasks"),
    "start": HttpCase(
        id="", kind="", expected="", method="POST", target=TASKS, headers=(AS_JSON,), body=TASK
    ),
    "start-as-a-form": HttpCase(
        id="",
        kind="",
        expected="",
        method="POST",
        target=TASKS,
        headers=(("Content-Type", "text/plain"),),
        body=TASK,
    ),
    "cancel": HttpCase(
        id="", kind="", expected="", method="POST", target="/api/tasks/<task>/cancel"
    ),
    "delete": HttpCase(
        id="", kind="", expected="", method="DELETE", target="/api/workspaces/<workspace>"
    ),
    "ticket": HttpCase(id="", kind="", expected="", method="POST", target="/api/ws-ticket"),
    "sign-out": HttpCase(id="", kind="", expected="", method="DELETE", target="/api/session"),
}
_PUBLIC_TO_PAGES = {
    "sign-in": ("/api/session", b'{"link":"x"}'),
    "device-code": ("/api/device/code", b"{}"),
    "device-token": ("/api/device/token", b'{"deviceCode":"x"}'),
}


def origins(own: str, cookie: str) -> tuple[HttpCase, ...]:
    """What pages of somebody else's can make a browser send, signed in with this cookie."""
    signed_in = ("Cookie", f"arbor_session={cookie}")
    port = own.rpartition(":")[2]
    return tuple(
        replace(
            case,
            id=f"{kind}-{name}-{deed}",
            kind=kind,
            expected="403 origin_not_allowed",
            headers=(
                signed_in,
                *case.headers,
                *(("Origin", _own(each, own, port)) for each in sent),
            ),
            credential=False,
        )
        for kind, name, sent in _sent_origins()
        for deed, case in _FROM_PAGES.items()
        # A page's own address, opened by hand, has no Origin.
        if sent or case.method != "GET"
    )


def public_origins(own: str) -> tuple[HttpCase, ...]:
    """What such pages can send to routes that need no credential."""
    port = own.rpartition(":")[2]
    return tuple(
        HttpCase(
            id=f"{kind}-{name}-{deed}",
            kind=kind,
            expected="403 origin_not_allowed",
            method="POST",
            target=target,
            headers=(AS_JSON, *(("Origin", _own(each, own, port)) for each in sent)),
            body=body,
        )
        for kind, name, sent in _sent_origins()
        for deed, (target, body) in _PUBLIC_TO_PAGES.items()
        if sent
    )


def _sent_origins() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for name, origin in _FOREIGN_ORIGINS.items():
        yield "B02", name, (origin,)
    yield "B02", "none", ()
    yield "B02", "two-headers", ("<own>", "http://evil.example")
    yield "B02", "two-headers-own-last", ("http://evil.example", "<own>")
    for name, origin in _NEAR_ORIGINS.items():
        yield "B03", name, (origin,)


def _own(origin: str, own: str, port: str) -> str:
    return origin.replace("<own>", own).replace("<port>", port)


# ── B45: credentials ─────────────────────────────────────────────────────────────────────────────

_TOKENS = {
    "empty": "Bearer ",
    "scheme-only": "Bearer",
    "prefix-only": "Bearer arb_u_",
    "shown-prefix": f"Bearer {TOKEN[:10]}",
    "one-short": f"Bearer {TOKEN[:-1]}",
    "one-long": f"Bearer {TOKEN}x",
    "upper-case": f"Bearer {TOKEN.upper()}",
    "no-scheme": TOKEN,
    "basic": "Basic OnB3",
    "digest": f"Digest {TOKEN}",
    "quoted": f'Bearer "{TOKEN}"',
    "two-in-one": f"Bearer {TOKEN}, Bearer {TOKEN}",
    "two-words": f"Bearer {TOKEN} {TOKEN}",
    "encoded-newline": f"Bearer {TOKEN}%0A",
    "no-break-space": f"Bearer {TOKEN}\xa0",
    "null": "Bearer null",
    "wildcard": "Bearer *",
    "sql": "Bearer ' OR 1=1 --",
    "of-a-guess": "Bearer arb_u_" + "A" * 36,
    "above-the-limit": "Bearer " + "x" * 600,
    "not-ascii": "Bearer \xff\xfe\xfd",
}

CREDENTIALS = (
    *(
        HttpCase(
            id=f"B45-{name}",
            kind="B45",
            expected="401 not_authenticated",
            headers=(("Authorization", value),),
            credential=False,
        )
        for name, value in _TOKENS.items()
    ),
    HttpCase(
        id="B45-two-headers",
        kind="B45",
        expected="401 not_authenticated",
        headers=(("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")),
        credential=False,
    ),
    *(
        HttpCase(
            id=f"B45-in-query-{name}",
            kind="B45",
            expected="401 not_authenticated",
            target=f"/api/me?{name}={TOKEN}",
            credential=False,
        )
        for name in ("access_token", "token", "authToken", "authorization", "ticket", "api_key")
    ),
    *(
        HttpCase(
            id=f"B45-in-{name}",
            kind="B45",
            expected="401 not_authenticated",
            headers=((name, value),),
            credential=False,
        )
        for name, value in (
            ("X-Api-Key", TOKEN),
            ("X-Auth-Token", TOKEN),
            ("Proxy-Authorization", f"Bearer {TOKEN}"),
            ("X-Forwarded-User", "owner"),
            ("X-Remote-User", "owner"),
            ("Cookie", f"arbor_session={TOKEN}"),
            ("Cookie", "arbor_session="),
            ("Cookie", "arbor_session=null; arbor_session=*"),
        )
    ),
)
_BAD_TOKEN = (("Authorization", "Bearer arb_u_wrong"),)
# A good cookie does not make up for a wrong token.
PRESENT_BUT_INVALID = (
    HttpCase(
        id="B45-wrong-token-with-a-good-cookie",
        kind="B45",
        expected="401 not_authenticated",
        headers=_BAD_TOKEN,
    ),
    HttpCase(
        id="B45-wrong-token-with-a-good-cookie-to-change-something",
        kind="B45",
        expected="401 not_authenticated",
        method="POST",
        target=TASKS,
        headers=(*_BAD_TOKEN, AS_JSON),
        body=TASK,
    ),
)

# ── B48: changes by the wrong method, or in a form that any page can send ────────────────────────

_FORMS = {
    "text": "text/plain",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
    "text-json": "text/json",
    "near-json": "application/jsonp",
    "list": "application/json, text/plain",
    "empty": "",
    "space": "application/ json",
}
_OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")

METHODS = (
    *(
        HttpCase(
            id=f"B48-{name}",
            kind="B48",
            expected="415 unsupported_media_type",
            method="POST",
            target=TASKS,
            headers=(("Content-Type", media_type),),
            body=TASK,
        )
        for name, media_type in _FORMS.items()
    ),
    HttpCase(
        id="B48-no-type",
        kind="B48",
        expected="415 unsupported_media_type",
        method="POST",
        target=TASKS,
        body=TASK,
    ),
    *(
        HttpCase(
            id=f"B48-{header}-{method}-{name}",
            kind="B48",
            expected="405 method_not_allowed",
            method=method,
            target=target,
            headers=((header, override), AS_JSON),
            body=TASK,
        )
        for header in _OVERRIDES
        for name, method, target, override in (
            ("workspace", "POST", "/api/workspaces/<workspace>", "DELETE"),
            ("rename", "PUT", "/api/workspaces/<workspace>", "PATCH"),
            ("cancel", "GET", "/api/tasks/<task>/cancel", "POST"),
        )
    ),
    *(
        HttpCase(
            id=f"B48-{method}-{target.rpartition('/')[2]}",
            kind="B48",
            expected="405 method_not_allowed",
            method=method,
            target=target,
            headers=(AS_JSON,),
            body=TASK,
        )
        for method in ("GET", "HEAD", "PUT", "DELETE")
        for target in (
            TASKS,
            "/api/tasks/<task>/cancel",
            "/api/tasks/<task>/rerun",
            "/api/workspaces/<workspace>/enrollment",
            "/api/ws-ticket",
            "/api/enroll",
            "/api/session/link",
        )
    ),
    HttpCase(
        id="B48-method-in-query",
        kind="B48",
        expected="405 method_not_allowed",
        method="POST",
        target="/api/workspaces/<workspace>?_method=DELETE",
    ),
)

# ── B50: addresses of files ──────────────────────────────────────────────────────────────────────

_PATHS = (
    "/assets/../../settings.py",
    "/assets/%2e%2e/%2e%2e/settings.py",
    "/assets/%252e%252e/settings.py",
    "/assets/..%2f..%2fsettings.py",
    "/assets/..%5c..%5csettings.py",
    "/assets/..;/settings.py",
    "/..%c0%af..%c0%afetc/shadow.db",
    "/%2fetc%2fpasswd.txt",
    "//etc/passwd.txt",
    "/etc/passwd.txt",
    "/proc/self/environ.txt",
    "/C:%5cwindows%5cwin.ini",
    "/file:%2f%2f%2fetc%2fhosts.txt",
    "/index.html%00.js",
    "/index.html/x.js",
    "/.env",
    "/.git/config.x",
    "/hub.sqlite",
    "/hub.toml",
    "/static/index.html.gz",
    "/assets/" + "../" * 40 + "etc/passwd.txt",
    "/api/../hub.sqlite",
    "/api/tasks/<task>/output/../../../hub.sqlite",
)

FILES = tuple(
    HttpCase(id=f"B50-{path[:40]}", kind="B50", expected="404 not_found", target=path)
    for path in _PATHS
)

CASES = tuple(chain(HOSTS, SIZES, MALFORMED, CREDENTIALS, PRESENT_BUT_INVALID, METHODS, FILES))
