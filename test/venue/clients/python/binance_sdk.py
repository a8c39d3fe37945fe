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
from task import orders_of, report, run, until, ws_of


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


class SpotMarket:
    def __init__(self, task) -> None:
        client = Spot(**configured(task, "ws-api/v3"))
        self.rest, self.api, self.streams = client.rest_api, client.websocket_api, client.websocket_streams
        self.info, self.klines, self.account = self.rest.exchange_info, self.rest.klines, self.rest.get_account
        self.book, self.cancel = self.rest.depth, self.rest.delete_order
        self.trades, self.open_orders = self.rest.my_trades, self.rest.get_open_orders
        self.place_over_socket, self.depth_stream = self.api.order_place, self.streams.diff_book_depth

    async def user_stream(self):
        return (await self.api.user_data_stream_subscribe_signature()).stream

    def order_of(self, event):
        return event


class FuturesMarket:
    def __init__(self, task) -> None:
        client = DerivativesTradingUsdsFutures(**configured(task, "ws-fapi/v1"))
        self.rest, self.api, self.streams = client.rest_api, client.websocket_api, client.websocket_streams
        self.info, self.klines = self.rest.exchange_information, self.rest.kline_candlestick_data
        self.account = self.rest.account_information_v3
        self.book, self.cancel = self.rest.order_book, self.rest.cancel_order
        self.trades, self.open_orders = self.rest.account_trade_list, self.rest.current_all_open_orders
        self.place_over_socket, self.depth_stream = self.api.new_order, self.streams.diff_book_depth_streams

    async def user_stream(self):
        return await self.streams.user_data((await asked(self.rest.start_user_data_stream)).listen_key)

    def order_of(self, event):
        return getattr(event, "o", None)


async def trade(task) -> dict:
    market = (SpotMarket if task.market == "spot" else FuturesMarket)(task)
    symbol = task.symbol
    assert [each.symbol for each in (await asked(market.info)).symbols] == [symbol]
    assert await asked(market.klines, symbol=symbol, interval="1m")
    await asked(market.account)
    await market.api.create_connection()
    await market.streams.create_connection()
    told, updates = set(), []

    def hear(event) -> None:
        order = market.order_of(event.actual_instance)
        if getattr(order, "x", None) == "TRADE":
            told.add(str(order.t))

    (await market.user_stream()).on("message", hear)
    (await market.depth_stream(symbol=symbol.lower())).on("message", updates.append)
    await until(lambda: len(updates) > 2, "updates of the book")

    await place(market, await asked(market.book, symbol=symbol, limit=5), task)
    trades = await asked(market.trades, symbol=symbol, limit=1000)
    await until(lambda: len(told) >= len(trades), "trades of the user stream")
    open_orders = await asked(market.open_orders, symbol=symbol)
    await market.api.close_connection(close_session=True)
    await market.streams.close_connection(close_session=True)
    return report([form(each) for each in trades], told, len(open_orders))


async def place(market, book, task) -> None:
    for nth, (side, price) in enumerate(orders_of(task.orders, book.bids[0][0], book.asks[0][0])):
        order = {"symbol": task.symbol, "side": side, "quantity": float(task.amount), "new_order_resp_type": "RESULT"}
        if price is None:
            order |= {"type": "MARKET"}
        else:
            order |= {"type": "LIMIT", "time_in_force": "GTC", "price": float(price)}
        if nth % 2 == 0:
            placed = (await market.place_over_socket(**order)).data().result
        else:
            placed = await asked(market.rest.new_order, **order)
        if price is None:
            assert placed.status == "FILLED", placed
        else:
            canceled = await asked(market.cancel, symbol=task.symbol, order_id=placed.order_id)
            assert canceled.status == "CANCELED", canceled


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
