"""ccxt and ccxt.pro: the book, orders and trades of one market, by requests and by streams."""

import asyncio

from ccxt.base.errors import BaseError, ChecksumError, NetworkError
from ccxt_venue import connected
from task import run, until
from trading import Told, carry_out, trade_form

LEVELS = 20


class Market:
    def __init__(self, exchange, symbol: str, amount: str) -> None:
        self.exchange, self.symbol, self.amount = exchange, symbol, float(amount)

    async def prices(self):
        book = await self.exchange.fetch_order_book(self.symbol, 5)
        return book["bids"][0][0], book["asks"][0][0]

    async def market(self, side: str) -> str:
        order = await self.exchange.create_order(self.symbol, "market", side.lower(), self.amount)
        return await self._status_of(order["id"])

    async def rest(self, side: str, price: str) -> str:
        order = await self.exchange.create_order(self.symbol, "limit", side.lower(), self.amount, float(price))
        await self.exchange.cancel_order(order["id"], self.symbol)
        return await self._status_of(order["id"])

    async def _status_of(self, order_id: str) -> str:
        """In Binance's words."""
        return (await self.exchange.fetch_order(order_id, self.symbol))["info"]["status"]

    async def trades(self) -> list[dict]:
        return [trade_form(each["info"]) for each in await self.exchange.fetch_my_trades(self.symbol, None, 1000)]

    async def open(self) -> int:
        return len(await self.exchange.fetch_open_orders(self.symbol))

    def book(self):
        kept = self.exchange.orderbooks.get(self.symbol)
        return ([*kept["bids"][:LEVELS]], [*kept["asks"][:LEVELS]]) if kept else ([], [])


async def trade(task) -> dict | None:
    exchange = connected(task.market, task.url, apiKey=task.apiKey, secret=task.secret)
    try:
        return await trade_at(exchange, task)
    finally:
        await exchange.close()


async def trade_at(exchange, task) -> dict | None:
    await exchange.load_markets()
    symbol = next(each["symbol"] for each in exchange.markets.values() if each["id"] == task.symbol)
    assert await exchange.fetch_ohlcv(symbol, "1m")
    assert (await exchange.fetch_balance())["total"]
    told, states = Told(), {}

    async def follow(watch, take) -> None:
        """Its users watch again if a venue that begins anew has closed the socket."""
        while True:
            try:
                take(await watch(symbol))
            except (NetworkError, ChecksumError):
                if not hasattr(task, "seconds"):
                    raise
                told.reconnects += watch == exchange.watch_my_trades
                await asyncio.sleep(0.1)

    def hear(trades: list) -> None:
        for each in trades:
            told.hear(each["info"])

    following = [
        asyncio.create_task(follow(exchange.watch_order_book, lambda book: None)),
        asyncio.create_task(follow(exchange.watch_my_trades, hear)),
        asyncio.create_task(follow(exchange.watch_orders, lambda orders: states.update((each["id"], each) for each in orders))),
    ]
    market = Market(exchange, symbol, task.amount)
    await until(lambda: market.book()[0] or any(each.done() for each in following), "a book")
    # ccxt does not say when its user stream has begun: an order that trades nothing is sent until one is told.
    while not states:
        try:
            bid, _ = await market.prices()
            await market.rest("BUY", exchange.price_to_precision(symbol, bid * 0.9))
        except BaseError as error:  # the market may begin anew meanwhile
            print(f"before it begins: {error!r}", flush=True)
            await asyncio.sleep(0.1)
    report = await carry_out(market, told, task)
    for each in following:
        each.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    return report


run(trade)
