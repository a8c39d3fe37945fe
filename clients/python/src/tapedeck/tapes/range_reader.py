"""A file behind an address, read in parts with `Range`."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import time
from collections.abc import Awaitable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

import httpx

from tapedeck.errors import TapedeckError
from tapedeck.http import HttpClient, Token, is_elsewhere, refusal, unreachable

#: Attempts per address, in a row and without a single byte, before a read is given up.
MAX_ROUNDS: Final = 3

#: Between two rounds of the addresses.
PAUSE_S: Final = 0.5


#: An api answers a request for a file that is being made after 20 s at the latest.
MADE_WITHIN_S: Final = 30.0


class FileVersion(NamedTuple):
    bytes: int
    #: The `ETag`. All parts that are read have the same.
    tag: str


class RangeReader(io.RawIOBase):
    """A seekable binary file. It blocks, so in a program with an event loop it belongs in a thread (`asyncio.to_thread`).

    A file that the cluster makes on request is waited for. A read that breaks off continues where it stopped, at the next address.
    When the file changes meanwhile, reading raises a `TapedeckError` with the code `changed`.
    """

    def __init__(self, http: HttpClient, path: str) -> None:
        super().__init__()
        self._http = http
        self._path = path
        self._client = httpx.Client(timeout=httpx.Timeout(http.timeout_s, read=max(http.timeout_s, MADE_WITHIN_S)))
        #: Index of the address that served last.
        self._address = 0
        self._failures = 0
        self._at = 0
        #: Bytes of the file received so far, for those who want to know what a query costs.
        self.bytes_received = 0
        self.version = self._find()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.version.bytes}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        end = self.version.bytes if size is None or size < 0 else min(self._at + size, self.version.bytes)
        data = b"".join(self._pieces(self._at, end))
        self._at += len(data)
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def pieces(self) -> Iterator[bytes]:
        """The whole file, as it arrives."""
        return self._pieces(0, self.version.bytes)

    def close(self) -> None:
        if not self.closed:
            self._client.close()
        super().close()

    def _find(self) -> FileVersion:
        """Asks for one byte. Not by HEAD, whose answer has no body that would say why there is no file."""
        while True:
            address = self._http.addresses[self._address]
            try:
                with self._get(address, {"range": "bytes=0-0"}) as response:
                    self._check(response)
                    if response.status_code == httpx.codes.PARTIAL_CONTENT:
                        response.read()  # so that the connection can be used again
                    total = response.headers.get("content-range", "").rpartition("/")[2]
                    size = int(total or response.headers.get("content-length", "0"))
                    self._failures = 0
                    return FileVersion(size, response.headers.get("etag", ""))
            except (httpx.TransportError, TapedeckError) as error:
                self._go_on_elsewhere(error, address)

    def _pieces(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            address = self._http.addresses[self._address]
            wanted = {"range": f"bytes={start}-{end - 1}", "if-range": self.version.tag}
            try:
                with self._get(address, wanted) as response:
                    self._check(response)
                    if response.status_code != httpx.codes.PARTIAL_CONTENT:
                        message = f"{address}{self._path} changed while it was read; read it again."
                        raise TapedeckError("changed", message)
                    for piece in response.iter_raw():
                        self._failures = 0
                        start += len(piece)
                        self.bytes_received += len(piece)
                        yield piece
            except (httpx.TransportError, TapedeckError) as error:
                self._go_on_elsewhere(error, address)

    def _get(self, address: str, headers: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
        fields = {"accept-encoding": "identity", **headers}
        token = current_token(self._http.token)
        if token is not None:
            fields["authorization"] = f"Bearer {token}"
        return self._client.stream("GET", f"{address}{self._path}", headers=fields)

    def _check(self, response: httpx.Response) -> None:
        """Raises the refusal that the response is, if it is one."""
        if response.status_code < 400:
            return
        text = response.read()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        raise refusal(answer, response, str(response.url))

    def _go_on_elsewhere(self, error: Exception, address: str) -> None:
        """The next attempt goes to the next address. Raises the error when another attempt would be in vain."""
        known = error if isinstance(error, TapedeckError) else unreachable(address, error)
        if known.code == "FILE_NOT_READY":  # it is being made there
            time.sleep(PAUSE_S if known.retry_after is None else known.retry_after)
            return
        addresses = self._http.addresses
        self._failures += 1
        if not is_elsewhere(known) or self._failures >= MAX_ROUNDS * len(addresses):
            raise known from error
        self._address = (self._address + 1) % len(addresses)
        if self._failures > 1 and self._failures % len(addresses) == 0:  # a whole round gave nothing
            time.sleep(PAUSE_S)


def current_token(token: Token | None) -> str | None:
    """The token for the next request of a thread that waits for it. A coroutine gets an event loop of its own."""
    if token is None or isinstance(token, str):
        return token
    given = token()
    if not inspect.isawaitable(given):
        return given
    with ThreadPoolExecutor(max_workers=1) as other_thread:
        return other_thread.submit(asyncio.run, _result_of(given)).result()


async def _result_of(given: Awaitable[str]) -> str:
    return await given
