"""What the sources of recordings say, as messages of one shape. Numbers stay the text of the source."""

import gzip
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal


@dataclass(slots=True)
class Book:
    """Levels are [price, amount]; an amount of 0 removes the level."""

    symbol: str
    bids: list
    asks: list
    received: int  # nanoseconds since 1970, as all times here
    time: int | None = None  # by the venue's clock; None if the message has none
    whole: bool = False  # all levels, not changes
    ids: tuple = (None, None, None)  # first, last and previous
    repeats: bool = False  # the same text as the book before it


@dataclass(slots=True)
class Trade:
    symbol: str
    id: str  # empty if there is none
    side: str  # the taker's
    price: str
    amount: str
    received: int
    time: int
    excluded: bool = False  # none of the market, or from before the recording
    said_with_book: bool = False  # one message says it and the book before it


def decimal_ns(seconds: str) -> int:
    return int(Decimal(seconds).scaleb(9))


def iso_ns(text: str) -> int:
    whole, _, fraction = text.rstrip("Z").partition(".")
    at = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(at.timestamp()) * 10**9 + int(fraction.ljust(9, "0") or 0)


def parse(text: str):
    # Numbers as they are written: a double would hide what a rounded one loses.
    return json.loads(text, parse_float=str, parse_int=str)


def text_lines(path: str):
    opened = gzip.open if open(path, "rb").read(2) == b"\x1f\x8b" else open
    with opened(path, "rt") as file:
        for line in file:
            yield line.rstrip("\n")


def csv_rows(path: str):
    lines = text_lines(path)
    names = next(lines).split(",")
    for line in lines:
        yield dict(zip(names, line.split(",")))


def milliseconds(*texts) -> int | None:
    for text in texts:
        if text is not None:
            return int(text) * 10**6
    return None


def binance_message(message: dict, received: int, symbol: str = ""):
    if "lastUpdateId" in message:
        time = milliseconds(message.get("T"), message.get("E"))
        ids = (None, int(message["lastUpdateId"]), None)
        yield Book(symbol, message["bids"], message["asks"], received, time, True, ids)
        return
    data = message["data"]
    if data.get("e") == "depthUpdate":
        previous = data.get("pu")
        ids = (int(data["U"]), int(data["u"]), None if previous is None else int(previous))
        yield Book(data["s"], data["b"], data["a"], received, milliseconds(data.get("T"), data["E"]), ids=ids)
    elif data.get("e") in ("trade", "aggTrade"):
        number = data["t"] if data["e"] == "trade" else data["a"]
        side = "sell" if data["m"] else "buy"
        other = data.get("X", "MARKET") != "MARKET"
        yield Trade(data["s"], number, side, data["p"], data["q"], received, milliseconds(data["T"]), other)


def binance(paths):
    """RECEIVE_TIME JSON lines of one instrument, in micro- or nanoseconds."""
    found = []
    for path in paths:
        for line in text_lines(path):
            time, _, text = line.partition(" ")
            found += binance_message(parse(text), int(time) * (1000 if len(time) == 16 else 1))
    symbol = next(message.symbol for message in found if message.symbol)
    for message in found:
        message.symbol = symbol
    return found


def binance_archiver(paths):
    found, depth = [], None
    for path in sorted(paths):
        for row in csv_rows(path):
            received = int(row["TimestampOfReceive"]) * 1000
            if "IsAsk" not in row:
                side = "sell" if row["IsBuyerMarketMaker"] == "1" else "buy"
                time = int(row["TransactionTime"]) * 1000
                found.append(Trade(row["Symbol"], row["TradeId"], side, row["Price"], row["Quantity"], received, time))
                continue
            ids = (int(row["FirstUpdateId"]), int(row["FinalUpdateId"]), None)
            if depth is None or depth.ids != ids:
                depth = Book(row["Symbol"], [], [], received, int(row["EventTime"]) * 1000, ids=ids)
                found.append(depth)
            (depth.asks if row["IsAsk"] == "1" else depth.bids).append([row["Price"], row["Quantity"]])
    return sorted(found, key=lambda message: message.received)


def dumped_lines(paths):
    """Lines of cryptofeed's dumps that came in: receive time, address if it was asked for, and text."""
    for path in paths:
        for line in text_lines(path):
            if line.startswith("https://"):
                address, _, answer = line.partition(" -> ")
                time, _, text = answer.partition(": ")
                yield decimal_ns(time), address, text
            elif line and not line.startswith("wss://"):
                time, _, text = line.partition(": ")
                yield decimal_ns(time), "", text


def cryptofeed_binance(paths):
    found = []
    for received, address, text in dumped_lines(paths):
        symbol = address.partition("symbol=")[2].partition("&")[0]
        found += binance_message(parse(text), received, symbol)
    return sorted(found, key=lambda message: message.received)


