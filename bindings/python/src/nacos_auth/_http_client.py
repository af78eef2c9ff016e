"""The body of an answer of the standard library's http.client, which urllib and urllib3 build on."""

from __future__ import annotations

import select
from typing import Any


def is_due(body: Any, seconds: float) -> bool:
    """Whether something of the body, or its end, is there to be read within this time.

    `body`: the file that http.client reads the connection with. True where that cannot be told.
    """
    connection = getattr(getattr(body, "raw", None), "_sock", None)
    if connection is None:
        return True
    timeout = connection.gettimeout()
    try:
        connection.settimeout(0)
        try:
            held = body.peek(1)
        finally:
            connection.settimeout(timeout)
    except OSError:  # of a TLS connection, when nothing is there
        held = b""
    except ValueError:  # closed
        return True
    # The end of a line is that of a chunk, after which http.client waits for the next.
    return held not in (b"", b"\r\n") or _is_readable(connection, max(seconds, 0))


def _is_readable(connection: Any, seconds: float) -> bool:
    if not hasattr(select, "poll"):  # eventlet takes it away
        return bool(select.select([connection], [], [], seconds)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
