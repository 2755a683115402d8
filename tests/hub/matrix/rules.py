"""Who may do what: one line an operation, and what follows from it for each credential.

A rule says what is needed. What a credential is answered follows from the rule alone, in the order
in which the hub judges: whether it is good, whether its page may use it, whether the thing exists
for it, whether its scopes allow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from arborlink.hub.routes.operations import Operation
from arborlink.protocol.resources import Scope
from tests.hub.matrix.world import Credential, Noun, Principal, Whose, World

# A status that refuses, or that the operation was carried out.
Verdict = Literal["allowed"] | int
SAFE: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one form of an operation needs.

    Args:
        scopes: all of these.
        thing: what the path or the body names, which has to exist for whoever asks.
        everywhere: a credential that is limited to a workspace may not.
        owner: only owners.
        browser: only somebody who is signed in with a browser.
        public: no credential is looked at.
        page: of a public one, whether the page it comes from is.
        answer: of a public one, when it is asked for something of nobody's.
        done: what is answered by one that is allowed, where it is not the operation's own status.
        scope_first: whether it may be asked at all is judged before the thing.
        ends: what is named, or the session itself, is gone or another one afterwards.
        body: `"@id"` is the thing's id, `"@name"` a new name.
    """

    scopes: tuple[Scope, ...] = ()
    thing: Noun | None = None
    everywhere: bool = False
    owner: bool = False
    browser: bool = False
    public: bool = False
    page: bool = False
    answer: Verdict = "allowed"
    done: int | None = None
    scope_first: bool = False
    ends: bool = False
    signs_out: bool = False
    query: str = ""
    body: dict[str, Any] | None = None


READ: Final = "tasks:read"
WRITE: Final = "tasks:write"
MANAGE: Final = "workspaces:write"
MACHINES: Final = "daemons:write"
ADMIN: Final = "admin"
OPEN: Final = Rule(public=True)
ANYBODY_KNOWN: Final = Rule()
OF_ACCOUNT: Final = Rule(scopes=(ADMIN,), everywhere=True)
OF_OWNERS: Final = Rule(scopes=(ADMIN,), everywhere=True, owner=True)


def _of(thing: Noun, *scopes: Scope, **fields: Any) -> Rule:
    return Rule(thing=thing, scopes=scopes, **fields)


NEW_TASK: Final = {"command": "true", "ifOffline": "queue"}
NEW_TOKEN: Final = {"name": "n", "scopes": ["tasks:read"]}

