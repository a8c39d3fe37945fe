"""binance-sdk-spot and binance-sdk-derivatives-trading-usds-futures, the exchange's own.

Orders by requests and over the WebSocket API in turn; trades by the user data stream, the book by a stream.
"""

import asyncio

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_spot.spot import Spot
from local_book import LocalBook
from task import run, until, ws_of
from trading import Told, carry_out


def configured(task, api: str) -> dict:
    keys = {"api_key": task.apiKey, "api_secret": task.secret}
    return {
        "config_rest_api": ConfigurationRestAPI(**keys, base_path=task.url, timeout=10_000),
        "config_ws_api": ConfigurationWebSocketAPI(**keys, stream_url=f"{ws_of(task.url)}/{api}", timeout=10_000),
        "config_ws_streams": ConfigurationWebSocketStreams(stream_url=ws_of(task.url)),
    }


async def asked(method, **parameters):
    """The answer to a request, which would keep the event loop waiting."""
    return (await asyncio.to_thread(method, **parameters)).data()


class Market:
    """What both packages have in common."""

    levels = 5_000

    def __init__(self, task, client) -> None:
        self.rest_api, self.api, self.streams = client.rest_api, client.websocket_api, client.websocket_streams
        self.symbol, self.placed, self.is_api_open = task.symbol, 0, False
        self.order = {"symbol": task.symbol, "quantity": float(task.amount), "new_order_resp_type": "RESULT"}
        self.local_book = LocalBook(task.market == "spot", self.snapshot)

    async def snapshot(self):
        book = await asked(self.depth, symbol=self.symbol, limit=self.levels)
        return book.last_update_id, book.bids, book.asks

    async def prices(self):
        book = await asked(self.depth, symbol=self.symbol, limit=5)
        return book.bids[0][0], book.asks[0][0]

    async def market(self, side: str) -> str:
        return (await self.place(**self.order, side=side, type="MARKET")).status

    async def rest(self, side: str, price: str) -> str:
        order = self.order | {"side": side, "type": "LIMIT", "time_in_force": "GTC", "price": float(price)}
        placed = await self.place(**order)
        return (await asked(self.cancel, symbol=self.symbol, order_id=placed.order_id)).status

    async def place(self, **order):
        """By each way in turn."""
        self.placed += 1
        if self.placed % 2 == 0 and self.is_api_open:
            return (await self.place_over_socket(**order)).data().result
        return await asked(self.rest_api.new_order, **order)

    async def trades(self) -> list[dict]:
        return [form(each) for each in await asked(self.my_trades, symbol=self.symbol, limit=1000)]

    async def open(self) -> int:
        return len(await asked(self.open_orders, symbol=self.symbol))

    def book(self):
        return self.local_book.best()


class SpotMarket(Market):
    def __init__(self, task) -> None:
        super().__init__(task, Spot(**configured(task, "ws-api/v3")))
        rest = self.rest_api
        self.info, self.klines, self.account = rest.exchange_info, rest.klines, rest.get_account
        self.depth, self.cancel = rest.depth, rest.delete_order
        self.my_trades, self.open_orders = rest.my_trades, rest.get_open_orders
        self.place_over_socket, self.depth_stream = self.api.order_place, self.streams.diff_book_depth

    async def user_stream(self):
        return (await self.api.user_data_stream_subscribe_signature()).stream

    def order_of(self, event):
        return event


class FuturesMarket(Market):
    levels = 1_000

    def __init__(self, task) -> None:
        super().__init__(task, DerivativesTradingUsdsFutures(**configured(task, "ws-fapi/v1")))
        rest = self.rest_api
        self.info, self.klines = rest.exchange_information, rest.kline_candlestick_data
        self.account = rest.account_information_v3
        self.depth, self.cancel = rest.order_book, rest.cancel_order
        self.my_trades, self.open_orders = rest.account_trade_list, rest.current_all_open_orders
        self.place_over_socket, self.depth_stream = self.api.new_order, self.streams.diff_book_depth_streams

    async def user_stream(self):
        return await self.streams.user_data((await asked(self.rest_api.start_user_data_stream)).listen_key)

    def order_of(self, event):
        return getattr(event, "o", None)


async def trade(task) -> dict | None:
    market = (SpotMarket if task.market == "spot" else FuturesMarket)(task)
    assert [each.symbol for each in (await asked(market.info)).symbols] == [task.symbol]
    assert await asked(market.klines, symbol=task.symbol, interval="1m")
    await asked(market.account)
    told = Told()
    following = asyncio.create_task(follow(market, told, task.symbol.lower()))
    await until(lambda: market.book()[0] or following.done(), "a local book")
    report = await carry_out(market, told, task)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    return report


async def follow(market: Market, told: Told, symbol: str) -> None:
    """Hears the streams. A connection that the venue closes is the user's to open again, with its subscriptions."""

    def hear(event) -> None:
        order = market.order_of(event.actual_instance)
        if getattr(order, "x", None) == "TRADE":
            told.hear(vars(order))

    while True:
        closed = asyncio.Event()
        try:
            await market.api.create_connection()
            await market.streams.create_connection()
            for connected in (market.api, market.streams):
                connected.on_connection("close", closed.set)
            (await market.user_stream()).on("message", hear)
            depth = await market.depth_stream(symbol=symbol, update_speed="100ms")
            depth.on("message", lambda event: market.local_book.hear(vars(event)))
            market.is_api_open = True
            await closed.wait()
        except Exception as error:
            print(f"the streams: {error!r}", flush=True)
        finally:
            market.is_api_open = False
            for connected in (market.api, market.streams):
                await connected.close_connection(close_session=True)
        told.reconnects += 1
        await asyncio.sleep(0.5)


def form(trade) -> dict:
    bought = trade.is_buyer if hasattr(trade, "is_buyer") else trade.buyer
    return {
        "id": str(trade.id),
        "order": str(trade.order_id),
        "side": "buy" if bought else "sell",
        "price": trade.price,
        "amount": trade.qty,
        "fee": trade.commission,
    }


run(trade)
