"""What each client does with its task: it places orders, and says what it knows of its trades."""

import asyncio
import time
from typing import Protocol

from task import stdin_lines, tell, until

LEARN_EVERY_S = 3
"""A rewind of the session's owner takes away trades that are later than its place."""


class Client(Protocol):
    """A market in the words of a client."""

    async def prices(self) -> tuple[str, str]:
        """The best bid and ask."""

    async def market(self, side: str) -> str:
        """Places a market order, and answers its status."""

    async def rest(self, side: str, price: str) -> str:
        """Places a limit order, cancels it, and answers its status."""

    async def trades(self) -> list[dict]:
        """The last 1,000, oldest first."""

    async def open(self) -> int:
        """How many orders are open."""

    def book(self) -> tuple[list, list]:
        """The best levels of its local book."""


class Told:
    """Trades that a user stream told. The ids of trades are given again after a rewind, those of orders are not."""

    def __init__(self) -> None:
        self.trades: dict[tuple[str, str], dict] = {}
        self.reconnects = 0
        self.is_open = False
        """Of clients that say when their user stream has begun."""

    def hear(self, event: dict) -> None:
        """Takes an `executionReport`, or the `o` of an `ORDER_TRADE_UPDATE`."""
        if event.get("x") != "TRADE":
            return
        trade = {"id": str(event["t"]), "order": str(event["i"]), "side": "buy" if event["S"] == "BUY" else "sell"}
        self.trades[key_of(trade)] = trade | {"price": event["L"], "amount": event["l"], "fee": event["n"]}

    def sorted(self) -> list[dict]:
        return sorted(self.trades.values(), key=lambda trade: int(trade["id"]))


def key_of(trade: dict) -> tuple[str, str]:
    return trade["order"], trade["id"]


def trade_form(trade: dict) -> dict:
    """A trade of Binance's REST API, of spot or of futures."""
    bought = trade["isBuyer"] if "isBuyer" in trade else trade["buyer"]
    return {
        "id": str(trade["id"]),
        "order": str(trade["orderId"]),
        "side": "buy" if bought else "sell",
        "price": trade["price"],
        "amount": trade["qty"],
        "fee": trade["commission"],
    }


async def carry_out(client: Client, told: Told, task) -> dict | None:
    """Places two market orders, then a limit order far from the market that it cancels, and so on, sides in turn."""
    if hasattr(task, "seconds"):
        return await soak(client, told, task)
    for number in range(task.orders):
        await place(client, number, 1)
    if hasattr(client, "list"):
        bid, ask = await client.prices()
        expect("ALL_DONE", await client.list(f"{float(ask) * 1.1:.1f}", f"{float(bid) * 0.9:.1f}"))
    trades = await client.trades()
    await until(lambda: len(told.trades) >= len(trades), "trades of the user stream")
    return {"trades": trades, "told": told.sorted(), "open": await client.open()}


async def place(client: Client, number: int, decimals: int) -> None:
    """The order of a number. Raises if something else became of it than should."""
    side = "BUY" if number % 2 == 0 else "SELL"
    if number % 3 != 2:
        return expect("FILLED", await client.market(side))
    bid, ask = await client.prices()
    price = float(bid) * 0.9 if side == "BUY" else float(ask) * 1.1
    expect("CANCELED", await client.rest(side, f"{price:.{decimals}f}"))


def expect(wanted: str, status: str) -> None:
    assert status == wanted, f"an order is {status} instead of {wanted}"


async def soak(client: Client, told: Told, task) -> None:
    """Spreads the orders over the task's time. What goes wrong meanwhile is noted: the market may begin anew at any moment."""
    known, problems = {}, []

    def note(error: Exception) -> None:
        problems.append({"at": int(time.time() * 1_000), "what": f"{type(error).__name__}: {error}"})

    async def learn() -> None:
        try:
            known.update((key_of(trade), trade) for trade in await client.trades())
        except Exception as error:
            note(error)

    begun = learned = time.monotonic()
    placed = number = 0
    while placed < task.orders and number < task.orders * 1.2:
        await asyncio.sleep(begun + number * task.seconds / task.orders - time.monotonic())
        try:
            await place(client, number, task.priceDecimals)
            placed += 1
        except Exception as error:
            note(error)
        number += 1
        if time.monotonic() > learned + LEARN_EVERY_S:
            await learn()
            learned = time.monotonic()
    await asyncio.sleep(begun + task.seconds - time.monotonic())
    tell({"done": True})
    async for _ in stdin_lines():
        await learn()
        bids, asks = client.book()
        tell({
            "trades": list(known.values()),
            "told": told.sorted(),
            "open": await client.open(),
            "placed": placed,
            "problems": problems,
            "reconnects": told.reconnects,
            "book": {"bids": bids, "asks": asks},
        })
