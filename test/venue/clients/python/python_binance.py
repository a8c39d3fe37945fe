"""python-binance: orders by requests, trades by the user socket, the book by its depth cache."""

import asyncio

from binance import AsyncClient, BinanceSocketManager, DepthCacheManager, FuturesDepthCacheManager
from python_binance_venue import connected
from task import run, until
from trading import Told, carry_out, trade_form

QUEUE = 10_000
"""Messages that may wait while it asks for a snapshot. Its own limit of 100 is a second of `@depth@100ms` at ten times the speed; beyond it, it stops for good."""


class SpotMarket:
    user_socket_returns = False
    """Whether its user socket connects again by itself."""

    def __init__(self, client: AsyncClient, sockets: BinanceSocketManager, task) -> None:
        self.client, self.sockets, self.symbol = client, sockets, task.symbol
        self.order = {"symbol": task.symbol, "quantity": task.amount, "newOrderRespType": "RESULT"}
        self.info, self.klines, self.account = client.get_exchange_info, client.get_klines, client.get_account
        self.depth, self.create, self.cancel = client.get_order_book, client.create_order, client.cancel_order
        self.my_trades, self.open_orders = client.get_my_trades, client.get_open_orders
        self.user_socket = sockets.user_socket
        self.cache = None

    def depth_cache(self):
        return DepthCacheManager(self.client, self.symbol, bm=self.sockets, limit=5_000, ws_interval=100)

    async def prices(self):
        book = await self.depth(symbol=self.symbol, limit=5)
        return book["bids"][0][0], book["asks"][0][0]

    async def market(self, side: str) -> str:
        return (await self.create(**self.order, side=side, type="MARKET"))["status"]

    async def rest(self, side: str, price: str) -> str:
        placed = await self.create(**self.order, side=side, type="LIMIT", timeInForce="GTC", price=price)
        return (await self.cancel(symbol=self.symbol, orderId=placed["orderId"]))["status"]

    async def trades(self) -> list[dict]:
        return [*map(trade_form, await self.my_trades(symbol=self.symbol, limit=1000))]

    async def open(self) -> int:
        return len(await self.open_orders(symbol=self.symbol))

    def book(self):
        kept = self.cache and self.cache.get_depth_cache()
        return (kept.get_bids()[:20], kept.get_asks()[:20]) if kept else ([], [])


class SpotLists(SpotMarket):
    """Spot, where it also sends order lists."""

    async def list(self, above: str, below: str) -> str:
        """An OCO that sells at a price above the market or below it, and its cancel; the list's status."""
        pair = {"aboveType": "LIMIT_MAKER", "abovePrice": above, "belowType": "STOP_LOSS", "belowStopPrice": below}
        placed = await self.client.create_oco_order(**self.order, side="SELL", **pair)
        named = {"symbol": self.symbol, "orderListId": placed["orderListId"]}
        return (await self.client.v3_delete_order_list(**named))["listOrderStatus"]


class FuturesMarket(SpotMarket):
    user_socket_returns = True

    def __init__(self, client: AsyncClient, sockets: BinanceSocketManager, task) -> None:
        super().__init__(client, sockets, task)
        self.info, self.klines = client.futures_exchange_info, client.futures_klines
        self.account, self.depth = client.futures_account, client.futures_order_book
        self.create, self.cancel = client.futures_create_order, client.futures_cancel_order
        self.my_trades, self.open_orders = client.futures_account_trades, client.futures_get_open_orders
        self.user_socket = sockets.futures_user_socket

    def depth_cache(self):
        """It has the ten best levels of each side."""
        return FuturesDepthCacheManager(self.client, self.symbol, bm=self.sockets)


async def trade(task) -> dict | None:
    client, sockets = await connected(task.url, task.apiKey, task.secret, max_queue_size=QUEUE)
    market = (SpotLists if task.market == "spot" else FuturesMarket)(client, sockets, task)
    told = Told()
    assert [each["symbol"] for each in (await market.info())["symbols"]] == [task.symbol]
    assert await market.klines(symbol=task.symbol, interval="1m")
    assert await market.account()
    following = [asyncio.create_task(listen(market, told)), asyncio.create_task(keep_book(market))]
    try:
        await until(lambda: market.book()[0] and told.is_open, "book and user stream")
        return await carry_out(market, told, task)
    finally:
        for each in following:
            each.cancel()
        await asyncio.wait(following, timeout=5)  # to close a socket while it connects waits for ever, and hides why this ends
        await client.close_connection()


async def listen(market: SpotMarket, told: Told) -> None:
    """Hears the user socket. One that says that its connection is lost is opened again, unless it comes back by itself: to close it while it connects waits for ever."""
    while True:
        try:
            async with market.user_socket() as user:
                told.is_open = True
                while True:
                    event = await user.recv()
                    if event.get("e") != "error":
                        told.hear(event["o"] if event.get("e") == "ORDER_TRADE_UPDATE" else event)
                    elif not market.user_socket_returns:
                        break
                    elif event["type"] == "BinanceWebsocketClosed":
                        told.reconnects += 1
        except Exception as error:
            print(f"the user socket: {error!r}", flush=True)
        told.reconnects += 1
        await asyncio.sleep(0.5)


async def keep_book(market: SpotMarket) -> None:
    """Keeps the depth cache, which connects again by itself once it has begun."""
    while True:
        try:
            async with market.depth_cache() as market.cache:
                while True:
                    await market.cache.recv()
        except Exception as error:
            print(f"the depth cache: {error!r}", flush=True)
            await asyncio.sleep(0.5)


run(trade)
