"""What happens between a daemon's `auth` and its `welcome`: identity, epoch, reconciliation.

The daemon says which tasks its journal holds; the hub says from where it wants the output of each
(its durable offset wins). What neither side can account for is `lost`, never run again.
"""

from __future__ import annotations

import logging
import time

from arborlink.hub.access import Access
from arborlink.hub.live.adoption import Adoption
from arborlink.hub.live.clock import now_us
from arborlink.hub.live.contest import Contests
from arborlink.hub.live.daemon_places import DaemonPlaces
from arborlink.hub.live.daemon_session import DaemonSession
from arborlink.hub.live.daemons import Daemons, stored_log_id, unnamed_log_id
from arborlink.hub.live.presence import going_down
from arborlink.hub.store.base import TaskRow
from arborlink.outputlog import LogCorrupt
from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.errors import (
    QUARANTINED,
    ConnectionReplaced,
    NotAuthenticated,
    UnsupportedProtocol,
    WorkspaceQuarantined,
)
from arborlink.protocol.lifecycle import Reason, TaskStatus, is_final
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.messages import (
    PROTOCOL_VERSION,
    RESIZED_CAPABILITY,
    USAGE_CAPABILITY,
    Cancel,
    DaemonAuth,
    DaemonWelcome,
    SpooledTask,
    TaskPosition,
)

logger = logging.getLogger(__name__)


def replaced() -> ConnectionReplaced:
    """What the older of two connections is told."""
    return ConnectionReplaced("a newer connection of this daemon took over")


