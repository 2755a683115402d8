"""A viewer's place in a log, at the hub (design: a viewer is a cursor, not a queue). Pure."""

from __future__ import annotations

from arborlink.protocol.errors import LocalProtocolError, RemoteProtocolError
from arborlink.protocol.gaps import GapsAbove


class Cursor:
    """What one subscription has been sent (`sent`) and has rendered (`acked`), in bytes.

    At most `window` bytes are unacknowledged; after that the hub sends nothing until
    the viewer acknowledges; the log stays on disk.
    """

    __slots__ = ("_gaps", "acked", "sent", "window")

    def __init__(self, offset: int, window: int) -> None:
        self.sent = offset
        self.acked = offset
        self.window = window
        self._gaps = GapsAbove(offset)

    @property
    def unacknowledged(self) -> int:
        """Bytes that were sent and not yet rendered; gaps are not bytes."""
        return self.sent - self.acked - self._gaps.total

    @property
    def room(self) -> int:
        """How many more bytes may be sent now."""
        return max(0, self.window - self.unacknowledged)

    def mark_sent(self, to: int) -> None:
        """Note that everything below `to` has been sent."""
        if to < self.sent:
            raise LocalProtocolError(f"a cursor cannot go back from {self.sent} to {to}")
        self.sent = to

    def skip_to(self, to: int) -> None:
        """Note that a gap up to `to` was sent: it takes no room and needs no acknowledgement."""
        start = self.sent
        self.mark_sent(to)
        if to > start:
            self._gaps.add(start, to)
            self.acked = self._gaps.rise_through()

    def acknowledge(self, offset: int) -> None:
        """Note that the viewer has rendered everything below `offset`.

        Raises:
            RemoteProtocolError: bytes are acknowledged that were never sent.
        """
        if offset > self.sent:
            raise RemoteProtocolError(
                f"{offset} is acknowledged but only {self.sent} was sent", code="ack_beyond_sent"
            )
        self._gaps.rise(offset)
        # A gap that has been reached counts as rendered: the viewer does not acknowledge its end.
        self.acked = self._gaps.rise_through()

    @staticmethod
    def resolve(offset: int, end: int) -> int:
        """Return the offset a subscription begins at: negative counts back from `end`.

        Raises:
            RemoteProtocolError: it lies beyond the end.
        """
        if offset > end:
            raise RemoteProtocolError(
                f"offset {offset} is beyond the end of the output, {end}",
                code="offset_beyond_end",
            )
        return offset if offset >= 0 else max(0, end + offset)
