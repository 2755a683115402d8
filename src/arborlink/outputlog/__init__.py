"""The append-only log on disk: plain data file plus small index. Knows nothing of hub or daemon."""

from arborlink.outputlog.crc import crc32_combine, crc32_remove_prefix, crc32_remove_suffix
from arborlink.outputlog.errors import (
    BelowStart,
    LogCorrupt,
    LogError,
    LogExists,
    LogFailed,
    LogMissing,
)
from arborlink.outputlog.forgetting import ForgetPoint
from arborlink.outputlog.model import GAP_REASONS, Chunk, Gap, Record
from arborlink.outputlog.reader import LogReader
from arborlink.outputlog.recovery import Recovery
from arborlink.outputlog.sync import FreePoint, SyncPoint
from arborlink.outputlog.writer import OutputLog

__all__ = [
    "GAP_REASONS",
    "BelowStart",
    "Chunk",
    "ForgetPoint",
    "FreePoint",
    "Gap",
    "LogCorrupt",
    "LogError",
    "LogExists",
    "LogFailed",
    "LogMissing",
    "LogReader",
    "OutputLog",
    "Record",
    "Recovery",
    "SyncPoint",
    "crc32_combine",
    "crc32_remove_prefix",
    "crc32_remove_suffix",
]
