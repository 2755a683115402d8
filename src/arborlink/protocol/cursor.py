"""A viewer's place in a log, at the hub (design: a viewer is a cursor, not a queue). Pure."""

from __future__ import annotations

from arborlink.protocol.errors import LocalProtocolError, RemoteProtocolError


class Cursor:
    """What one subscription has been sent (`sent`) and has rendered (`acked`), in bytes.

    At most `window` bytes are unacknowledged; when they are used up the hub simply waits, and the
    log waits on disk.
    """

    __slots__ = ("acked", "sent", "window")

    def __init__(self, offset: int, window: int) -> None:
        self.sent = offset
        self.acked = offset
        self.window = window

    @property
    def room(self) -> int:
        """How many more bytes may be sent now."""
        return max(0, self.acked + self.window - self.sent)

    def mark_sent(self, to: int) -> None:
        """Everything below `to` has been sent."""
        if to < self.sent:
            raise LocalProtocolError(f"a cursor cannot go back from {self.sent} to {to}")
        self.sent = to

    def skip_to(self, to: int) -> None:
        """A gap up to `to` was sent: it takes no room and needs no acknowledgement."""
        self.acked = max(self.acked, self.acked + (to - self.sent))
        self.mark_sent(to)

    def acknowledge(self, offset: int) -> None:
        """The viewer has rendered everything below `offset`.

        Raises:
            RemoteProtocolError: bytes are acknowledged that were never sent.
        """
        if offset > self.sent:
            raise RemoteProtocolError(
                f"{offset} is acknowledged but only {self.sent} was sent", code="ack_beyond_sent"
            )
        self.acked = max(self.acked, offset)

    @staticmethod
    def resolve(offset: int, end: int) -> int:
        """The offset a subscription begins at: negative counts back from `end`.

        Raises:
            RemoteProtocolError: it lies beyond the end.
        """
        if offset > end:
            raise RemoteProtocolError(
                f"offset {offset} is beyond the end of the output, {end}",
                code="offset_beyond_end",
            )
        return offset if offset >= 0 else max(0, end + offset)
