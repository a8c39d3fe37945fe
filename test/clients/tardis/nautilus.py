"""Reads a market through nautilus_trader's Tardis adapter, as its users do, and prints what it has as JSON.

Arguments: the cluster's address, the exchange, the symbol, the first day and the day after the last.
"""

import asyncio
import datetime
import json
import os
import sys
from decimal import Decimal

url, exchange, symbol, first, after = sys.argv[1:]
os.environ["TARDIS_API_KEY"] = "none"
os.environ["TARDIS_MACHINE_WS_URL"] = url.replace("http", "ws") + "/tardis"

from nautilus_trader.adapters.tardis.common import (  # noqa: E402
    create_instrument_info,
    create_replay_normalized_request_options,
)
from nautilus_trader.adapters.tardis.factories import get_tardis_http_client  # noqa: E402
from nautilus_trader.adapters.tardis.providers import TardisInstrumentProvider  # noqa: E402
from nautilus_trader.core.nautilus_pyo3 import TardisMachineClient  # noqa: E402
from nautilus_trader.model.book import OrderBook  # noqa: E402
from nautilus_trader.model.data import OrderBookDeltas, QuoteTick, TradeTick, capsule_to_data  # noqa: E402
from nautilus_trader.model.enums import BookType  # noqa: E402


async def main() -> None:
    provider = TardisInstrumentProvider(get_tardis_http_client(base_url=f"{url}/tardis/v1"))
    await provider.load_all_async({"venues": {"BINANCE"}})
    instrument = next(
        known for known in provider.list_all()
        if known.raw_symbol.value == symbol and create_instrument_info(known).exchange == exchange
    )
    info = create_instrument_info(instrument)

    def options(*data_types: str):
        dates = [datetime.date.fromisoformat(day) for day in (first, after)]
        return [create_replay_normalized_request_options(exchange, [symbol], *dates, list(data_types))]

    book = OrderBook(instrument.id, BookType.L2_MBP)
    seen = {"trades": 0, "amount": Decimal(0), "turnover": Decimal(0), "deltas": 0, "updates": 0, "crossed": 0}
    ids: list[str] = []
    quotes: list[str] = []

    def take(capsule) -> None:
        data = capsule_to_data(capsule)
        if isinstance(data, TradeTick):
            seen["trades"] += 1
            seen["amount"] += data.size.as_decimal()
            seen["turnover"] += data.size.as_decimal() * data.price.as_decimal()
            ids.append(data.trade_id.value)
        elif isinstance(data, OrderBookDeltas):
            seen["updates"] += 1
            seen["deltas"] += len(data.deltas)
            book.apply_deltas(data)
            if book.best_bid_price() is not None and book.best_ask_price() is not None:
                seen["crossed"] += book.best_bid_price() >= book.best_ask_price()
        elif isinstance(data, QuoteTick):
            quotes.append(f"{data.bid_price} {data.bid_size} {data.ask_price} {data.ask_size}")
        else:
            raise TypeError(type(data))

    client = TardisMachineClient()
    await client.replay([info], options("trade", "book_change"), take)
    levels = {
        "bids": [[str(level.price), str(Decimal(str(level.size())))] for level in book.bids()],
        "asks": [[str(level.price), str(Decimal(str(level.size())))] for level in book.asks()],
    }
    await client.replay([info], options("quote"), take)
    bars = await client.replay_bars([info], options("trade_bar_1m"))
    print(json.dumps({
        **{name: str(value) for name, value in seen.items()},
        "first_id": ids[0],
        "last_id": ids[-1],
        **levels,
        "quotes": len(quotes),
        "last_quote": quotes[-1],
        "bars": [[str(bar.open), str(bar.high), str(bar.low), str(bar.close), str(bar.volume)] for bar in bars],
    }))


asyncio.run(main())
