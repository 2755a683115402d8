"""The hub's log: structured, to stderr or a file, with ids and never a body or a secret.

Whoever handles something binds what it is about (`structlog.contextvars`): every line that is
logged meanwhile, ours or a library's, then says it. Other fields come as `extra`, and only those
that are named here get through.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import structlog

from arborlink import visible
from arborlink.log_file import LogFile
from arborlink.protocol.errors import InvalidInput

REQUEST_ID_HEADER: Final = "X-Request-Id"
# In the ASGI scope: the request's id.
REQUEST_ID: Final = "arbor.request"
# What uvicorn 0.54 warns of whenever anybody sends it: strangers could fill the log with that. The
# first is every handshake that was refused with a response of its own.
STRANGERS_DOING: Final = frozenset(
    {
        "ASGI callable returned without completing handshake.",
        "Invalid HTTP request received.",
        "Invalid UTF-8 sequence received from client.",
        "Unsupported upgrade request.",
    }
)
# Ids, numbers and words of ours: nothing that anybody else can choose, but for an address.
FIELDS: Final = (
    "request",
    "connection",
    "task",
    "workspace",
    "daemon",
    "user",
    "address",
    "by",
    "method",
    "route",
    "status",
    "code",
    "reason",
    "exit_code",
    "signal",
    "output_bytes",
    "bytes",
    "reported_finished_at",
    "milliseconds",
)


class _FileHandler(logging.Handler):
    """Appends each record to a file. What a full disk refuses is lost, and is no error."""

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            self._file.write(self.format(record))


def configure_logging(level: str, form: Literal["text", "json"], file: Path | None = None) -> None:
    """Render everything that is logged in the process, ours and the libraries', as `form`.

    Raises:
        InvalidInput: `file` cannot be written.
    """
    if file is None:
        # The formatter makes visible what is written there; a guard would show its colors.
        handler: logging.Handler = logging.StreamHandler(visible.unguarded(sys.stderr))
        handler.setFormatter(formatter(form, colors=sys.stderr.isatty()))
    else:
        handler = _FileHandler(_opened(file))
        handler.setFormatter(formatter(form))
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries show frames and headers when they debug.
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level.upper()]))
    logging.getLogger("arborlink").setLevel(level.upper())
    logging.captureWarnings(True)
    # uvicorn tells of every start, stop and connection; we tell of those that matter.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def _opened(path: Path) -> LogFile:
    file = LogFile(path)
    try:
        file.open()
    except OSError as error:
        raise InvalidInput(
            f"The log file {path} cannot be written: {error.strerror}. Name another with "
            "ARBOR_LOG_FILE (`log_file`), or none: then the log goes to standard error."
        ) from error
    return file


def formatter(form: Literal["text", "json"], *, colors: bool = False) -> logging.Formatter:
    """One line a record; with `json` one object, whatever was logged."""
    renderers: list[structlog.typing.Processor] = (
        [structlog.processors.JSONRenderer(ensure_ascii=True)]
        if form == "json"
        else [_make_visible, structlog.dev.ConsoleRenderer(colors=colors)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(FIELDS),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            *renderers,
        ],
    )


def _make_visible(
    _logger: object, _method: str, fields: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    # ConsoleRenderer writes texts as they are, unless there is a space or quote in them. Tracebacks
    # are of several lines.
    for name, value in fields.items():
        if isinstance(value, str):
            is_document = name in ("exception", "stack")
            fields[name] = visible.lines(value) if is_document else visible.line(value)
    return fields


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg not in STRANGERS_DOING
