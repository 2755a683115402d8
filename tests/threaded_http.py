"""HTTP servers in a thread of the test's process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Final

# `serve_forever` looks so often whether it is to end. Its own half a second would be waited for
# at the end of each test.
POLL_SECONDS: Final = 0.01


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Serve while inside, and close the server at the end."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
