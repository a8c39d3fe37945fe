"""Calls over HTTP. When an address does not answer or is unavailable, the call goes to the next one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

import httpx

from tapedeck.arguments import serialize
from tapedeck.errors import TapedeckError, bad_argument

#: A fixed token, or a function that is called for each request and each connection, so that tokens stay fresh.
Token: TypeAlias = str | Callable[[], str | Awaitable[str]]

GetToken: TypeAlias = Callable[[], Awaitable[str]]

ChangeMethod: TypeAlias = Literal["POST", "PATCH", "DELETE"]
Method: TypeAlias = Literal["GET"] | ChangeMethod

#: Of calls that send an order: how often each address is asked until one answers.
ATTEMPTS_PER_ADDRESS: Final = 3
#: Before all addresses are asked again.
PAUSE_S: Final = 0.5


def token_source(token: Token | None) -> GetToken | None:
    """A function that returns the token for the next request."""
    if token is None:
        return None

    async def get() -> str:
        if isinstance(token, str):
            return token
        given = token()
        return await given if inspect.isawaitable(given) else given

    return get


class HttpClient:
    """JSON calls to one cluster, within one event loop."""

    def __init__(self, addresses: Sequence[str], token: Token | None, timeout_ms: float) -> None:
        self.addresses = addresses
        self.token = token
        self.timeout_s = timeout_ms / 1000
        self._get_token = token_source(token)
        #: Index of the address that served last.
        self._address = 0
        self._client: httpx.AsyncClient | None = None
        self._requests: set[asyncio.Task[httpx.Response]] = set()
        self._closed = False

    async def call(self, method: Method, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The parsed answer. Raises the cluster's refusal, `unreachable`, `bad_answer`, `bad_argument` or `closed`."""
        return await self._call(method, path, body, len(self.addresses), is_elsewhere)

    async def change(
        self,
        method: ChangeMethod,
        path: str,
        body: Mapping[str, object] | None,
        *,
        repeats: bool,
        on_attempt: Callable[[], None] | None = None,
    ) -> Any:
        """The same for a change that must be neither lost nor made twice.

        Raises `interrupted` in place of `unreachable`, and of anything else that leaves open whether it was made. `repeats`: whether
        making the same call again changes no more than one call.
        """
        attempts = ATTEMPTS_PER_ADDRESS * len(self.addresses) if repeats else 1
        try:
            return await self._call(method, path, body, attempts, is_unanswered, on_attempt)
        except TapedeckError as error:
            if not is_unanswered(error):
                raise
            message = f"{method} {path} was not answered; it may have been carried out: {error.args[0]}"
            raise TapedeckError("interrupted", message) from error

    async def _call(
        self,
        method: Method,
        path: str,
        body: Mapping[str, object] | None,
        attempts: int,
        goes_on: Callable[[TapedeckError], bool],
        on_attempt: Callable[[], None] | None = None,
    ) -> Any:
        headers = {} if body is None else {"content-type": "application/json"}
        content = None if body is None else serialize(body)
        if self._get_token is not None:
            headers["authorization"] = f"Bearer {await self._get_token()}"
        attempt = 1
        while True:
            address = self.addresses[self._address]
            if on_attempt is not None:
                on_attempt()
            try:
                response = await self._request(method, address, path, headers, content)
                return _answer(response, f"{address}{path}")
            except TapedeckError as error:
                if not goes_on(error):
                    raise
                self.go_on_elsewhere()
                if attempt == attempts:
                    raise
            if attempt % len(self.addresses) == 0:
                await asyncio.sleep(PAUSE_S)
            attempt += 1

    async def lines(self, path: str) -> AsyncIterator[bytes]:
        """The lines of an answer as they come. Raises as `call` does, also on the way; then another address may have the rest."""
        headers = {} if self._get_token is None else {"authorization": f"Bearer {await self._get_token()}"}
        address = self.addresses[self._address]
        url = f"{address}{path}"
        rest = b""
        try:
            async with self._open().stream("GET", url, headers=headers) as response:
                if response.status_code >= 400:
                    await response.aread()
                    _answer(response, url)
                async for piece in response.aiter_bytes():
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        yield line
        except httpx.HTTPError as error:
            raise unreachable(address, error) from error

    def go_on_elsewhere(self) -> None:
        """The next request goes to the next address."""
        self._address = (self._address + 1) % len(self.addresses)

    async def close(self) -> None:
        """Cancels the requests that are under way: they raise `closed`."""
        self._closed = True
        for request in self._requests:
            request.cancel()
        if self._client is not None:
            await self._client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._closed:
            raise TapedeckError("closed", "The client was closed.")
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self.timeout_s)
        return self._client

    async def _request(
        self, method: Method, address: str, path: str, headers: Mapping[str, str], content: str | None
    ) -> httpx.Response:
        client = self._open()
        work = asyncio.create_task(client.request(method, f"{address}{path}", headers=headers, content=content))
        self._requests.add(work)
        try:
            return await asyncio.wait_for(work, self.timeout_s)
        except asyncio.CancelledError:
            if self._closed:
                raise TapedeckError("closed", "The client was closed.") from None
            raise
        except (httpx.HTTPError, OSError, asyncio.TimeoutError) as error:
            raise unreachable(address, error) from error
        finally:
            self._requests.discard(work)


def is_elsewhere(error: TapedeckError) -> bool:
    """Whether another address may answer what this one did not."""
    return error.code in ("unreachable", "UNAVAILABLE")


def is_unanswered(error: TapedeckError) -> bool:
    """Whether it is unknown what became of a request: a proxy's page and a fault of the cluster say nothing of that."""
    return is_elsewhere(error) or error.code in ("bad_answer", "INTERNAL")


def unreachable(address: str, error: Exception) -> TapedeckError:
    return TapedeckError("unreachable", f"{address} does not answer: {str(error) or type(error).__name__}.")


def _answer(response: httpx.Response, url: str) -> Any:
    try:
        answer = response.json()
    except ValueError as error:
        raise TapedeckError("bad_answer", f"{url} answered {response.status_code} without JSON.") from error
    if response.status_code < 400:
        return answer
    raise refusal(answer, response, url)


def refusal(answer: object, response: httpx.Response, url: str) -> TapedeckError:
    """The error that an answer with a status of 400 or more stands for."""
    fields = answer if isinstance(answer, dict) else {}
    code = str(fields.get("code", "bad_answer"))
    message = str(fields.get("message", f"{url} answered {response.status_code}."))
    return TapedeckError(code, message, retry_after=_seconds(response.headers.get("retry-after")))


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def segment(name: str, text: str) -> str:
    """A part of a path. Raises `bad_argument` that names the argument, for what is no text or has no UTF-8 form."""
    try:
        return quote(text, safe="@")
    except (TypeError, UnicodeEncodeError) as error:
        raise bad_argument(name, "must be text") from error


def query(**fields: object) -> str:
    """The fields that are not None, with the question mark."""
    given = {name: _query_text(value) for name, value in fields.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def _query_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
