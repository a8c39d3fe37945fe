"""A file that is read in parts over HTTP, from a server that breaks off, is away, or gets another file meanwhile."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tapedeck import TapedeckError
from tapedeck.http import HttpClient, Token
from tapedeck.tapes.range_reader import RangeReader, current_token
from tapedeck.tapes.track_file import TrackFile

CONTENT = bytes(range(256)) * 64


@dataclass
class Served:
    """What the server has, and what it was asked for."""

    url: str = ""
    tag: str = '"one"'
    content: bytes = CONTENT
    #: Bytes after which the next answers break off.
    breaks: list[int] = field(default_factory=list)
    #: Answers with 503 before it serves again.
    away: int = 0
    #: Answers with 503 while the file is being made.
    making: int = 0
    #: How often the file changes after it has been asked for.
    changes: int = 0
    ranges: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.tokens.append(self.headers.get("authorization", ""))
            if served.making > 0:
                served.making -= 1
                self.refuse(503, "FILE_NOT_READY")
            elif served.away > 0:
                served.away -= 1
                self.refuse(503, "UNAVAILABLE")
            elif self.path != "/file":
                self.refuse(404, "TRACK_NOT_FOUND")
            else:
                self.serve(served.content)

        def refuse(self, status: int, code: str) -> None:
            body = f'{{"status":"error","code":"{code}","message":"no file"}}'.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("retry-after", "0.01")
            self.end_headers()
            self.wfile.write(body)

        def serve(self, content: bytes) -> None:
            total = len(content)
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
            known = self.headers.get("if-range", served.tag) == served.tag
            start, end = 0, total - 1
            if asked and known:
                start, end = int(asked[1]), int(asked[2])
                served.ranges.append(asked[0])
            body = content[start : end + 1]
            tag = served.tag
            if end == 0 and served.changes > 0:
                served.changes -= 1
                served.tag = f'"{served.changes} to come"'
            self.send_response(206 if asked and known else 200)
            if asked and known:
                self.send_header("content-range", f"bytes {start}-{end}/{total}")
            self.send_header("content-length", str(len(body)))
            self.send_header("etag", tag)
            self.end_headers()
            if len(body) > 1 and served.breaks:
                self.wfile.write(body[: served.breaks.pop(0)])
                self.close_connection = True
            else:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def reader(served: Served, path: str = "/file", token: Token | None = None, first: str | None = None) -> RangeReader:
    addresses = [served.url] if first is None else [first, served.url]
    return RangeReader(HttpClient(addresses, token, 5_000), path)


def test_py7_only_the_parts_that_are_read_are_fetched(served: Served) -> None:
    with reader(served) as file:
        assert file.version == (len(CONTENT), '"one"')
        file.seek(-8, io.SEEK_END)
        assert file.read() == CONTENT[-8:]
        file.seek(100)
        assert file.read(50) == CONTENT[100:150]
        assert file.tell() == 150
        assert file.read(0) == b""
        file.seek(len(CONTENT) + 5)
        assert file.read(10) == b""
        assert file.bytes_received == 58
    assert served.ranges == ["bytes=0-0", f"bytes={len(CONTENT) - 8}-{len(CONTENT) - 1}", "bytes=100-149"]


def test_py7_it_is_a_file_for_any_other_reader(served: Served) -> None:
    with reader(served) as file:
        buffered = io.BufferedReader(file, 1_000)
        assert buffered.read() == CONTENT


def test_py8_a_read_that_breaks_off_continues_where_it_stopped(served: Served) -> None:
    served.breaks = [1_000, 500]
    with reader(served) as file:
        assert file.read() == CONTENT
    end = len(CONTENT) - 1
    assert served.ranges[1:] == [f"bytes=0-{end}", f"bytes=1000-{end}", f"bytes=1500-{end}"]


def test_py8_an_address_that_does_not_answer_or_is_away_is_left_for_the_next_one(served: Served) -> None:
    served.away = 1
    with reader(served, first="http://127.0.0.1:9") as file:
        assert file.read(10) == CONTENT[:10]


def test_py11_a_file_that_is_being_made_is_waited_for(served: Served) -> None:
    served.making = 20
    with reader(served) as file:
        assert file.read() == CONTENT


def test_py8_a_server_that_stays_away_is_given_up(served: Served) -> None:
    served.away = 100
    with pytest.raises(TapedeckError) as raised:
        reader(served)
    assert raised.value.code == "UNAVAILABLE"
    assert len(served.tokens) == 3


def test_py8_a_file_that_changes_while_it_is_read_is_an_error(served: Served) -> None:
    with reader(served) as file:
        file.read(10)
        served.tag = '"two"'
        with pytest.raises(TapedeckError, match="changed while it was read; read it again") as raised:
            file.read(10)
    assert raised.value.code == "changed"


def test_py7_a_file_that_does_not_exist_is_a_refusal(served: Served) -> None:
    with pytest.raises(TapedeckError, match="no file") as raised:
        reader(served, "/missing")
    assert raised.value.code == "TRACK_NOT_FOUND"


def test_py7_a_download_that_fails_leaves_nothing(served: Served, tmp_path: Path) -> None:
    http = HttpClient([served.url], None, 5_000)
    target = TrackFile(http, "/file").download(tmp_path / "copy")
    assert target.read_bytes() == CONTENT
    served.breaks = [0, 0, 0]
    with pytest.raises(TapedeckError):
        TrackFile(http, "/file").download(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_cl24_a_token_is_sent_with_each_part_whatever_gives_it(served: Served) -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return "from a coroutine"

    given: list[Token] = ["fixed", lambda: "from a function", later]
    for token in given:
        with reader(served, token=token) as file:
            file.read(1)
    expected = ["fixed", "from a function", "from a coroutine"]
    assert served.tokens == [f"Bearer {text}" for text in expected for _ in range(2)]


def test_cl24_a_coroutine_gives_its_token_also_within_an_event_loop() -> None:
    async def later() -> str:
        return "fresh"

    async def read() -> str | None:
        return current_token(later)

    assert asyncio.run(read()) == "fresh"


def test_py8_a_table_is_read_again_when_its_file_changes_meanwhile(served: Served, tmp_path: Path) -> None:
    file = TrackFile(HttpClient([served.url], None, 5_000), "/file")
    served.changes = 2
    assert file.download(tmp_path / "copy").read_bytes() == CONTENT
    served.changes = 3
    with pytest.raises(TapedeckError, match="changed while it was read"):
        file.download(tmp_path / "other")
