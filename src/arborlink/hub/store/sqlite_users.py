"""People's accounts in SQLite."""

from __future__ import annotations

from itertools import count
from typing import Final

import apsw

from arborlink.hub.store.base_access import DaemonChange, RemovedUser, UserRow
from arborlink.hub.store.database import Database, fetch
from arborlink.hub.store.queries import load
from arborlink.hub.store.rows import RowMapper
from arborlink.hub.store.sqlite_workspaces import set_daemon
from arborlink.protocol.errors import Conflict, NotFound
from arborlink.protocol.limits import MAX_NAME_CHARS
from arborlink.protocol.resources import Role

LAST_OWNER: Final = "last_owner"

_SQL: Final = load("access")
_USER: Final = RowMapper(UserRow)


class SqliteUsers(Database):
    """Implements what `AccountStore` says of accounts themselves."""

    def user(self, user_id: str) -> UserRow | None:
        """One account."""
        return _USER.optional(self._one(_SQL["user"], {"id": user_id}))

    def user_by_name(self, username: str) -> UserRow | None:
        """One account by its name."""
        return _USER.optional(self._one(_SQL["user_by_name"], {"username": username}))

    def users(self) -> list[UserRow]:
        """All accounts, by name."""
        return [_USER.decode(row) for row in self._all(_SQL["users"])]

    def owner(self) -> UserRow | None:
        """The first owner."""
        return _USER.optional(self._one(_SQL["owner"]))

    async def ensure_owner(self, row: UserRow) -> UserRow:
        """The first owner, made of `row` when there is none."""

        def job(connection: apsw.Connection) -> UserRow:
            for owner in fetch(connection, _SQL["owner"]):
                return _USER.decode(owner)
            connection.execute(_SQL["add_user"], _USER.encode(row))
            return row

        return await self._write(job)

    async def add_user(self, row: UserRow) -> UserRow:
        """Store a new account."""

        def job(connection: apsw.Connection) -> UserRow:
            try:
                connection.execute(_SQL["add_user"], _USER.encode(row))
            except apsw.ConstraintError as error:
                raise _name_taken(row.username) from error
            return row

        return await self._write(job)

    async def update_user(
        self, user_id: str, *, username: str | None = None, role: Role | None = None
    ) -> UserRow:
        """Another name or role, as long as there is an owner."""
        bindings = {"id": user_id, "username": username, "role": role}

        def job(connection: apsw.Connection) -> UserRow:
            try:
                connection.execute(_SQL["update_user"], bindings)
            except apsw.ConstraintError as error:
                raise _name_taken(username or "") from error
            _check_owner(connection)
            return _existing(connection, user_id)

        return await self._write(job)

    async def delete_user(self, user_id: str, heir_id: str, now: int) -> RemovedUser:
        """Delete an account and its daemons; its workspaces pass on to the heir."""

        def job(connection: apsw.Connection) -> RemovedUser:
            user, heir = _existing(connection, user_id), _existing(connection, heir_id)
            unserved = _remove_daemons(connection, user, heir, now)
            passed_on = _pass_on_workspaces(connection, user, heir)
            connection.execute(_SQL["delete_enrolments_by"], {"user_id": user_id})
            connection.execute(_SQL["delete_user"], {"id": user_id})
            _check_owner(connection)
            return RemovedUser(passed_on=passed_on, unserved=unserved)

        return await self._write(job)

    async def set_password(
        self, user_id: str, password_hash: str | None, keep_session: str | None = None
    ) -> None:
        """Another password, or none; ends the account's links and other sessions."""

        def job(connection: apsw.Connection) -> None:
            bindings = {"id": user_id, "password_hash": password_hash}
            connection.execute(_SQL["set_password"], bindings)
            if connection.changes() == 0:
                raise _no_user(user_id)
            end_sessions(connection, user_id, keep_session)

        await self._write(job)


def end_sessions(connection: apsw.Connection, user_id: str, keep: str | None) -> None:
    """Forget the account's links and its sessions but that one."""
    connection.execute(_SQL["delete_sign_in_links"], {"user_id": user_id})
    connection.execute(_SQL["delete_sessions"], {"user_id": user_id, "keep": keep})


def _remove_daemons(
    connection: apsw.Connection, user: UserRow, heir: UserRow, now: int
) -> list[str]:
    change = DaemonChange(what="removed", at=now, user=heir.username, removed_account=user.username)
    found = dict(fetch(connection, _SQL["daemons_of_user"], {"user_id": user.id}))
    for daemon_id, workspace_id in found.items():
        connection.execute(_SQL["delete_daemon"], {"id": daemon_id})
        set_daemon(connection, workspace_id, None, change)
    return list(found.values())


def _pass_on_workspaces(connection: apsw.Connection, user: UserRow, heir: UserRow) -> list[str]:
    taken = {name for _, name in fetch(connection, _SQL["names_of_workspaces"], _owned_by(heir))}
    passed_on = []
    for workspace_id, name in fetch(connection, _SQL["names_of_workspaces"], _owned_by(user)):
        name = _free_name(name, user.username, taken)
        bindings = {"id": workspace_id, "owner_id": heir.id, "name": name}
        connection.execute(_SQL["pass_on_workspace"], bindings)
        taken.add(name)
        passed_on.append(workspace_id)
    return passed_on


def _owned_by(user: UserRow) -> dict[str, str]:
    return {"owner_id": user.id}


def _free_name(name: str, username: str, taken: set[str]) -> str:
    # Always with the account: the name that a member chose must not mean what is the heir's own.
    suffixes = (f" ({username}{'' if number == 1 else f' {number}'})" for number in count(1))
    names = (f"{name[: max(1, MAX_NAME_CHARS - len(each))]}{each}" for each in suffixes)
    return next(each for each in names if each not in taken)


def _existing(connection: apsw.Connection, user_id: str) -> UserRow:
    for row in fetch(connection, _SQL["user"], {"id": user_id}):
        return _USER.decode(row)
    raise _no_user(user_id)


def _check_owner(connection: apsw.Connection) -> None:
    ((owners,),) = fetch(connection, _SQL["count_owners"])
    if owners == 0:
        raise Conflict(
            "This is the last owner, and somebody has to manage the hub. Make somebody else an "
            "owner first.",
            code=LAST_OWNER,
        )


def _name_taken(username: str) -> Conflict:
    return Conflict(
        f"There is an account named {username!r} already. Choose another name.", code="name_taken"
    )


def _no_user(user_id: str) -> NotFound:
    return NotFound(f"There is no user {user_id}.", ref=user_id)
