"""What can go wrong."""

from __future__ import annotations


class TapedeckError(Exception):
    """A call that failed.

    `code` is for programs, the message for people. Codes in capitals are refusals by the cluster (docs/protocol.md lists them); a
    refusal changes nothing. The others are the client's own:

    - `offline`: there is no connection, so the command was not sent.
    - `interrupted`: the connection broke before the answer arrived. The command, or the order, may have been carried
      out.
    - `unreachable`: no address answered.
    - `closed`: this program closed the session or the client.
    - `behind`: the reader of `frames()` is too slow.
    - `changed`: the file changed while it was read; read it again.
    - `bad_answer`: the answer did not come from a Tapedeck cluster.
    - `bad_argument`: an argument is invalid; nothing was sent.
    """

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        #: Seconds to wait before trying again, where the cluster sent them.
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {super().__str__()}"


def bad_argument(name: str, rule: str) -> TapedeckError:
    """The rule continues a sentence that starts with the argument's name: "must be an address"."""
    return TapedeckError("bad_argument", f"{name}: {rule}.")
