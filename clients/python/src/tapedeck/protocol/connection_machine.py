"""The state of one session's connection, as a value, and the function that computes the next one.

Time and randomness are arguments. Times are milliseconds on a monotonic clock. The rules are those of the TypeScript SDK
(docs/spec/client.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from tapedeck.protocol.close_codes import CLOSE_CODES, DELETED_REASON

#: Attempts per address before a session that was never open is given up.
MAX_INITIAL_ROUNDS: Final = 3

#: Refused tokens in a row before the connection ends as refused.
MAX_REFUSED_TOKENS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Timeouts and backoff in milliseconds, for unusual networks."""

    #: Longest wait for a token.
    token_ms: float = 15_000
    #: Upper bound of the wait from dialling to the first message, and of the wait for the response to a request.
    open_ms: float = 10_000
    #: A connection without any message for this long, not even a pong, is given up.
    silence_ms: float = 10_000
    #: While frames are due: shortest silence before a ping.
    ping_ms: float = 500
    #: First bound of the wait for the answer to a ping, while frames are due, and for the first message; it doubles with failures.
    answer_ms: float = 1_000
    #: A connection that lasted this long resets the count of failures.
    stable_ms: float = 5_000
    #: Upper bound of the first wait.
    backoff_ms: float = 500
    #: Upper bound of every wait.
    max_backoff_ms: float = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    timing: Timing
    #: Number of addresses, 1 or more.
    addresses: int
    #: Whether a refused token can be replaced. A fixed one cannot.
    fresh_tokens: bool


