"""Why the server closes a socket, and whether to reconnect. docs/protocol.md has the same table, which a test compares."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Reconnect = Literal["at once", "at once, with the resume token", "with backoff", "with a fresh token", "never"]


class CloseCode(NamedTuple):
    name: str
    reconnect: Reconnect


CLOSE_CODES: Final[dict[int, CloseCode]] = {
    1001: CloseCode("going away", "at once"),
    1008: CloseCode("origin not allowed", "never"),
    1009: CloseCode("message too large", "never"),
    1012: CloseCode("restarting", "at once, with the resume token"),
    4400: CloseCode("malformed", "never"),
    4401: CloseCode("token missing or no longer good", "with a fresh token"),
    4403: CloseCode("not this session's owner", "never"),
    4404: CloseCode("session deleted or expired", "never"),
    4408: CloseCode("too slow", "with backoff"),
    4429: CloseCode("limit exceeded", "with backoff"),
}

#: A connection that ended without a close message.
LOST: Final = 1006

#: The close reason of 4404 that says that the session was deleted rather than expired.
DELETED_REASON: Final = "session deleted"
