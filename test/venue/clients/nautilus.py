"""A trading node of nautilus_trader with its own Binance adapter, at a session's venue. Its last line is a report, as JSON.

Its argument is a task, as task.mjs has it, with `api` and `session`, to operate the deck, and `phase`: "trade" leaves an order open, with which
"resume" finds itself after its start.
"""

import asyncio
import datetime
import json
import os
import sys
from decimal import Decimal
from urllib.request import Request, urlopen

from nautilus_trader import __version__
from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import BookType, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.trading.strategy import Strategy

task = json.loads(sys.argv[1])
is_spot = task["market"] == "spot"
venue = task[task["market"]]
sockets = venue.replace("http", "ws", 1)
instrument_id = InstrumentId.from_str(f"{task['symbol']}{'' if is_spot else '-PERP'}.{BINANCE}")
bar_type = BarType.from_str(f"{instrument_id}-1-MINUTE-LAST-EXTERNAL")
# Since 1.222 user data comes by the WebSocket API, and stops are futures' algo orders: at Binance, too, they are refused elsewhere.
is_newer = "base_url_ws_stream" in BinanceExecClientConfig.__struct_fields__
timeout = 60


class Rehearsal(Strategy):
    """Notes what it is told. Its orders come from outside, one after the other."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="REHEARSAL-001", external_order_claims=[instrument_id]))
        self.seen = {"deltas": 0, "trades": 0, "quotes": 0, "bars": 0, "history": 0}
        self.fills = []
        self.refused = []
        self.changed = asyncio.Event()

    def on_start(self) -> None:
        self.subscribe_order_book_deltas(instrument_id, BookType.L2_MBP)
        self.subscribe_trade_ticks(instrument_id)
        self.subscribe_quote_ticks(instrument_id)
        self.subscribe_bars(bar_type)

    def count(self, what: str) -> None:
        self.seen[what] += 1
        self.changed.set()

    def on_order_book_deltas(self, deltas) -> None:
        self.count("deltas")

    def on_trade_tick(self, tick) -> None:
        self.count("trades")

    def on_quote_tick(self, tick) -> None:
        self.count("quotes")

    def on_bar(self, bar) -> None:
        self.count("bars")

    def on_historical_data(self, data) -> None:
        self.count("history")

    def on_order_filled(self, event) -> None:
        self.fills.append(event)

    def on_order_rejected(self, event) -> None:
        self.refused.append(event.reason)

    def on_order_event(self, event) -> None:
        self.changed.set()

    async def until(self, is_so, what: str) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not is_so():
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise RuntimeError(f"no {what} in time; seen {self.seen}, refused {self.refused}") from None

    async def send(self, order, status: OrderStatus) -> None:
        self.submit_order(order)
        await self.until(lambda: order.status == status, f"{status.name} of {order.order_type.name} {order.client_order_id}")

    async def end(self, order) -> None:
        self.cancel_order(order)
        await self.until(lambda: order.status == OrderStatus.CANCELED, f"cancel of {order.client_order_id}")


class ExecFactory(BinanceLiveExecClientFactory):
    """Keeps the client, for requests of its own."""

    client = None

    @staticmethod
    def create(*args, **kwargs):
        ExecFactory.client = BinanceLiveExecClientFactory.create(*args, **kwargs)
        return ExecFactory.client


async def trade(strategy: Rehearsal) -> None:
    """Orders of each kind in turn. The last one is refused, and the one after it stays open."""
    factory, instrument = strategy.order_factory, strategy.cache.instrument(instrument_id)
    amount = instrument.make_qty(Decimal(task["amount"]))
    middle = float(strategy.cache.order_book(instrument_id).midpoint())

    def price(part: float):
        return instrument.make_price(middle * (1 + part))

    for number in range(task["orders"]):
        side, sign = (OrderSide.BUY, 1) if number % 2 == 0 else (OrderSide.SELL, -1)
        kind = number % 6
        if kind in (0, 1, 3):
            await strategy.send(factory.market(instrument_id, side, amount), OrderStatus.FILLED)
            continue
        if kind == 2 or (kind == 5 and not is_spot and not is_newer):
            order = factory.limit(instrument_id, side, amount, price(-0.1 * sign))
        elif kind == 4:
            order = factory.limit(instrument_id, side, amount, price(-0.1 * sign), post_only=True)
        elif is_spot or number % 12 == 5:
            order = factory.stop_limit(instrument_id, side, amount, price(0.12 * sign), price(0.1 * sign))
        else:
            order = factory.stop_market(instrument_id, side, amount, price(0.1 * sign))
        await strategy.send(order, OrderStatus.ACCEPTED)
        await strategy.end(order)
    taking = factory.limit(instrument_id, OrderSide.BUY, amount, price(0.01), post_only=True)
    await strategy.send(taking, OrderStatus.REJECTED)
    await strategy.send(factory.limit(instrument_id, OrderSide.BUY, amount, price(-0.1)), OrderStatus.ACCEPTED)


def ask(method: str, url: str, body: object = None):
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"content-type": "application/json"}, method=method), timeout=30) as answer:
        return json.load(answer)


async def on_the_deck(command: str, body: object = None):
    return await asyncio.to_thread(ask, "POST", f"{task['api']}/replay/{command}/{task['session']}", body)


def level(price, size) -> tuple[Decimal, Decimal]:
    return Decimal(str(price)), Decimal(str(size))


async def compare_books(strategy: Rehearsal) -> int:
    """The owner pauses and moves on to where a minute ends. The node connects again, and has the venue's book: how many levels."""
    paused = await on_the_deck("pause")
    at = datetime.datetime.fromisoformat(paused["cursor_ts"])
    to = at.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1, seconds=-3)
    if to <= at:
        to += datetime.timedelta(minutes=1)
    await on_the_deck("seek", {"ts": to.strftime("%Y-%m-%dT%H:%M:%SZ")})
    path = f"api/v3/depth?limit=1000&symbol={task['symbol']}" if is_spot else f"fapi/v1/depth?limit=1000&symbol={task['symbol']}"
    there = await asyncio.to_thread(ask, "GET", f"{venue}/{path}")
    wanted = [[level(*each) for each in there[side]] for side in ("bids", "asks")]

    def is_same() -> bool:
        book = strategy.cache.order_book(instrument_id)
        return [[level(each.price, each.orders()[0].size) for each in side] for side in (book.bids(), book.asks())] == wanted

    await strategy.until(is_same, "book like the venue's")
    await on_the_deck("resume")
    return sum(len(side) for side in wanted)


