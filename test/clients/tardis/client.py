"""Reads a market through tardis-client, builds its book by Binance's rules, and prints what it has as JSON.

Arguments: the cluster's address, the exchange, the symbol in lower case, the first minute, the minute after the last, and a folder for the client's files.
"""

import asyncio
import json
import sys
from decimal import Decimal

from tardis_client import Channel, TardisClient

url, exchange, symbol, first, after, folder = sys.argv[1:]


async def main() -> None:
    client = TardisClient(endpoint=f"{url}/tardis", cache_dir=folder, api_key="none")
    channels = [Channel(name, [symbol]) for name in ("trade", "depth", "depthSnapshot")]
    trades, amount, snapshots, diffs, gaps = 0, Decimal(0), 0, 0, 0
    books: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
    last = None
    times = []
    async for received, message in client.replay(exchange, first, after, channels):
        times.append(received)
        data = message["data"]
        if message["stream"].endswith("@trade"):
            trades += 1
            amount += Decimal(data["q"])
        elif message["stream"].endswith("@depthSnapshot"):
            snapshots += 1
            if last is None:
                books = {key: {Decimal(p): Decimal(q) for p, q in data[name]} for key, name in (("b", "bids"), ("a", "asks"))}
                last = data["lastUpdateId"] - 1
            gaps += data["lastUpdateId"] != last + 1
        else:
            diffs += 1
            gaps += data["U"] != last + 1
            last = data["u"]
            for key in ("b", "a"):
                for price, size in data[key]:
                    books[key][Decimal(price)] = Decimal(size)
    levels = {key: sorted((p, q) for p, q in side.items() if q > 0) for key, side in books.items()}
    print(json.dumps({
        "trades": trades,
        "amount": str(amount),
        "snapshots": snapshots,
        "diffs": diffs,
        "gaps": gaps,
        "ordered": times == sorted(times),
        "bids": [[str(price), str(size)] for price, size in reversed(levels["b"])],
        "asks": [[str(price), str(size)] for price, size in levels["a"]],
    }))


asyncio.run(main())