def cryptofeed_coinbase(paths):
    for received, _, text in dumped_lines(paths):
        message = parse(text)
        symbol, kind = message.get("product_id"), message["type"]
        if kind == "snapshot":
            yield Book(symbol, message["bids"], message["asks"], received, whole=True)
        elif kind == "l2update":
            sides = {"buy": [], "sell": []}
            for side, price, amount in message["changes"]:
                sides[side].append([price, amount])
            yield Book(symbol, sides["buy"], sides["sell"], received, iso_ns(message["time"]))
        elif kind in ("match", "last_match"):
            side = "sell" if message["side"] == "buy" else "buy"  # the message has the maker's
            early = kind == "last_match"
            trade = (message["trade_id"], side, message["price"], message["size"])
            yield Trade(symbol, *trade, received, iso_ns(message["time"]), early)


def cryptofeed_bitmex(paths):
    """Only the first message about a level has its price; later ones have its id."""
    prices = {}
    for received, _, text in dumped_lines(paths):
        message = parse(text)
        heard = received - received % 1000  # book messages have no time: the receive time to microseconds
        for symbol in dict.fromkeys(row["symbol"] for row in message.get("data", [])):
            rows = [row for row in message["data"] if row["symbol"] == symbol]
            if message["table"] == "trade":
                for row in rows:
                    trade = (row["trdMatchID"], row["side"].lower(), row["price"], row["size"])
                    yield Trade(symbol, *trade, received, heard, message["action"] == "partial")
            if message["table"] != "orderBookL2":
                continue
            sides = {"Buy": [], "Sell": []}
            for row in rows:
                key = (symbol, row["id"])
                prices.setdefault(key, row.get("price"))
                amount = "0" if message["action"] == "delete" else row["size"]
                sides[row["side"]].append([prices[key], amount])
                if message["action"] == "delete":
                    del prices[key]
            yield Book(symbol, sides["Buy"], sides["Sell"], received, heard, message["action"] == "partial")


def hyperliquid(paths):
    before = ""
    for path in paths:
        for line in text_lines(path):
            time, _, text = line.partition(" ")
            message = parse(text)
            data = message["data"]
            if message["channel"] == "l2Book":
                bids, asks = ([[level["px"], level["sz"]] for level in side] for side in data["levels"])
                repeats = text == before
                yield Book(data["coin"], bids, asks, int(time), milliseconds(data["time"]), True, repeats=repeats)
                before = text
            elif message["channel"] == "trades":
                for row in data:
                    side = "buy" if row["side"] == "B" else "sell"
                    trade = (row["tid"], side, row["px"], row["sz"])
                    yield Trade(row["coin"], *trade, int(time), milliseconds(row["time"]))


def lob_250ms(paths):
    for path in sorted(paths):
        for row in csv_rows(path):
            cells = [row[str(column)] for column in range(2, 42)]
            levels = [cells[at : at + 2] for at in range(0, 40, 2)]
            time = milliseconds(row["0"])
            yield Book("BTCUSDT", levels[:10], levels[10:], time, time, True)


def lobster(paths):
    """Row n of the orderbook file is the book after message n. Prices are ten-thousandths of a dollar."""
    midnight = 1340251200 * 10**9  # of 2012-06-21 in New York
    dollars = lambda price: str(Decimal(price).scaleb(-4))
    messages, books = sorted(paths, key=lambda path: "orderbook" in path)
    for message, book in zip(text_lines(messages), text_lines(books), strict=True):
        seconds, kind, _, size, price, direction = message.split(",")
        time = midnight + decimal_ns(seconds)
        cells = book.split(",")
        levels = [[dollars(cells[at]), cells[at + 1]] for at in range(0, len(cells), 2)]
        real = lambda side: [level for level in side if level[1] != "0"]
        yield Book("AAPL", real(levels[1::2]), real(levels[0::2]), time, time, True)
        if kind in ("4", "5"):
            side = "sell" if direction == "1" else "buy"  # the message has the resting order's
            yield Trade("AAPL", "", side, dollars(price), size, time, time, said_with_book=True)


def tardis(paths):
    """Whole books and best prices, of one instrument."""
    for path in paths:
        for row in csv_rows(path):
            time, received = int(row["timestamp"]) * 1000, int(row["local_timestamp"]) * 1000
            if "bid_price" in row:
                bids, asks = [[row["bid_price"], row["bid_amount"]]], [[row["ask_price"], row["ask_amount"]]]
            else:
                level = lambda side, at: [row[f"{side}[{at}].price"], row[f"{side}[{at}].amount"]]
                depth = sum(name.startswith("bids") for name in row) // 2
                bids, asks = ([level(side, at) for at in range(depth)] for side in ("bids", "asks"))
            yield Book(row["symbol"], bids, asks, received, time, True)


formats = {
    reader.__name__: reader
    for reader in (
        binance,
        binance_archiver,
        cryptofeed_binance,
        cryptofeed_bitmex,
        cryptofeed_coinbase,
        hyperliquid,
        lob_250ms,
        lobster,
        tardis,
    )
}
