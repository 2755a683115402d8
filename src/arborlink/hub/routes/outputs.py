"""What the routes of the output log offer, for the API's description; they are made elsewhere."""

from __future__ import annotations

from arborlink.hub.routes.operations import Operation, Parameter
from arborlink.protocol.resources import SearchPage, TerminalSizes

TAG = "Output"

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/tasks/{task_id}/output",
        summary="A task's output, byte for byte: what is stored, or all of it as it comes",
        tag=TAG,
        scope="tasks:read",
        media_types=("text/plain", "application/jsonl", "application/x-asciicast"),
        more_statuses=(206,),
        parameters=(
            Parameter("stream", "Only this one", schema={"enum": ["stdout", "stderr"]}),
            Parameter(
                "format",
                "How to write it",
                schema={"enum": ["raw", "text", "jsonl", "asciicast"]},
            ),
            Parameter("from", "From this offset on; negative: so many bytes before the end"),
            Parameter("to", "Up to this offset"),
            Parameter(
                "follow",
                "1: the answer goes on until the task is over",
                schema={"enum": ["0", "1"], "default": "0"},
            ),
            Parameter(
                "sizes",
                "With jsonl, 1: the sizes of the task's terminal are lines as well",
                schema={"enum": ["0", "1"], "default": "0"},
            ),
            Parameter("download", "1: as an attachment"),
            Parameter("Range", "bytes=FROM-TO, of the raw output", "header"),
        ),
    ),
    Operation(
        method="GET",
        path="/api/tasks/{task_id}/segments",
        summary="Who wrote what when, thinned to at most 2,000 segments",
        tag=TAG,
        scope="tasks:read",
        result=dict,
        parameters=(
            Parameter("from", "From this offset on"),
            Parameter("to", "Up to this offset"),
        ),
    ),
    Operation(
        method="GET",
        path="/api/tasks/{task_id}/sizes",
        summary="Every size that a task's terminal has had, and from which byte on",
        tag=TAG,
        scope="tasks:read",
        result=TerminalSizes,
    ),
    Operation(
        method="GET",
        path="/api/tasks/{task_id}/search",
        summary="Where a text or an expression is in the whole stored output",
        tag=TAG,
        scope="tasks:read",
        result=SearchPage,
        parameters=(
            Parameter("q", "What to look for, within one line; 1 to 1,000 characters"),
            Parameter("regex", "1: q is an expression of RE2", schema={"enum": ["0", "1"]}),
            Parameter("case", "1: upper and lower case differ", schema={"enum": ["0", "1"]}),
            Parameter("from", "Only hits that begin at this offset or after it"),
            Parameter("to", "Only hits that begin before this offset"),
            Parameter(
                "limit",
                "How many at most",
                schema={"type": "integer", "minimum": 1, "maximum": 1_000, "default": 100},
            ),
            Parameter("cursor", "nextCursor of the page before, in place of from"),
        ),
    ),
)
