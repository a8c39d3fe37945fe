"""The books that clients keep by their own code. Prints all of them, in the order of the tasks, for each line of the standard input."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

from task import stdin_lines, tasks, ws_of

LEVELS = 20


@asynccontextmanager
async def ccxt_pro(task):
    from ccxt_venue import connected

    exchange = connected(task.market, task.url)
    await exchange.load_markets()
    symbol = next(each["symbol"] for each in exchange.markets.values() if each["id"] == task.symbol)

    async def follow():
        from ccxt.base.errors import ChecksumError, NetworkError

        while True:
            try:
                await exchange.watch_order_book(symbol)
            except (NetworkError, ChecksumError):  # its users watch again; a venue that restarts closes the socket
                await asyncio.sleep(0.1)

    def book():
        kept = exchange.orderbooks.get(symbol)
        return (kept["bids"][:LEVELS], kept["asks"][:LEVELS]) if kept else ([], [])

    async with following(follow):
        yield book
    await exchange.close()


@asynccontextmanager
async def unicorn(task):
    """unicorn-binance-local-depth-cache, which holds itself to the venue's rules, and says when it is out of sync."""
    from unicorn_binance_local_depth_cache import BinanceLocalDepthCacheManager, DepthCacheOutOfSync
    from unicorn_binance_rest_api import BinanceRestApiManager

    class Requests(BinanceRestApiManager):
        def _create_api_uri(self, path, signed=True, version="v3"):
            return f"{task.url}/api/v3/{path}"

        def _create_futures_api_uri(self, path, version=1):
            return f"{task.url}/fapi/v{version}/{path}"

    exchange = "binance.com" if task.market == "spot" else "binance.com-futures"
    quiet = {"exchange": exchange, "warn_on_update": False}
    requests = await asyncio.to_thread(Requests, **quiet)
    cache = BinanceLocalDepthCacheManager(**quiet, ubra_manager=requests, depth_cache_update_interval=100)
    cache.ubwa.websocket_base_uri = f"{ws_of(task.url)}/"
    cache.create_depthcache(markets=task.symbol)

    def book():
        try:
            sides = cache.get_bids(market=task.symbol), cache.get_asks(market=task.symbol)
            return tuple([[float(price), float(size)] for price, size in side] for side in sides)
        except DepthCacheOutOfSync:
            return [], []

    yield book
    await asyncio.to_thread(cache.stop_manager)


@asynccontextmanager
async def following(follow):
    """Runs something beside, which ends the program if it fails."""
    task = asyncio.create_task(follow())
    main = asyncio.current_task()
    task.add_done_callback(lambda done: None if done.cancelled() else main.cancel(f"{done.exception()!r}"))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


CLIENTS = {"ccxt.pro": ccxt_pro, "unicorn": unicorn}


async def main() -> None:
    async with AsyncExitStack() as stack:
        books = await asyncio.gather(*(stack.enter_async_context(CLIENTS[task.client](task)) for task in tasks()))
        async for _ in stdin_lines():
            sides = [[side[:LEVELS] for side in book()] for book in books]
            print(json.dumps([{"bids": bids, "asks": asks} for bids, asks in sides]), flush=True)


asyncio.run(main())