RULES: Final[dict[str, tuple[Rule, ...]]] = {
    # Without a credential. What they are asked for is of nobody.
    "GET /healthz": (OPEN,),
    "GET /readyz": (OPEN,),
    "GET /metrics": (OPEN,),
    "GET /api/openapi.json": (OPEN,),
    "GET /api/docs": (OPEN,),
    "GET /arbor.whl": (OPEN,),
    "POST /api/session": (Rule(public=True, page=True, answer=401, body={"link": "of-nobody"}),),
    "POST /api/session/confirm": (Rule(browser=True, body={"password": "x"}, done=403),),
    "GET /api/identity": (
        Rule(public=True, query="nonce=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ),
    "POST /api/enroll": (Rule(public=True, answer=404, body={"code": "BBBB-BBBB"}),),
    "POST /api/device/code": (Rule(public=True, page=True, body={}),),
    "POST /api/device/token": (
        Rule(public=True, page=True, answer=400, body={"deviceCode": "of-nobody"}),
    ),
    # One's own account.
    "GET /api/me": (ANYBODY_KNOWN,),
    "POST /api/ws-ticket": (ANYBODY_KNOWN,),
    "DELETE /api/session": (
        Rule(signs_out=True, ends=True),
        Rule(scopes=(ADMIN,), everywhere=True, ends=True, query="everywhere=1"),
    ),
    "GET /api/sessions": (OF_ACCOUNT,),
    "DELETE /api/sessions/{id}": (
        _of("session", ADMIN, everywhere=True, scope_first=True, ends=True),
    ),
    "POST /api/session/link": (OF_ACCOUNT,),
    "GET /api/device/{code}": (_of("code", browser=True, scope_first=True),),
    "POST /api/device/approve": (
        _of(
            "code",
            browser=True,
            scope_first=True,
            ends=True,
            body={"userCode": "@id", "approve": False},
        ),
    ),
    "GET /api/tokens": (OF_ACCOUNT,),
    "POST /api/tokens": (
        Rule(scopes=(ADMIN,), everywhere=True, body=NEW_TOKEN),
        _of("workspace", ADMIN, body={**NEW_TOKEN, "workspaceId": "@id"}),
    ),
    "DELETE /api/tokens/{id}": (_of("token", ADMIN, everywhere=True, scope_first=True, ends=True),),
    # The hub.
    "GET /api/users": (OF_OWNERS,),
    "POST /api/users": (
        Rule(scopes=(ADMIN,), everywhere=True, owner=True, body={"username": "@name"}),
    ),
    "PATCH /api/users/{id}": (
        _of(
            "user",
            ADMIN,
            everywhere=True,
            owner=True,
            scope_first=True,
            body={"username": "@name"},
        ),
    ),
    "DELETE /api/users/{id}": (
        _of("user", ADMIN, everywhere=True, owner=True, scope_first=True, ends=True),
    ),
    "GET /api/connections": (OF_OWNERS,),
    "GET /api/health": (OF_OWNERS,),
    # Workspaces and daemons.
    "GET /api/workspaces": (Rule(scopes=(READ,)),),
    "POST /api/workspaces": (Rule(scopes=(MANAGE,), everywhere=True, body={"name": "@name"}),),
    "GET /api/workspaces/{id}": (_of("workspace", READ),),
    "PATCH /api/workspaces/{id}": (_of("workspace", MANAGE, MACHINES, body={"name": "@name"}),),
    "DELETE /api/workspaces/{id}": (_of("workspace", MANAGE, MACHINES, ends=True),),
    "POST /api/workspaces/{id}/enrollment": (_of("workspace", MACHINES),),
    "GET /api/round-trips": (Rule(scopes=(READ,)),),
    "GET /api/daemons/{id}": (_of("daemon", READ),),
    "DELETE /api/daemons/{id}": (_of("daemon", MACHINES, ends=True),),
    "POST /api/daemons/{id}/release": (_of("daemon", MACHINES),),
    "POST /api/daemons/{id}/rotate": (_of("daemon", MACHINES),),
    # Tasks.
    "POST /api/workspaces/{id}/tasks": (_of("workspace", WRITE, body=NEW_TASK),),
    "GET /api/tasks": (
        Rule(scopes=(READ,)),
        _of("workspace", READ, scope_first=True, query="workspace=@id"),
    ),
    "GET /api/tasks/{id}": (_of("task", READ),),
    # Allowed, and then it is not over.
    "DELETE /api/tasks/{id}": (_of("task", READ, WRITE, ends=True, done=409),),
    "POST /api/tasks/{id}/cancel": (_of("task", READ, WRITE, ends=True),),
    # Allowed, and then there is no daemon that could do it.
    "POST /api/tasks/{id}/rerun": (_of("task", READ, WRITE, done=409),),
    "POST /api/tasks/{id}/input": (_of("task", READ, WRITE, ends=True, body={"text": "x"}),),
    "GET /api/tasks/{task_id}/output": (_of("task", READ),),
    "GET /api/tasks/{task_id}/segments": (_of("task", READ),),
    "GET /api/tasks/{task_id}/sizes": (_of("task", READ),),
    "GET /api/tasks/{task_id}/search": (_of("task", READ, query="q=x"),),
}


def name_of(operation: Operation) -> str:
    """Return the operation's key in `RULES`."""
    return f"{operation.method} {operation.path}"


def verdict(
    rule: Rule, method: str, credential: Credential, whose: Whose | None, world: World
) -> Verdict:
    """Return what a credential is answered about somebody's thing."""
    if rule.public:
        is_foreign = any("evil" in value for name, value in credential.headers if name == "Origin")
        return 403 if rule.page and is_foreign else rule.answer
    # A cookie that counts comes with a page, and the page is judged first.
    unsafe = method not in SAFE
    if credential.page == "foreign" or (credential.page == "unsaid" and unsafe):
        return 403
    principal = credential.principal
    if rule.signs_out:
        # Only a token says who one is without a cookie to be deleted.
        return 401 if principal is None and credential.has_authorization else "allowed"
    return 401 if principal is None else judged(rule, principal, whose, world)


def judged(
    rule: Rule, principal: Principal, whose: Whose | None, world: World
) -> Literal["allowed", 403, 404]:
    """Return what somebody who is known is answered about somebody's thing."""
    missing = rule.thing is not None and not exists(rule.thing, whose, principal, world)
    barred = is_barred(rule, principal)
    if missing and barred:
        return 403 if rule.scope_first else 404
    return 404 if missing else 403 if barred else "allowed"


def is_barred(rule: Rule, principal: Principal) -> bool:
    """Whether a principal may not do this with anything at all."""
    return (
        not all(principal.has(scope) for scope in rule.scopes)
        or (rule.everywhere and principal.limited_to is not None)
        or (rule.owner and principal.party != "owner")
        or (rule.browser and not principal.is_browser)
    )


def exists(noun: Noun, whose: Whose | None, principal: Principal, world: World) -> bool:
    """Whether somebody's thing exists for a principal."""
    if whose not in ("owner", "member"):
        return False
    if noun == "code":
        return True
    if noun in ("token", "session"):
        return whose == principal.party
    if noun == "user":
        return principal.party == "owner"
    if principal.limited_to is not None:
        return principal.limited_to == world.parties[whose].things["workspace"]
    return whose == principal.party or principal.party == "owner"
