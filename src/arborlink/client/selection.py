"""Finds the workspace, task, account or token that a name or a part of an id means. Pure.

Machines report their host name and folder, and accounts name their workspaces. Neither may decide
for another account where a command goes. So an account's own things are searched first; things of
other accounts are found by the whole id, by `account/name`, or by enough characters of the id that
a collision cannot be made on purpose. Without a name, only own workspaces are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Final, NamedTuple, Protocol, TypeVar

from arborlink.folders import ServedFolder
from arborlink.protocol.errors import InvalidInput, NotFound
from arborlink.protocol.ids import ALPHABET, TIME_CHARS, looks_like_id
from arborlink.protocol.names import SEPARATOR, same_name
from arborlink.protocol.resources import Principal, Task, Token, User, Workspace

MAX_CANDIDATES: Final = 10
# Ids begin with the time and end with what is random.
MIN_SUFFIX_CHARS: Final = 4
# Random characters needed of another account's id, 5 bits each: an account can make thousands of
# tasks at times of its choice, so the part that is the time does not count.
OTHERS_RANDOM_CHARS: Final = 6
LAST: Final = "last"
AMBIGUOUS: Final = "ambiguous"
NOT_YOURS: Final = "not_yours"
WORKSPACE_PREFIX: Final = "ws_"
TASK_PREFIX: Final = "tsk_"
TOKEN_PREFIX: Final = "tok_"

T = TypeVar("T")
ID_CHARS: Final = frozenset(ALPHABET)


class Identified(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str:
        """With its prefix."""
        ...


Thing = TypeVar("Thing", bound=Identified)


class Naming(NamedTuple):
    """Words for error texts: how a caller names one workspace, and one of several."""

    one: str
    several: str


IN_PROGRAMS: Final = Naming('workspace="NAME"', 'Say which one: workspace="NAME"')
AT_THE_SHELL: Final = Naming(
    "-w", "Say which one with -w NAME, or for all commands to come with `arbor use -w NAME`"
)


class Seen(NamedTuple):
    """The workspaces that an account sees, and the account."""

    me: Principal
    workspaces: Sequence[Workspace]

    @property
    def own(self) -> list[Workspace]:
        """Those that belong to the account."""
        return [each for each in self.workspaces if is_own(each, self.me)]

    @property
    def others(self) -> list[Workspace]:
        """Those of other accounts."""
        return [each for each in self.workspaces if not is_own(each, self.me)]


def is_own(workspace: Workspace, me: Principal) -> bool:
    """Return whether the workspace belongs to this account.

    A hub of a release without owners of workspaces shows members only their own.
    """
    if workspace.owner is None:
        return me.role == "member"
    return workspace.owner.id == me.user_id


def address(workspace: Workspace) -> str:
    """Return `account/name`; the id if the hub does not report the owner."""
    if workspace.owner is None:
        return workspace.id
    return f"{workspace.owner.username}{SEPARATOR}{workspace.name}"


def shown_name(workspace: Workspace, me: Principal) -> str:
    """Return the name of an own workspace, the address of another account's."""
    return workspace.name if is_own(workspace, me) else address(workspace)


def pick_workspace(seen: Seen, ref: str) -> Workspace:
    """Return the workspace that `ref` means: the whole id of any; the name, or the beginning or end
    of the id, of one's own; `account/name`, or more of the id, of any.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several (code `ambiguous`), or only other accounts have that name or
            beginning (code `not_yours`).
    """
    for found in (
        [each for each in seen.workspaces if each.id == ref],
        [each for each in seen.own if same_name(each.name, ref)],
        _beginning_so(seen.own, ref),
        _ending_so(seen.own, ref, MIN_SUFFIX_CHARS),
        [each for each in seen.workspaces if same_name(address(each), ref)],
        _beginning_so(seen.others, ref) if _is_long_beginning(ref, WORKSPACE_PREFIX) else [],
        _ending_so(seen.others, ref, OTHERS_RANDOM_CHARS),
    ):
        if found:
            return _only(found, ref, seen.me)
    theirs = [each for each in seen.others if same_name(each.name, ref)]
    if theirs := theirs or _beginning_so(seen.others, ref):
        raise InvalidInput(
            f"{ref!r} is no workspace of yours. If you mean another account's, give its address "
            f"or its whole id: {listing(theirs, seen.me)}",
            code=NOT_YOURS,
        )
    known = f"Yours are: {listing(seen.own, seen.me)}" if seen.own else "You have none yet"
    raise NotFound(f"you have no workspace with the name or id {ref!r}. {known}")


def pick_to_enroll(seen: Seen, ref: str) -> Workspace | None:
    """Return the workspace that a machine is to be enrolled for; None: it is to be created as
    `ref`. A name never means another account's: that account would control the machine.

    Raises:
        NotFound, InvalidInput: `ref` is not a valid name, and as `pick_workspace`.
    """
    for each in seen.own:
        if same_name(each.name, ref):
            return each
    if looks_like_id(ref) or SEPARATOR in ref:
        return pick_workspace(seen, ref)
    return None


