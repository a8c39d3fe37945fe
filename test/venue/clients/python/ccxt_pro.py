"""ccxt and ccxt.pro: the book, orders and trades of one market, by requests and by streams."""

import asyncio

from ccxt_venue import connected
from task import orders_of, report, run, trade_form, until


async def trade(task) -> dict:
    exchange = connected(task.market, task.url, apiKey=task.apiKey, secret=task.secret)
    try:
        return await trade_at(exchange, task)
    finally:
        await exchange.close()


async def trade_at(exchange, task) -> dict:
    await exchange.load_markets()
    symbol = next(each["symbol"] for each in exchange.markets.values() if each["id"] == task.symbol)
    assert await exchange.fetch_ohlcv(symbol, "1m")
    assert (await exchange.fetch_balance())["total"]
    book = await exchange.watch_order_book(symbol)
    told, states = set(), {}

    async def follow(watch, take) -> None:
        while True:
            for each in await watch(symbol):
                take(each)

    following = [
        asyncio.create_task(follow(exchange.watch_my_trades, lambda each: told.add(each["id"]))),
        asyncio.create_task(follow(exchange.watch_orders, lambda each: states.update({each["id"]: each["status"]}))),
    ]
    # ccxt does not say when its user stream has begun: an order that trades nothing is sent until one is told.
    while not states:
        away = float(exchange.price_to_precision(symbol, book["bids"][0][0] * 0.9))
        order = await exchange.create_order(symbol, "limit", "buy", float(task.amount), away)
        await exchange.cancel_order(order["id"], symbol)
    placed = []
    for side, price in orders_of(task.orders, book["bids"][0][0], book["asks"][0][0]):
        if price is None:
            order = await exchange.create_order(symbol, "market", side.lower(), float(task.amount))
        else:
            order = await exchange.create_order(symbol, "limit", side.lower(), float(task.amount), float(price))
            await exchange.cancel_order(order["id"], symbol)
        placed.append((order["id"], "closed" if price is None else "canceled"))
    for order_id, expected in placed:
        status = (await exchange.fetch_order(order_id, symbol))["status"]
        assert status == expected, f"order {order_id} is {status}"
    trades = await exchange.fetch_my_trades(symbol, None, 1000)
    await until(lambda: len(told) >= len(trades) and len(states) >= len(placed), "the user stream")
    for each in following:
        each.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    open_orders = await exchange.fetch_open_orders(symbol)
    return report([trade_form(each["info"]) for each in trades], told, len(open_orders))


run(trade)
