"""python-binance: orders by requests, trades by the user socket, the book by a depth socket."""

import asyncio

from python_binance_venue import connected
from task import orders_of, report, run, trade_form, until


async def trade(task) -> dict:
    client, sockets = await connected(task.url, task.apiKey, task.secret)
    try:
        return await (spot if task.market == "spot" else futures)(client, sockets, task)
    finally:
        await client.close_connection()


async def spot(client, sockets, task) -> dict:
    symbol, told = task.symbol, set()
    assert [each["symbol"] for each in (await client.get_exchange_info())["symbols"]] == [symbol]
    assert await client.get_klines(symbol=symbol, interval="1m")
    assert (await client.get_account())["balances"]
    async with sockets.user_socket() as user, sockets.depth_socket(symbol) as depth:
        listening = asyncio.create_task(listen(user, told))
        assert (await depth.recv())["e"] == "depthUpdate"
        book = await client.get_order_book(symbol=symbol, limit=5)
        await place(client.create_order, client.cancel_order, book, task)
        trades = await client.get_my_trades(symbol=symbol, limit=1000)
        await until(lambda: len(told) >= len(trades), "trades of the user stream")
        listening.cancel()
    return report([*map(trade_form, trades)], told, len(await client.get_open_orders(symbol=symbol)))


async def futures(client, sockets, task) -> dict:
    symbol, told = task.symbol, set()
    assert [each["symbol"] for each in (await client.futures_exchange_info())["symbols"]] == [symbol]
    assert await client.futures_klines(symbol=symbol, interval="1m")
    assert (await client.futures_account())["assets"]
    async with sockets.futures_user_socket() as user, sockets.futures_depth_socket(symbol) as depth:
        listening = asyncio.create_task(listen(user, told))
        assert (await depth.recv())["data"]["e"] == "depthUpdate"
        book = await client.futures_order_book(symbol=symbol, limit=5)
        await place(client.futures_create_order, client.futures_cancel_order, book, task)
        trades = await client.futures_account_trades(symbol=symbol, limit=1000)
        await until(lambda: len(told) >= len(trades), "trades of the user stream")
        listening.cancel()
    return report([*map(trade_form, trades)], told, len(await client.futures_get_open_orders(symbol=symbol)))


async def place(create, cancel, book: dict, task) -> None:
    for side, price in orders_of(task.orders, book["bids"][0][0], book["asks"][0][0]):
        order = {"symbol": task.symbol, "side": side, "quantity": task.amount, "newOrderRespType": "RESULT"}
        if price is None:
            placed = await create(**order, type="MARKET")
            assert placed["status"] == "FILLED", placed
        else:
            placed = await create(**order, type="LIMIT", timeInForce="GTC", price=price)
            canceled = await cancel(symbol=task.symbol, orderId=placed["orderId"])
            assert canceled["status"] == "CANCELED", canceled


async def listen(user, told: set) -> None:
    """Notes the ids of the trades that the user stream tells."""
    while True:
        event = await user.recv()
        of_order = event["o"] if event["e"] == "ORDER_TRADE_UPDATE" else event
        if of_order.get("x") == "TRADE":
            told.add(str(of_order["t"]))


run(trade)