def default_workspace(
    seen: Seen, chosen_id: str | None = None, *, naming: Naming = IN_PROGRAMS
) -> Workspace:
    """Return the default workspace, or the account's only one. `naming`: words for errors.

    Raises:
        NotFound: the default does not exist any more, or the account has no workspace.
        InvalidInput: there are several.
    """
    own = seen.own
    if chosen_id is not None:
        found = next((each for each in seen.workspaces if each.id == chosen_id), None)
        if found is None:
            raise NotFound(
                f"the workspace that was chosen with `arbor use -w`, {chosen_id}, is gone, or not "
                "shown to you. Choose another (`arbor use -w NAME`), or none: `arbor use "
                "--no-workspace`",
                ref=chosen_id,
            )
        return found
    if len(own) == 1:
        return own[0]
    if own:
        raise InvalidInput(
            f"you have several workspaces: {listing(own, seen.me)}. {naming.several}",
            code=AMBIGUOUS,
        )
    if seen.others:
        raise NotFound(
            "you have no workspace of your own, and another account's is not chosen without being "
            f"named ({naming.one}): {listing(seen.others, seen.me)}"
        )
    raise NotFound("there is no workspace yet. Make one with `arbor enroll NAME`")


def workspace_here(
    seen: Seen,
    folders: Iterable[ServedFolder],
    here: PurePath | None,
    hub_url: str,
    chosen_id: str | None = None,
) -> Workspace:
    """Return the workspace that the folder `here` is or lies in, by what this machine's own daemons
    have stored; elsewhere as `default_workspace`.

    Args:
        folders: what the daemons of this machine serve.
        here: the current folder, without links; None: it does not exist any more.
        hub_url: the hub that is asked. Folders of another are left out, unless this one knows them
            (it is the same hub at another address).
        chosen_id: the workspace that counts elsewhere.

    Raises:
        NotFound: this hub does not show the folder's workspace; and as `default_workspace`.
        InvalidInput: the workspace is another account's, or another daemon serves it by now; and as
            `default_workspace`.
    """
    known = {each.id: each for each in seen.workspaces}
    around = [
        each
        for each in folders
        if here is not None
        and here.is_relative_to(each.path)
        and (each.hub == hub_url or each.workspace_id in known)
    ]
    if not around:
        return default_workspace(seen, chosen_id, naming=AT_THE_SHELL)
    folder = max(around, key=lambda each: len(PurePath(each.path).parts))
    workspace = known.get(folder.workspace_id)
    if workspace is None:
        raise NotFound(
            f"{folder.path} is workspace {folder.workspace_id}, which {hub_url} does not have any "
            "more, or does not show you. Say where to run (-w NAME), or connect the folder anew "
            "with `arbor enroll`",
            ref=folder.workspace_id,
        )
    # A hub that does not report owners still reports that this folder's own daemon serves it.
    is_served_here = workspace.owner is None and workspace.daemon_id == folder.daemon_id
    if not is_served_here and not is_own(workspace, seen.me):
        raise InvalidInput(
            f"{folder.path} is {address(workspace)}, a workspace of another account, which may "
            f"give it to another machine. To run there, say so: -w {address(workspace)}",
            code=NOT_YOURS,
        )
    if workspace.daemon_id not in (None, folder.daemon_id):
        raise InvalidInput(
            f"{workspace.name} is served by another daemon than that of {folder.path} by now. To "
            f"run there, say so: -w {workspace.name}; or delete the state folder of "
            f"{folder.workspace_id}, and connect this folder anew with `arbor enroll`",
            code="served_elsewhere",
        )
    return workspace


def pick_own_task(tasks: Sequence[Task], ref: str) -> Task | None:
    """Return the account's own task whose id alone begins or ends with `ref`; None: there is none.

    Raises:
        InvalidInput: there are several.
    """
    found = [each for each in tasks if _is_part(ref, each.id)]
    return _only_task(found, ref) if found else None


def pick_others_task(tasks: Sequence[Task], ref: str) -> Task:
    """Return the task of another account whose id alone begins or ends with `ref`.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several; or `ref` is so short that a task may have been created to
            match it (code `not_yours`).
    """
    found = [each for each in tasks if _is_part(ref, each.id)]
    if not found:
        raise NotFound(
            f"there is no task {ref!r}. Give its id, or at least the last {MIN_SUFFIX_CHARS} "
            "characters of it; `arbor tasks` lists tasks"
        )
    is_end = len(ref) >= OTHERS_RANDOM_CHARS and all(each.id.endswith(ref) for each in found)
    if not (is_end or _is_long_beginning(ref, TASK_PREFIX)):
        raise InvalidInput(
            f"no task of yours begins or ends with {ref!r}. If you mean one that another account "
            f"made, give its whole id: {_task_ids(found)}",
            code=NOT_YOURS,
        )
    return _only_task(found, ref)


