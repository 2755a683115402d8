"""What SQLite's failures mean to whoever asked."""

from __future__ import annotations

import apsw

from arborlink.protocol.errors import Unavailable

STORAGE_FULL = "storage_full"
STORAGE_BUSY = "storage_busy"
STORAGE_FAILED = "storage_failed"


def explain(error: BaseException) -> BaseException:
    """`error`, or the `Unavailable` that says what to do about the disk below it."""
    match error:
        case apsw.FullError():
            return _unavailable(
                "The hub's disk is full, so nothing new can be stored; what is stored can still "
                "be read. Free some space and try again.",
                STORAGE_FULL,
                error,
            )
        case apsw.BusyError() | apsw.LockedError():
            return _unavailable(
                "Another program holds the hub's database. Stop it, or try again in a moment.",
                STORAGE_BUSY,
                error,
            )
        case (
            apsw.IOError()
            | apsw.ReadOnlyError()
            | apsw.CantOpenError()
            | apsw.CorruptError()
            | apsw.NotADBError()
        ):
            return _unavailable(
                f"The hub's database cannot be used: {error}. Look at the disk and the "
                "permissions of the data folder.",
                STORAGE_FAILED,
                error,
            )
        case _:
            return error


def breaks_reference(error: apsw.ConstraintError) -> bool:
    """Whether the row names one that is not there, rather than repeating one that is."""
    return getattr(error, "extendedresult", None) == apsw.SQLITE_CONSTRAINT_FOREIGNKEY


def _unavailable(message: str, code: str, cause: BaseException) -> Unavailable:
    unavailable = Unavailable(message, code=code)
    unavailable.__cause__ = cause
    return unavailable