def configured() -> TradingNodeConfig:
    common = {
        "api_key": task["apiKey"],
        "api_secret": task["secret"],
        "account_type": BinanceAccountType.SPOT if is_spot else BinanceAccountType.USDT_FUTURES,
        "base_url_http": venue,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    of_account = {"base_url_ws": sockets}
    if is_newer:
        of_account = {
            "base_url_ws": f"{sockets}/ws-api/v3" if is_spot else f"{sockets}/ws-fapi/v1",
            "base_url_ws_stream": f"{sockets}/private/ws",
        }
    return TradingNodeConfig(
        trader_id=TraderId("REHEARSAL-001"),
        logging=LoggingConfig(log_level=os.environ.get("NAUTILUS_LOG", "OFF")),
        exec_engine=LiveExecEngineConfig(reconciliation=True),
        data_clients={BINANCE: BinanceDataClientConfig(**common, base_url_ws=sockets)},
        exec_clients={BINANCE: BinanceExecClientConfig(**common, **of_account)},
        timeout_disconnection=3,
        timeout_post_stop=0.5,
    )


async def main() -> None:
    node = TradingNode(config=configured(), loop=asyncio.get_running_loop())
    strategy = Rehearsal()
    node.trader.add_strategy(strategy)
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.add_exec_client_factory(BINANCE, ExecFactory)
    node.build()
    asyncio.ensure_future(node.run_async())
    await strategy.until(lambda: all(strategy.seen[what] for what in ("deltas", "trades", "quotes")), "market data")
    found = [order.venue_order_id.value for order in strategy.cache.orders_open()]
    levels = 0
    if task["phase"] == "trade":
        await trade(strategy)
        levels = await compare_books(strategy)
        # Its streams of the market and of the account go on.
        await strategy.until(lambda: strategy.seen["bars"] > 0, "bars")
        strategy.request_bars(bar_type, start=strategy.clock.utc_now() - datetime.timedelta(hours=1))
        await strategy.until(lambda: strategy.seen["history"] > 0, "bars of the past")
        amount = strategy.cache.instrument(instrument_id).make_qty(Decimal(task["amount"]))
        await strategy.send(strategy.order_factory.market(instrument_id, OrderSide.BUY, amount), OrderStatus.FILLED)
    else:
        for order in strategy.cache.orders_open():
            await strategy.end(order)
    client = ExecFactory.client
    requested = await client._http_account.query_user_trades(symbol=task["symbol"], limit=1000)
    report = {
        "version": __version__,
        "trades": [
            {
                "id": f"{each.id}",
                "order": f"{each.orderId}",
                "side": "buy" if each.isBuyer or each.buyer else "sell",
                "price": each.price,
                "amount": each.qty,
                "fee": each.commission,
            }
            for each in requested
        ],
        "told": [
            {
                "id": each.trade_id.value,
                "order": each.venue_order_id.value,
                "side": "buy" if each.is_buy else "sell",
                "price": f"{each.last_px}",
                "amount": f"{each.last_qty}",
                "fee": f"{each.commission.as_decimal()}",
            }
            for each in strategy.fills
        ],
        "found": found,
        "open": len(strategy.cache.orders_open()),
        "refused": strategy.refused,
        "levels": levels,
        "position": f"{strategy.portfolio.net_position(instrument_id)}",
        "balances": {f"{asset}": f"{total.as_decimal()}" for asset, total in client.get_account().balances_total().items()},
    }
    print(json.dumps(report), flush=True)
    os._exit(0)  # what it has stopped is its own loop


try:
    asyncio.run(main())
except Exception as error:
    print(repr(error), file=sys.stderr, flush=True)
    os._exit(1)