def pick_user(users: Sequence[User], ref: str) -> User:
    """Return the account with this id or name, or whose id ends so. Case is
    ignored in ASCII, as by the hub.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several.
    """
    stages = (
        [each for each in users if each.id == ref],
        [each for each in users if same_name(each.username, ref)],
        [each for each in users if is_called(each.username, ref)],
        _ending_so(users, ref, MIN_SUFFIX_CHARS),
    )
    found = _first(stages, ref, lambda each: f"{each.username} ({each.id})")
    if found is not None:
        return found
    raise NotFound(f"there is no account {ref!r}. `arbor user list` shows them")


def is_called(username: str, ref: str) -> bool:
    """Return whether the hub takes `ref` for this account's name: case is ignored in ASCII."""
    return same_name(_ascii_lower(username), _ascii_lower(ref))


def pick_token(tokens: Sequence[Token], ref: str) -> Token:
    """Return the API token with this id or name, or whose id begins or ends so.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several.
    """
    stages = (
        [each for each in tokens if each.id == ref],
        [each for each in tokens if ref.startswith(TOKEN_PREFIX) and each.id.startswith(ref)],
        [each for each in tokens if same_name(each.name, ref)],
        _ending_so(tokens, ref, MIN_SUFFIX_CHARS),
    )
    found = _first(stages, ref, lambda each: f"{each.name} ({each.id})")
    if found is not None:
        return found
    raise NotFound(f"there is no token {ref!r}. `arbor token list` shows them")


def _first(stages: Iterable[Sequence[T]], ref: str, show: Callable[[T], str]) -> T | None:
    """Return the one of the first stage that has any; None: none has.

    Raises:
        InvalidInput: that stage has several (code `ambiguous`).
    """
    found = next(filter(None, stages), ())
    if len(found) > 1:
        listed = ", ".join(map(show, found[:MAX_CANDIDATES]))
        raise InvalidInput(
            f"{ref!r} could be any of: {listed}{_more(found)}. Give the id", code=AMBIGUOUS
        )
    return found[0] if found else None


def listing(workspaces: Sequence[Workspace], me: Principal) -> str:
    """Return names and ids, for a sentence."""
    shown = ", ".join(f"{shown_name(each, me)} ({each.id})" for each in workspaces[:MAX_CANDIDATES])
    if all(each.owner is not None or is_own(each, me) for each in workspaces):
        return shown + _more(workspaces)
    return f"{shown}{_more(workspaces)} (this hub is too old to say whose they are)"


def _task_ids(tasks: Sequence[Task]) -> str:
    return ", ".join(each.id for each in tasks[:MAX_CANDIDATES]) + _more(tasks)


def _more(items: Sequence[T]) -> str:
    more = len(items) - MAX_CANDIDATES
    return f" and {more} more" if more > 0 else ""


def _only(found: Sequence[Workspace], ref: str, me: Principal) -> Workspace:
    if len(found) == 1:
        return found[0]
    raise InvalidInput(
        f"{ref!r} could be any of {len(found)} workspaces: {listing(found, me)}. "
        "Give more of the id",
        code=AMBIGUOUS,
    )


def _only_task(found: Sequence[Task], ref: str) -> Task:
    if len(found) == 1:
        return found[0]
    raise InvalidInput(
        f"{ref!r} could be any of {len(found)} tasks: {_task_ids(found)}. Give the last characters "
        "of the id",
        code=AMBIGUOUS,
    )


def _beginning_so(workspaces: Iterable[Workspace], ref: str) -> list[Workspace]:
    if not ref.startswith(WORKSPACE_PREFIX):
        return []
    return [each for each in workspaces if each.id.startswith(ref)]


def _ending_so(things: Iterable[Thing], ref: str, least: int) -> list[Thing]:
    """Return those whose id ends with `ref`, if that is `least` characters of an id."""
    if len(ref) < least or not set(ref) <= ID_CHARS:
        return []
    return [each for each in things if each.id.endswith(ref)]


def _is_part(ref: str, task_id: str) -> bool:
    if len(ref) >= MIN_SUFFIX_CHARS and task_id.endswith(ref):
        return True
    return bool(ref) and task_id.startswith((ref, f"{TASK_PREFIX}{ref}"))


def _is_long_beginning(ref: str, prefix: str) -> bool:
    """Return whether `ref` has, if it begins an id, OTHERS_RANDOM_CHARS after the time."""
    return len(ref.removeprefix(prefix)) >= TIME_CHARS + OTHERS_RANDOM_CHARS


def _ascii_lower(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)
