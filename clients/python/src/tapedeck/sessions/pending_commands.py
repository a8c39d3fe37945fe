"""Commands that were sent and are not answered yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tapedeck.errors import TapedeckError
from tapedeck.types import SessionView


class PendingCommands:
    def __init__(self) -> None:
        self._by_id: dict[str, tuple[str, asyncio.Future[SessionView]]] = {}
        self._last_id = 0

    async def add(self, name: str, send: Callable[[str], None]) -> SessionView:
        """Calls `send` with the id that the answer will have, and waits for that answer."""
        self._last_id += 1
        id = f"c{self._last_id}"
        send(id)
        answer: asyncio.Future[SessionView] = asyncio.get_running_loop().create_future()
        self._by_id[id] = (name, answer)
        try:
            return await answer
        finally:
            self._by_id.pop(id, None)  # the caller no longer waits

    def settle(self, id: str, outcome: SessionView | TapedeckError) -> None:
        _, answer = self._by_id.pop(id, ("", None))
        if answer is None or answer.done():
            return
        if isinstance(outcome, TapedeckError):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    def interrupt(self) -> None:
        """The connection was lost, and with it all answers."""
        for id, (name, _) in list(self._by_id.items()):
            message = f"The connection broke before {name} was answered; it may have been carried out."
            self.settle(id, TapedeckError("interrupted", message))
