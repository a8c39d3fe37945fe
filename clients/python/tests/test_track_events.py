"""The lines of a tape's events, each once, from servers that break off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest

from tapedeck import TapedeckError
from tapedeck.http import HttpClient
from tapedeck.tapes.track_events import EventCursor, TrackLine, read_events

#: Number of the event and of its level: events have one, two or three.
LINES = [(n, level) for n in range(20) for level in range(n % 3 + 1)]


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Serves LINES, and breaks off after 7 lines in each answer, in the middle of the eighth."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked.append(parts.query)
            fields = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
            first = fields.get("from_n", 0)
            end = min(fields.get("to_n", 20), first + fields.get("limit", 20))
            lines = [line for line in LINES if first <= line[0] < end]
            text = "".join(f'{{"kind":"trade","n":{n},"level":{level}}}\n' for n, level in lines)
            body = text.encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            broken = text.encode().split(b"\n")[7:8]
            if parts.path == "/broken" and broken:
                kept = body[: body.index(b"\n".join(broken)) + 5]
                self.wfile.write(kept if len(lines) > 7 else body)
                self.close_connection = True
            else:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def read(url: str, path: str, cursor: EventCursor) -> list[tuple[int, int]]:
    async def collect() -> list[TrackLine]:
        http = HttpClient([url], None, 5_000)
        try:
            return [line async for line in read_events(http, path, cursor)]
        finally:
            await http.close()

    lines = cast("list[dict[str, int]]", asyncio.run(collect()))
    return [(line["n"], line["level"]) for line in lines]


def test_py10_an_answer_that_breaks_off_goes_on_with_the_next_line(server: tuple[str, list[str]]) -> None:
    url, asked = server
    assert read(url, "/broken", EventCursor({}, {}, None)) == LINES
    assert len(asked) > 4


def test_py10_the_end_and_the_limit_stay_where_they_were(server: tuple[str, list[str]]) -> None:
    url, _ = server
    assert read(url, "/broken", EventCursor({"from_n": 2}, {"to_n": 15}, None)) == [
        line for line in LINES if 2 <= line[0] < 15
    ]
    assert read(url, "/broken", EventCursor({"from_n": 3}, {}, 11)) == [line for line in LINES if 3 <= line[0] < 14]


def test_py10_a_cursor_asks_for_the_last_event_once_more() -> None:
    cursor = EventCursor({"from_seq": 8}, {"to_seq": 9}, 10)
    assert cursor.query() == {"from_seq": 8, "to_seq": 9, "limit": 10}
    assert [cursor.take(n) for n in (4, 4, 5)] == [True, True, True]
    assert cursor.query() == {"from_n": 5, "to_seq": 9, "limit": 9}
    assert [cursor.take(n) for n in (5, 5, 6)] == [False, True, True]
    assert cursor.query() == {"from_n": 6, "to_seq": 9, "limit": 8}
    assert [cursor.take(n) for n in (6, 7)] == [False, True]


def test_py10_a_server_that_does_not_answer_is_given_up() -> None:
    with pytest.raises(TapedeckError) as raised:
        read("http://127.0.0.1:9", "/whole", EventCursor({}, {}, None))
    assert raised.value.code == "unreachable"
