"""What the routes of the output log offer, for the API's description; they are made elsewhere."""

from __future__ import annotations

from arborlink.hub.routes.operations import Operation, Parameter

TAG = "Output"

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/tasks/{task_id}/output",
        summary="A task's stored output, byte for byte; Range is honoured",
        tag=TAG,
        scope="tasks:read",
        media_type="text/plain",
        parameters=(
            Parameter("stream", "Only this one", schema={"enum": ["stdout", "stderr"]}),
            Parameter("format", "How to write it", schema={"enum": ["raw", "jsonl", "asciicast"]}),
            Parameter("from", "From this offset on; negative: so many bytes before the end"),
            Parameter("to", "Up to this offset"),
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
)