class Acceptance:
    """Accepts daemons one after another for each workspace."""

    def __init__(
        self,
        access: Access,
        daemons: Daemons,
        adoption: Adoption,
        *,
        hub_id: str,
        limits: WireLimits,
        places: DaemonPlaces,
    ) -> None:
        self._access = access
        self._places = places
        self._daemons = daemons
        self._adoption = adoption
        self._hub_id = hub_id
        self._limits = limits
        self._contests = Contests()

    async def accept(self, auth: DaemonAuth, session: DaemonSession) -> None:
        """Give the daemon's connection its epoch and queue its `welcome` on the session's link.

        Raises:
            NotAuthenticated: the token is wrong or revoked.
            NotAllowed: the token is another daemon's or workspace's.
            WorkspaceTaken: the workspace has another daemon.
            WorkspaceQuarantined: copies of this daemon replace each other.
            UnsupportedProtocol: the daemon speaks another version.
            Unavailable: the hub is going down, or too many daemons of this account are here.
        """
        if auth.protocol != PROTOCOL_VERSION:
            raise UnsupportedProtocol(
                f"this hub speaks protocol {PROTOCOL_VERSION}, not {auth.protocol}; "
                "install the same version of Arbor on both sides"
            )
        if self._daemons.presence.draining():
            raise going_down()
        session.identity = await self._access.authenticate_daemon(
            auth.daemon_id, auth.auth_token, auth.workspace_id
        )
        # One that replaces its own connection takes no place more.
        if self._daemons.presence.session(auth.workspace_id) is None:
            self._places.check(auth.workspace_id)
        acceptance = await self._daemons.workspaces.accept_daemon(
            auth.workspace_id,
            auth.daemon_id,
            auth.instance_id,
            auth.host,
            auth.version,
            now_us(),
        )
        session.adopt(auth, acceptance.epoch)
        await self._check_only_one(auth)
        previous = self._daemons.presence.enter(session)
        if previous is not None:
            previous.fail(replaced())
        # One after another, and not while tasks are handed over: each must see what the other did.
        async with self._daemons.dispatcher.lock(auth.workspace_id):
            await self._give_up_handed_over(auth)
            await self._adoption.adopt(auth)
            positions = await self._reconcile(auth, session)
            self._check_current(session)
            session.link.welcome(
                DaemonWelcome(
                    epoch=acceptance.epoch,
                    hub_id=self._hub_id,
                    limits=self._limits,
                    tasks=positions,
                    capabilities=[RESIZED_CAPABILITY, USAGE_CAPABILITY],
                ),
                time.monotonic(),
            )
            self._resume(auth, session)
        for row in self._daemons.tasks.unfinished_tasks(auth.workspace_id):
            await self._daemons.terminals.task_runs(row)
        await self._daemons.rotation.offer(session)
        self._daemons.facts.workspace_changed(auth.workspace_id)
        await self._daemons.dispatcher.kick(auth.workspace_id)

    def workspace_removed(self, workspace_id: str) -> None:
        """Forget what was observed of a workspace that was deleted."""
        self._contests.forget(workspace_id)

    async def _check_only_one(self, auth: DaemonAuth) -> None:
        daemons = self._daemons
        if self._contests.arrives(auth.workspace_id, auth.instance_id, time.monotonic()):
            logger.error(
                "workspace %s is quarantined: copies of daemon %s keep replacing each other; stop "
                "all but one, then release it (arbor release, or the workspace's page)",
                auth.workspace_id,
                auth.daemon_id,
                extra={"workspace": auth.workspace_id, "daemon": auth.daemon_id},
            )
            await daemons.workspaces.quarantine_daemon(auth.workspace_id, auth.daemon_id, now_us())
            present = daemons.presence.session(auth.workspace_id)
            if present is not None:
                present.fail(WorkspaceQuarantined(QUARANTINED))
            daemons.facts.workspace_changed(auth.workspace_id)
        # Also for one that was accepted just before: all of this may have happened since.
        row = daemons.workspaces.workspace(auth.workspace_id)
        if row is None or row.daemon_id != auth.daemon_id:
            raise NotAuthenticated("this daemon was removed, or its workspace; enroll it again")
        if row.quarantined_at is not None:
            raise WorkspaceQuarantined(QUARANTINED, ref=row.id)

    def _check_current(self, session: DaemonSession) -> None:
        if not self._daemons.is_current(session):
            raise replaced()

    async def _give_up_handed_over(self, auth: DaemonAuth) -> None:
        """Settle what an earlier daemon of the workspace had, whatever this one says of it."""
        await self._daemons.dispatcher.expire_handed_over(auth.workspace_id)
        for row in self._daemons.tasks.handed_over_tasks(auth.workspace_id):
            await self._daemons.settlement.lose(
                row,
                Reason.DAEMON_REPLACED,
                "Another daemon took the workspace over while this was not finished.",
            )

    async def _reconcile(self, auth: DaemonAuth, session: DaemonSession) -> list[TaskPosition]:
        spooled = {task.task_id: task for task in auth.tasks}
        never_started = frozenset(auth.never_started)
        positions = []
        for listed in self._daemons.tasks.unfinished_tasks(auth.workspace_id):
            self._check_current(session)
            row = self._daemons.tasks.task(listed.id) or listed
            if is_final(row.status):
                continue  # settled while the ones before it were reconciled
            known = spooled.get(row.id)
            if known is not None:
                if row.instance_id is None and row.status is TaskStatus.PENDING:
                    # An older database of ours does not know that it was handed over (G37).
                    row = await self._daemons.tasks.dispatch_task(row.id, auth.instance_id)
                position = await self._position(row, known)
                if position is not None:
                    positions.append(position)
            elif row.id in never_started and self._may_wait_again(row, auth.instance_id):
                await self._daemons.dispatcher.wait_again(row)
            elif row.instance_id is not None and not self._may_send_again(row, auth.instance_id):
                await self._daemons.settlement.lose(
                    row,
                    Reason.DAEMON_RESTARTED,
                    "The daemon was restarted and does not know what became of this task.",
                )
        return positions

    @staticmethod
    def _may_send_again(row: TaskRow, instance_id: str) -> bool:
        # The same supervisor remembers every command that has arrived and answers with how it
        # ended; also one that a hub asks about which was restored from a backup (G37).
        return row.instance_id == instance_id

    @staticmethod
    def _may_wait_again(row: TaskRow, instance_id: str) -> bool:
        # What this instance was given it has, waiting or started: only an earlier one's is free.
        return row.status is TaskStatus.PENDING and row.instance_id not in (None, instance_id)

    async def _position(self, row: TaskRow, known: SpooledTask) -> TaskPosition | None:
        if row.log_id not in (None, known.log_id):
            await self._not_joined(row)
            return None
        try:
            output = self._daemons.open_output(row, known.log_id)
        except LogCorrupt as error:
            await self._daemons.settlement.lose(
                row, Reason.CORRUPT_OUTPUT, f"What the hub had stored is damaged: {error}."
            )
            return None
        assert output.writer is not None
        if output.writer.log_id not in (stored_log_id(known.log_id), unnamed_log_id(row.id)):
            await self._not_joined(row)
            return None
        if row.log_id is None:
            await self._daemons.tasks.set_task_log(row.id, known.log_id)
        # What an older connection said of the end is not believed: the daemon says it again.
        output.ending = None
        stream = output.stream
        # Bytes that are not durable yet are sent again: they are the same bytes.
        all_durable = stream.durable == stream.end
        return TaskPosition(
            task_id=row.id,
            offset=stream.durable,
            credit=output.credit,
            checksum=format_checksum(output.writer.checksum) if all_durable else None,
        )

    async def _not_joined(self, row: TaskRow) -> None:
        await self._daemons.settlement.lose(
            row,
            Reason.CORRUPT_OUTPUT,
            "The daemon's spool of this task was replaced; the two parts are not joined.",
        )

    def _resume(self, auth: DaemonAuth, session: DaemonSession) -> None:
        for task in auth.tasks:
            row = self._daemons.tasks.task(task.task_id)
            if row is None or row.workspace_id != auth.workspace_id or is_final(row.status):
                continue
            was_known = self._daemons.inputs.end(row.id) is not None
            for message in self._daemons.inputs.relay(row.id).resume(task.input_offset):
                session.send(message)
            self._daemons.facts.input_acknowledged(row.workspace_id, row.id, task.input_offset)
            if not was_known:
                # Viewers wait for where the input ends, which a hub that restarted hears only now.
                self._daemons.facts.task_changed(row)
            if row.cancel_requested:
                session.send(Cancel(task_id=row.id))
        for row in self._daemons.tasks.unfinished_tasks(auth.workspace_id):
            if row.instance_id == auth.instance_id and row.id not in session.journalled:
                self._daemons.dispatcher.send(row)
