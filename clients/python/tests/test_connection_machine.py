"""The rules of docs/spec/client.md that need no socket. The names of the tests begin with them."""

from __future__ import annotations

import random

from tapedeck.protocol.close_codes import CLOSE_CODES
from tapedeck.protocol.connection_machine import (
    Accepted,
    CloseAsked,
    CloseSocket,
    Dial,
    Event,
    FramesDue,
    GetToken,
    GotSession,
    GotToken,
    Lost,
    Machine,
    Moment,
    NotifyEnd,
    NotifyLost,
    NotifyOpen,
    NoToken,
    Ping,
    Rules,
    SetTimer,
    SilenceLimits,
    Step,
    TimerFired,
    Timing,
    start_machine,
    step_machine,
)

TIMING = Timing()


def rules(addresses: int = 2, fresh_tokens: bool = True) -> Rules:
    return Rules(timing=TIMING, addresses=addresses, fresh_tokens=fresh_tokens)


def limits(last_message_at: float = 0, ping_after_ms: float = 5_000, answer_ms: float = 5_000) -> SilenceLimits:
    return SilenceLimits(last_message_at=last_message_at, ping_after_ms=ping_after_ms, answer_ms=answer_ms)


class Driver:
    """A machine that remembers the effects of its last step."""

    def __init__(self, given: Rules | None = None, chance: float = 1.0) -> None:
        self.rules = given or rules()
        self.chance = chance
        self.now = 0.0
        self.step = start_machine(self.rules)

    @property
    def machine(self) -> Machine:
        return self.step.machine

    def give(self, event: Event) -> Step:
        self.step = step_machine(self.machine, event, Moment(now=self.now, random=self.chance, rules=self.rules))
        return self.step

    def fail(self, code: int = 1006, reason: str = "") -> NotifyLost | NotifyEnd:
        """An attempt that ends with a close, and the timer of the next one. What it told about the loss."""
        if self.machine.phase == "token":
            self.give(GotToken())
        told = next(e for e in self.give(Lost(code, reason)).effects if isinstance(e, NotifyLost | NotifyEnd))
        if isinstance(told, NotifyLost):
            self.give(TimerFired(limits()))
        return told

    def connect(self) -> None:
        self.give(GotToken())
        self.give(GotSession())


def test_cl24_each_attempt_asks_for_a_token_first() -> None:
    driver = Driver()
    assert driver.step.effects == (SetTimer(TIMING.token_ms), GetToken())
    assert driver.give(GotToken()).effects == (SetTimer(1_000), Dial(0))


def test_cl23_an_opened_connection_pings_at_once_and_tells_its_owner_last() -> None:
    driver = Driver()
    driver.give(GotToken())
    driver.now = 40
    assert driver.give(GotSession()).effects == (Ping(), SetTimer(5_000), NotifyOpen())
    assert driver.machine.opened_at == 40


def test_cl20_close_codes_decide_whether_to_come_back() -> None:
    for code, (name, reconnect) in CLOSE_CODES.items():
        driver = Driver()
        driver.connect()
        told = driver.fail(code)
        if reconnect == "never":
            assert isinstance(told, NotifyEnd), code
        else:
            assert isinstance(told, NotifyLost) and told.why == f"{name} ({code})", code
            assert (told.retry_in_ms > 0) == (reconnect == "with backoff"), code


def test_cl20_an_unknown_code_means_a_lost_connection() -> None:
    driver = Driver()
    driver.connect()
    assert driver.fail(1006, "reset") == NotifyLost("connection lost (1006: reset)", 0.0)


def test_cl33_the_reason_tells_a_deleted_session_from_an_expired_one() -> None:
    for reason, end in (("session deleted", "deleted"), ("session expired", "expired"), ("", "expired")):
        driver = Driver()
        driver.connect()
        told = driver.fail(4404, reason)
        assert isinstance(told, NotifyEnd) and told.end.reason == end


def test_cl20_at_once_holds_for_one_round_of_the_addresses() -> None:
    driver = Driver(rules(addresses=3))
    driver.connect()
    waits = [told.retry_in_ms for told in (driver.fail() for _ in range(6)) if isinstance(told, NotifyLost)]
    assert waits == [0, 0, 0, 500, 1_000, 2_000]


def test_cl21_waits_double_up_to_a_bound_with_full_jitter() -> None:
    driver = Driver(rules(addresses=1), chance=0.5)
    driver.connect()
    waits = [told.retry_in_ms for told in (driver.fail(4408) for _ in range(8)) if isinstance(told, NotifyLost)]
    assert waits == [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]
    for _ in range(2_000):
        driver.fail(4408)  # no overflow


def test_cl21_a_connection_that_lasted_resets_the_failures() -> None:
    driver = Driver()
    driver.connect()
    for _ in range(4):
        driver.fail()
    driver.connect()
    driver.now += TIMING.stable_ms
    assert driver.fail() == NotifyLost("connection lost (1006)", 0.0)
    assert driver.machine.failures == 1


def test_cl22_each_attempt_goes_to_the_next_address_and_waits_longer() -> None:
    driver = Driver()
    dialled, waits = [], []
    driver.connect()
    for _ in range(7):
        driver.fail()
        wait, dial = driver.give(GotToken()).effects
        assert isinstance(wait, SetTimer) and isinstance(dial, Dial)
        dialled.append(dial.address)
        waits.append(wait.in_ms)
    assert dialled == [1, 0, 1, 0, 1, 0, 1]
    assert waits == [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]