#: - ``token``: waiting for a token.
#: - ``dialing``: the socket is opening; it counts as open after the ``session`` message.
#: - ``open``: messages arrive.
#: - ``backoff``: waiting for the next attempt.
#: - ``ended``: for good.
Phase = Literal["token", "dialing", "open", "backoff", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    phase: Phase = "backoff"
    #: Index of the address in use, or of the next one to try.
    address: int = 0
    #: Attempts in a row that failed, or whose connection did not last ``stable_ms``.
    failures: int = 0
    #: Tokens refused in a row.
    refused_tokens: int = 0
    #: Whether it was ever open. Only then it retries for ever.
    was_open: bool = False
    opened_at: float = 0
    #: When the last ping was sent.
    pinged_at: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceLimits:
    """How long a connection may be silent."""

    last_message_at: float
    #: Silence after which a ping is due.
    ping_after_ms: float
    #: Longest wait for the answer to a ping. Any message is an answer.
    answer_ms: float


# What happened.


@dataclass(frozen=True, slots=True)
class GotToken:
    """A token is there, or none is needed."""


@dataclass(frozen=True, slots=True)
class NoToken:
    why: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The socket is open: the node lives, but has not said anything yet."""


@dataclass(frozen=True, slots=True)
class GotSession:
    """The ``session`` message arrived."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    limits: SilenceLimits


@dataclass(frozen=True, slots=True)
class FramesDue:
    """Frames are due from now on, so silence is noticed sooner."""

    limits: SilenceLimits


@dataclass(frozen=True, slots=True)
class Lost:
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class CloseAsked:
    """This program closes the session."""


Event: TypeAlias = GotToken | NoToken | Accepted | GotSession | TimerFired | FramesDue | Lost | CloseAsked


@dataclass(frozen=True, slots=True)
class ConnectionEnd:
    reason: Literal["deleted", "expired", "closed", "refused", "unreachable"]
    #: The close code of a refusal.
    code: int | None = None
    message: str = ""


# What the owner of the machine has to do, in this order.


@dataclass(frozen=True, slots=True)
class GetToken:
    pass


@dataclass(frozen=True, slots=True)
class Dial:
    address: int


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Drops the socket and ignores all further messages from it."""


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Replaces the timer set before; None clears it."""

    in_ms: float | None


@dataclass(frozen=True, slots=True)
class NotifyOpen:
    pass


@dataclass(frozen=True, slots=True)
class NotifyLost:
    why: str
    retry_in_ms: float


@dataclass(frozen=True, slots=True)
class NotifyEnd:
    end: ConnectionEnd


Effect: TypeAlias = GetToken | Dial | Ping | CloseSocket | SetTimer | NotifyOpen | NotifyLost | NotifyEnd


class Step(NamedTuple):
    machine: Machine
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    now: float
    #: From 0 to 1.
    random: float
    rules: Rules


def start_machine(rules: Rules) -> Step:
    """A new machine, at its first attempt."""
    return _get_token(Machine(), rules)


def step_machine(machine: Machine, event: Event, moment: Moment) -> Step:
    """Pure: the next state, and the effects to carry out. An event that means nothing in a phase changes nothing."""
    match machine.phase, event:
        case "ended", _:
            return _stay(machine)
        case _, CloseAsked():
            return _end(machine, ConnectionEnd("closed"))
        case "token", GotToken():
            return _dial(machine, moment.rules)
        case "token", NoToken(why):
            return _retry(machine, why, "with backoff", moment)
        case "token", TimerFired():
            return _retry(machine, "no token", "with backoff", moment)
        case "dialing", Accepted():
            return Step(machine, (SetTimer(_first_message_ms(machine, moment.rules)),))
        case "dialing", GotSession():
            return _open(machine, moment)
        case "dialing", TimerFired():
            return _retry(machine, "no answer", "at once", moment)
        case "open", FramesDue(limits) | TimerFired(limits):
            return _check_silence(machine, limits, moment)
        case "dialing" | "open", Lost(code, reason):
            return _after_close(machine, code, reason, moment)
        case "backoff", TimerFired():
            return _get_token(machine, moment.rules)
        case _:
            return _stay(machine)


def _stay(machine: Machine) -> Step:
    return Step(machine, ())


def _get_token(machine: Machine, rules: Rules) -> Step:
    """Each attempt gets its own token, since tokens expire."""
    return Step(replace(machine, phase="token"), (SetTimer(rules.timing.token_ms), GetToken()))


def _dial(machine: Machine, rules: Rules) -> Step:
    """An address that says nothing is soon left for the next one.

    The bound doubles with each attempt: hundreds of clients of a dead node may make the others answer late, and those who leave
    too soon only begin anew elsewhere. A single address gets four times as long: behind it may be a load balancer with other
    nodes, or one busy node that would only get busier. The time begins anew when the socket is open, since that shows that the
    node lives.
    """
    wait_ms = _first_message_ms(machine, rules)
    return Step(replace(machine, phase="dialing"), (SetTimer(wait_ms), Dial(machine.address)))


def _first_message_ms(machine: Machine, rules: Rules) -> float:
    doublings = max(0, machine.failures - 1) if rules.addresses > 1 else max(2, machine.failures + 1)
    return min(rules.timing.open_ms, _doubled(rules.timing.answer_ms, doublings))


def _open(machine: Machine, moment: Moment) -> Step:
    opened = replace(machine, phase="open", was_open=True, opened_at=moment.now, refused_tokens=0)
    pinged, effects = _ping(opened, moment.rules.timing.silence_ms / 2, moment)
    return Step(pinged, (*effects, NotifyOpen()))


def _ping(machine: Machine, in_ms: float, moment: Moment) -> Step:
    return Step(replace(machine, pinged_at=moment.now), (Ping(), SetTimer(in_ms)))


def _check_silence(machine: Machine, limits: SilenceLimits, moment: Moment) -> Step:
    """A ping is due after silence, and every half of ``silence_ms`` to measure the latency.

    The wait for its answer counts from the ping, not from the last message: the timer of a program that was suspended fires late,
    when its ping was answered long ago. After failures the wait is longer, so that the clients of busy nodes do not go from one
    to the other.
    """
    half = moment.rules.timing.silence_ms / 2
    answer_ms = limits.answer_ms
    if not _is_stable(machine, moment):
        answer_ms = min(half, _doubled(answer_ms, machine.failures))
    unanswered = limits.last_message_at < machine.pinged_at
    due_ping = min(limits.last_message_at + limits.ping_after_ms, machine.pinged_at + half)
    due = machine.pinged_at + answer_ms if unanswered else due_ping
    if due > moment.now:
        return Step(machine, (SetTimer(due - moment.now),))
    if unanswered:
        return _retry(machine, "the network is silent", "at once", moment)
    return _ping(machine, answer_ms, moment)


def _is_stable(machine: Machine, moment: Moment) -> bool:
    return machine.phase == "open" and moment.now - machine.opened_at >= moment.rules.timing.stable_ms


def _after_close(machine: Machine, code: int, reason: str, moment: Moment) -> Step:
    """The protocol's table of close codes decides. Any other code means a lost connection or a dead node: another one is tried at once."""
    known = CLOSE_CODES.get(code)
    why = f"{known.name if known else 'connection lost'} ({code}{f': {reason}' if reason else ''})"
    match known.reconnect if known else "at once":
        case "never":
            if code == 4404:
                return _end(machine, ConnectionEnd("deleted" if reason == DELETED_REASON else "expired"))
            return _end(machine, ConnectionEnd("refused", code, why))
        case "with a fresh token":
            refused_tokens = machine.refused_tokens + 1
            if not moment.rules.fresh_tokens or refused_tokens >= MAX_REFUSED_TOKENS:
                return _end(machine, ConnectionEnd("refused", code, why))
            when: _When = "at once" if refused_tokens == 1 else "with backoff"
            return _retry(replace(machine, refused_tokens=refused_tokens), why, when, moment)
        case "with backoff":
            return _retry(machine, why, "with backoff", moment)
        case _:
            return _retry(machine, why, "at once", moment)


_When = Literal["at once", "with backoff"]


def _retry(machine: Machine, why: str, when: _When, moment: Moment) -> Step:
    """ "At once" holds for one round of the addresses. A client that none of them serves backs off."""
    rules = moment.rules
    failures = 1 if _is_stable(machine, moment) else machine.failures + 1
    if not machine.was_open and failures >= MAX_INITIAL_ROUNDS * rules.addresses:
        return _end(machine, ConnectionEnd("unreachable", message=why))
    free = rules.addresses if when == "at once" else 0
    retry_in_ms = 0.0 if failures <= free else _backoff(failures - free, moment)
    waiting = replace(machine, phase="backoff", failures=failures, address=(machine.address + 1) % rules.addresses)
    return Step(waiting, (CloseSocket(), SetTimer(retry_in_ms), NotifyLost(why, retry_in_ms)))


def _backoff(failures: int, moment: Moment) -> float:
    """Full jitter below a bound that doubles each time, so that the clients of a dead node do not reconnect all at once."""
    timing = moment.rules.timing
    return moment.random * min(timing.max_backoff_ms, _doubled(timing.backoff_ms, failures - 1))


def _doubled(ms: float, times: int) -> float:
    """Without an overflow after a thousand failures."""
    return ms * 2.0 ** min(times, 64)


def _end(machine: Machine, end: ConnectionEnd) -> Step:
    return Step(replace(machine, phase="ended"), (CloseSocket(), SetTimer(None), NotifyEnd(end)))
