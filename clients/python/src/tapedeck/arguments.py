"""Arguments of Python programs as the cluster takes them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Final, Literal, TypeAlias

from tapedeck.errors import bad_argument

#: A time on a tape: a datetime with a time zone, milliseconds since 1970, or ISO 8601 in UTC with up to nine decimals.
TapeTime: TypeAlias = datetime | float | str

#: A timedelta, milliseconds, or a number with a unit: "90s", "15m", "1.5h", "250ms", "2d".
Duration: TypeAlias = timedelta | float | str


class Keep(Enum):
    """The default of arguments for which None has a meaning of its own."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP

Body: TypeAlias = dict[str, object]

_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def time_body(name: str, time: TapeTime) -> str | float:
    """Raises `bad_argument` for a datetime without a time zone, whose moment would depend on the machine."""
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        raise bad_argument(name, "must have a time zone, such as datetime(..., tzinfo=timezone.utc)")
    return _iso(time)


def iso_time(name: str, time: TapeTime) -> str:
    """The same as text, for the query of an address."""
    given = time_body(name, time)
    if isinstance(given, str):
        return given
    try:
        return _iso(datetime.fromtimestamp(given / 1000, timezone.utc))
    except (OverflowError, OSError, TypeError, ValueError) as error:
        raise bad_argument(name, "must be a datetime, milliseconds since 1970, or ISO 8601 in UTC") from error


def _iso(time: datetime) -> str:
    return time.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def duration_ms(name: str, duration: Duration) -> float:
    """Milliseconds. Raises `bad_argument` that names the argument."""
    if isinstance(duration, timedelta):
        return duration / timedelta(milliseconds=1)
    if isinstance(duration, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|[smhd])", duration)
        if match:
            return float(match[1]) * _UNIT_MS[match[2]]
    elif isinstance(duration, int | float) and math.isfinite(duration):
        return duration
    raise bad_argument(name, 'must be a timedelta, milliseconds or text such as "15m"')


def range_body(from_: TapeTime | Keep | None, to: TapeTime | Keep | None, loop: bool | None) -> Body:
    """None removes a limit; KEEP leaves it as it is."""
    body: Body = {}
    for name, time in (("from", from_), ("to", to)):
        if not isinstance(time, Keep):
            body[name] = None if time is None else time_body(name, time)
    if loop is not None:
        body["loop"] = loop
    return body


def seek_body(
    ts: TapeTime | None,
    seq: int | None,
    fraction: float | None,
    event: Literal["next", "previous"] | None,
    event_type: str | None,
    min_severity: str | None,
) -> Body:
    """What was given. The cluster says so if it is not exactly one place."""
    return present(
        ts=None if ts is None else time_body("ts", ts),
        seq=seq,
        fraction=fraction,
        event=event,
        event_type=event_type,
        min_severity=min_severity,
    )


def present(**fields: object) -> Body:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def serialize(body: Mapping[str, object]) -> str:
    """JSON. Raises `bad_argument` for a value that has none, such as NaN."""
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise bad_argument("arguments", f"cannot be sent: {error}") from error
