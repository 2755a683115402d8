"""The bus of a hub that is one process."""

from __future__ import annotations

from collections.abc import Callable

from arborlink.hub.bus.base import Fact, Listener


class LocalBus:
    """Calls its listeners directly; a listener only notes the fact and wakes its own shell."""

    def __init__(self) -> None:
        self._listeners: dict[int, Listener] = {}
        self._next = 0

    def publish(self, workspace_id: str, fact: Fact) -> None:
        """Tell every listener."""
        for listener in tuple(self._listeners.values()):
            listener(workspace_id, fact)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every fact from now on, until the returned function is called."""
        key = self._next
        self._next += 1
        self._listeners[key] = listener

        def stop() -> None:
            self._listeners.pop(key, None)

        return stop
