"""Orders of a session, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from tapedeck.arguments import TapeTime
from tapedeck.errors import TapedeckError
from tapedeck.http import ChangeMethod, HttpClient, query, segment
from tapedeck.trading.new_order import Amount, NewOrder, change_body, list_body, order_body, random_name
from tapedeck.trading.types import (
    AccountAnswer,
    FillsAnswer,
    OrdersAnswer,
    OrderType,
    SessionBranch,
    SessionOrder,
    Side,
    TimeInForce,
    TradingAnswer,
)


class TradingView:
    """Orders, fills and account of a session at its playhead, or of a branch as it was when it was left.

    Each names the frame with which it is so.
    """

    def __init__(self, http: HttpClient, path: str) -> None:
        self._http = http
        self._path = path

    async def orders(
        self, *, open: bool | None = None, after: str | None = None, limit: int | None = None
    ) -> OrdersAnswer:
        """One page, oldest first: `limit` 1 to 1000, 100 by default; `after` is the id of the last one of the page before."""
        page = query(open=open, after=after, limit=limit)
        return cast(OrdersAnswer, await self._http.call("GET", f"{self._path}/orders{page}"))

    async def fills(self, *, after: str | None = None, limit: int | None = None) -> FillsAnswer:
        """One page, as of `orders`."""
        return cast(FillsAnswer, await self._http.call("GET", f"{self._path}/fills{query(after=after, limit=limit)}"))

    async def account(self) -> AccountAnswer:
        """Balances, or wallet and position."""
        return cast(AccountAnswer, await self._http.call("GET", f"{self._path}/account"))


class Trading(TradingView):
    """Orders of a session on its tape, over HTTP: they need no connection to a gateway.

    What sends an order returns it as it is when it has arrived at the market, if the session plays and that is at once, and otherwise
    as it is on its way (`PENDING`). `on_order` and `on_fill` of the session tell what becomes of it.

    A call that gets no answer is made again where that changes nothing more: no order is placed twice. Without an answer to any attempt
    it raises `interrupted`: it may have been carried out.

    ```python
    order = await session.trading.place("buy", "LIMIT", amount="0.01", price="28150.0")
    await session.trading.replace(order["order_id"], price="28149.5")
    ```
    """

    def __init__(self, http: HttpClient, session_id: str) -> None:
        super().__init__(http, "/sessions/" + segment("session_id", session_id))

    async def place(
        self,
        side: Side,
        type: OrderType,
        *,
        amount: Amount | None = None,
        price: Amount | None = None,
        stop_price: Amount | None = None,
        quote_amount: Amount | None = None,
        close_position: bool | None = None,
        reduce_only: bool | None = None,
        time_in_force: TimeInForce | None = None,
        expires_at: TapeTime | None = None,
        client_order_id: str | None = None,
    ) -> SessionOrder:
        """Sends an order, once under its name; `NewOrder` describes the fields.

        If the session has one with this `client_order_id`, it is returned as it is. Without a name it gets one.
        """
        order = NewOrder(
            side,
            type,
            amount=amount,
            price=price,
            stop_price=stop_price,
            quote_amount=quote_amount,
            close_position=close_position,
            reduce_only=reduce_only,
            time_in_force=time_in_force,
            expires_at=expires_at,
            client_order_id=random_name() if client_order_id is None else client_order_id,
        )
        return cast(SessionOrder, (await self._change("POST", "/orders?once=true", order_body(order)))["order"])

    async def place_list(
        self, others: Sequence[NewOrder], *, first: NewOrder | None = None, client_list_id: str | None = None
    ) -> list[SessionOrder]:
        """Sends orders that depend on each other, all or none, and once under the name of the list.

        `others` are a pair of which one ends the other (OCO): a stop, and LIMIT or a take profit. With `first`, a LIMIT order, they
        go to the market when it has been filled, and may be one (OTO) or a pair (OTOCO).
        """
        body = list_body(others, first, client_list_id)
        return cast("list[SessionOrder]", (await self._change("POST", "/order-lists?once=true", body))["orders"])

    async def replace(
        self,
        order_id: str,
        *,
        price: Amount | None = None,
        amount: Amount | None = None,
        stop_price: Amount | None = None,
    ) -> SessionOrder:
        """Gives an open order another price, open amount or stop price.

        It keeps its place in the queue only with the same price and no larger amount. Sent once: without an answer it raises
        `interrupted`, and `order` tells whether it was carried out.
        """
        body = change_body(price=price, amount=amount, stop_price=stop_price)
        answer = await self._change("POST", f"{_order(order_id)}/replace", body, repeats=False)
        return cast(SessionOrder, answer["order"])

    async def cancel(self, order_id: str) -> SessionOrder:
        """Cancels an order. Raises `ORDER_NOT_OPEN` if it has ended."""
        attempts = 0

        def count() -> None:
            nonlocal attempts
            attempts += 1

        try:
            return cast(SessionOrder, (await self._change("DELETE", _order(order_id), on_attempt=count))["order"])
        except TapedeckError as error:
            if attempts == 1 or error.code != "ORDER_NOT_OPEN":
                raise
            # The attempt that got no answer has cancelled it, or will have in a moment; unless it ended by itself.
            order = await self.order(order_id)
            if order["status"] == "CANCELED" or float(order["open"]) > 0:
                return order
            raise

    async def cancel_all(self) -> list[SessionOrder]:
        """Cancels all open orders. Returns them, as they were before."""
        return cast("list[SessionOrder]", (await self._change("DELETE", "/orders"))["orders"])

    async def order(self, order_id: str) -> SessionOrder:
        return cast(SessionOrder, (await self._http.call("GET", self._path + _order(order_id)))["order"])

    async def settings(self) -> TradingAnswer:
        """How the session's orders meet its tape, and the instrument that they are of."""
        return cast(TradingAnswer, await self._http.call("GET", f"{self._path}/trading"))

    async def configure(self, **change: Any) -> TradingAnswer:
        """Changes some of the settings, as `settings` has them, before the first order; what is left out stays.

        `configure(account={"kind": "futures", "wallet": "1000", "leverage": 5})`
        """
        return cast(TradingAnswer, await self._change("PATCH", "/trading", change))

    async def branches(self) -> list[SessionBranch]:
        """What rewinds undid, newest first."""
        answer = await self._http.call("GET", f"{self._path}/branches")
        return cast("list[SessionBranch]", answer["branches"])

    def branch(self, branch_id: str) -> TradingView:
        """Orders, fills and account of a branch as it was when it was left."""
        return TradingView(self._http, f"{self._path}/branches/{segment('branch_id', branch_id)}")

    async def _change(
        self,
        method: ChangeMethod,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        repeats: bool = True,
        on_attempt: Callable[[], None] | None = None,
    ) -> Any:
        return await self._http.change(method, self._path + path, body, repeats=repeats, on_attempt=on_attempt)


def _order(order_id: str) -> str:
    return "/orders/" + segment("order_id", order_id)