def test_cl22_a_single_address_gets_four_seconds() -> None:
    driver = Driver(rules(addresses=1))
    assert driver.give(GotToken()).effects == (SetTimer(4_000), Dial(0))
    lost = driver.give(TimerFired(limits()))
    assert lost.effects == (CloseSocket(), SetTimer(0.0), NotifyLost("no answer", 0.0))


def test_cl22_the_time_begins_anew_when_the_socket_is_open() -> None:
    driver = Driver()
    driver.give(GotToken())
    assert driver.give(Accepted()).effects == (SetTimer(1_000),)
    assert CloseSocket() in driver.give(TimerFired(limits())).effects
    assert driver.give(Accepted()).effects == ()  # of the socket that was dropped


def test_cl24_a_refused_token_is_replaced_up_to_three_in_a_row() -> None:
    driver = Driver(rules(addresses=1))
    driver.connect()
    first, second, third = driver.fail(4401), driver.fail(4401), driver.fail(4401)
    assert isinstance(first, NotifyLost) and first.retry_in_ms == 0
    assert isinstance(second, NotifyLost) and second.retry_in_ms > 0
    assert isinstance(third, NotifyEnd) and third.end.reason == "refused" and third.end.code == 4401


def test_cl24_a_fixed_token_is_tried_once() -> None:
    driver = Driver(rules(fresh_tokens=False))
    driver.connect()
    assert isinstance(driver.fail(4401), NotifyEnd)


def test_cl24_a_token_that_does_not_come_is_waited_for_with_backoff() -> None:
    driver = Driver()
    lost = driver.give(NoToken("no token: signed out"))
    assert lost.effects[1:] == (SetTimer(500), NotifyLost("no token: signed out", 500))
    again = Driver()
    assert again.give(TimerFired(limits())).effects[2] == NotifyLost("no token", 500)


def test_cl25_a_session_that_was_never_open_is_given_up_after_three_attempts_per_address() -> None:
    driver = Driver()
    told = [driver.fail() for _ in range(6)]
    assert [isinstance(one, NotifyEnd) for one in told] == [False] * 5 + [True]
    last = told[-1]
    assert isinstance(last, NotifyEnd) and last.end.reason == "unreachable"


def test_cl28_a_ping_follows_silence_and_the_next_address_follows_its_missing_answer() -> None:
    driver = Driver()
    driver.connect()
    driver.now = 5_000  # stable: the wait is not doubled
    driver.give(TimerFired(limits(last_message_at=4_990)))  # the ping of every half of silence_ms
    driver.now = 5_010
    answered = limits(last_message_at=5_005, ping_after_ms=500, answer_ms=1_000)
    assert driver.give(FramesDue(answered)).effects == (SetTimer(495),)
    driver.now = 5_505
    assert driver.give(TimerFired(answered)).effects == (Ping(), SetTimer(1_000))
    driver.now = 6_505
    lost = driver.give(TimerFired(answered))
    assert lost.effects == (CloseSocket(), SetTimer(0.0), NotifyLost("the network is silent", 0.0))
    assert lost.machine.address == 1


def test_cl28_after_failures_the_wait_for_an_answer_doubles() -> None:
    driver = Driver()
    driver.connect()
    driver.fail()
    driver.fail()
    driver.now = 100
    driver.connect()
    silent = limits(last_message_at=100, ping_after_ms=500, answer_ms=1_000)
    driver.now = 600
    assert driver.give(TimerFired(silent)).effects == (Ping(), SetTimer(4_000))
    driver.now = 1_600
    assert driver.give(TimerFired(silent)).effects == (SetTimer(3_000),)  # 4 s from the ping


def test_cl23_any_message_answers_a_ping() -> None:
    driver = Driver()
    driver.connect()
    driver.now = 5_000
    assert driver.give(TimerFired(limits(last_message_at=3))).effects[0] == Ping()
    driver.now = 10_000
    assert driver.give(TimerFired(limits(last_message_at=5_001))).effects == (Ping(), SetTimer(5_000))


def test_cl26_any_events_in_any_order_leave_one_socket_one_timer_and_one_end() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        driver = Driver(rules(chance.randint(1, 3), chance.random() < 0.5), chance.random())
        sockets, timer, ends = 0, True, 0
        for _ in range(60):
            driver.now += chance.choice([0, 10, 600, 6_000])
            events: list[Event] = [
                GotToken(),
                NoToken("none"),
                Accepted(),
                GotSession(),
                TimerFired(limits(driver.now - chance.choice([0, 700, 9_000]), 500, 1_000)),
                FramesDue(limits(driver.now, 500, 1_000)),
                Lost(chance.choice([1006, 1012, 4401, 4404, 4408]), ""),
            ]
            event = CloseAsked() if chance.random() < 0.02 else chance.choice(events)
            if isinstance(event, Lost) and sockets:
                sockets = 0  # the owner drops a socket that closed by itself
            for effect in driver.give(event).effects:
                match effect:
                    case Dial():
                        sockets += 1
                    case CloseSocket():
                        sockets = 0
                    case SetTimer(in_ms):
                        timer = in_ms is not None
                    case NotifyEnd():
                        ends += 1
            assert sockets <= 1, seed
            assert timer == (driver.machine.phase != "ended"), seed
            assert ends == (driver.machine.phase == "ended"), seed
