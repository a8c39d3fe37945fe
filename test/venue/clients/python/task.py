"""What every client needs, as JSON in the first argument, and the forms in which the test wants its answers."""

import asyncio
import json
import sys
import time
from types import SimpleNamespace


def tasks() -> list[SimpleNamespace]:
    """Each has `url`, `market` (spot or usdm), `symbol`, `apiKey`, `secret`, `orders` (how many) and `amount` (of each)."""
    return [SimpleNamespace(**each) for each in json.loads(sys.argv[1])]


def run(trade) -> None:
    """Carries out all tasks at once, and prints their reports in the order of the tasks."""

    async def all_of_them() -> None:
        reports = await asyncio.gather(*(trade(each) for each in tasks()))
        print(f"\n{json.dumps(reports)}", flush=True)

    asyncio.run(all_of_them())


def ws_of(address: str) -> str:
    """The address for WebSockets."""
    return address.replace("http", "ws", 1)


def orders_of(count: int, bid: str, ask: str):
    """What to send: two market orders, then a limit order far from the market; sides alternate. The price of a market order is None."""
    for each in range(count):
        side = "BUY" if each % 2 == 0 else "SELL"
        price = float(bid) * 0.9 if side == "BUY" else float(ask) * 1.1
        yield side, f"{price:.1f}" if each % 3 == 2 else None


def report(trades: list[dict], told: set[str], open_orders: int) -> dict:
    """A client's own account of its trades: those that it asked for, and the ids that its user stream told."""
    return {"trades": trades, "told": sorted(told, key=int), "open": open_orders}


def trade_form(trade: dict) -> dict:
    """A trade of Binance's REST API in the form of the report."""
    bought = trade["isBuyer"] if "isBuyer" in trade else trade["buyer"]
    return {
        "id": str(trade["id"]),
        "order": str(trade["orderId"]),
        "side": "buy" if bought else "sell",
        "price": trade["price"],
        "amount": trade["qty"],
        "fee": trade["commission"],
    }


async def until(is_so, what: str) -> None:
    """Waits until something is so, and fails after half a minute."""
    deadline = time.monotonic() + 30
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} in time")
        await asyncio.sleep(0.02)


async def stdin_lines():
    """The lines of the standard input, without keeping the event loop waiting."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line
