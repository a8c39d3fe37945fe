"""Arguments of Python programs as the cluster takes them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from tapedeck import Tapedeck, TapedeckError
from tapedeck.arguments import KEEP, Duration, duration_ms, iso_time, range_body, seek_body, serialize, time_body


def test_cl13_times_are_datetimes_milliseconds_or_text() -> None:
    berlin = timezone(timedelta(hours=2))
    assert time_body("ts", datetime(2024, 7, 18, 2, 0, 1, 250_000, berlin)) == "2024-07-18T00:00:01.250000Z"
    assert time_body("ts", 1_721_260_800_000) == 1_721_260_800_000
    assert time_body("ts", "2024-07-18T00:00:00.123456789Z") == "2024-07-18T00:00:00.123456789Z"


def test_py5_a_datetime_without_a_time_zone_is_refused() -> None:
    with pytest.raises(TapedeckError, match="ts: must have a time zone"):
        time_body("ts", datetime(2024, 7, 18))


def test_cl13_a_time_in_an_address_is_text() -> None:
    assert iso_time("ts", 1_721_260_800_250) == "2024-07-18T00:00:00.250000Z"
    assert iso_time("ts", "2024-07-18T00:00:00Z") == "2024-07-18T00:00:00Z"
    with pytest.raises(TapedeckError, match="ts: must be a datetime, milliseconds since 1970, or ISO 8601"):
        iso_time("ts", 1e300)


def test_cl13_durations_are_timedeltas_milliseconds_or_text() -> None:
    given: list[Duration] = [timedelta(minutes=15), 250, "90s", "15m", "1.5h", "250ms", "2d"]
    assert [duration_ms("by", one) for one in given] == [900_000, 250, 90_000, 900_000, 5_400_000, 250, 172_800_000]


@pytest.mark.parametrize("given", ["abc", "15", "-3s", "", float("nan"), float("inf"), None])
def test_cl17_a_wrong_duration_names_its_argument(given: str) -> None:
    with pytest.raises(TapedeckError, match='by: must be a timedelta, milliseconds or text such as "15m"') as raised:
        duration_ms("by", given)
    assert raised.value.code == "bad_argument"


def test_cl17_what_has_no_json_is_refused() -> None:
    for value in (float("nan"), object()):
        with pytest.raises(TapedeckError, match="arguments: cannot be sent"):
            serialize({"value": value})


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://a", "http://", "", [], [""]])
def test_cl17_a_wrong_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(TapedeckError, match="url: must be an address such as http://localhost:8000"):
        Tapedeck(url)


def test_cl13_a_limit_is_set_removed_or_left_as_it_is() -> None:
    assert range_body(KEEP, None, None) == {"to": None}
    assert range_body("2024-07-18T00:00:00Z", KEEP, True) == {"from": "2024-07-18T00:00:00Z", "loop": True}


def test_cl18_a_seek_to_an_event_names_its_type_as_sockets_do() -> None:
    assert seek_body(None, None, None, "next", "SPOOFING", "high") == {
        "event": "next",
        "event_type": "SPOOFING",
        "min_severity": "high",
    }


def test_cl14_an_address_that_does_not_answer_is_named() -> None:
    async def ask() -> None:
        async with Tapedeck("http://127.0.0.1:9") as deck:
            await deck.sessions.list()

    with pytest.raises(TapedeckError, match=r"http://127.0.0.1:9 does not answer") as raised:
        asyncio.run(ask())
    assert raised.value.code == "unreachable"


def test_cl41_a_closed_client_says_so() -> None:
    async def ask() -> None:
        deck = Tapedeck()
        await deck.close()
        await deck.health()

    with pytest.raises(TapedeckError) as raised:
        asyncio.run(ask())
    assert raised.value.code == "closed"
