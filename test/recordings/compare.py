"""
Compares event tracks with the recordings that they were made of. Nothing of the product is used: messages.py reads the sources, DuckDB the track.

Two books are kept, one of the source's messages and one of the track's rows, in whole units of the last decimal. After each message they
are compared at every price that either of them touched. They were equal before it, so they are equal at full depth if they are equal there; after
whole books, each thousandth message and the last one all levels are compared.

Argument: JSON with `format`, `files`, and `tapes`, a folder by symbol. Prints JSON: the counts of each tape, and what differs.
"""

import json
import sys
from collections import Counter
from decimal import Decimal
from functools import cache

import duckdb
from messages import Book, Trade, formats

shown = 5  # differences of a tape that are printed
whole_each = 1000
effective = ("applied", "again", "derived")
request_limits = {5, 10, 20, 50, 100, 500, 1000, 5000}  # a side of a depth response with so many levels was cut


@cache
def units(text: str, decimals: int) -> int:
    value = Decimal(text).scaleb(decimals)
    if value != int(value):
        raise ValueError(f"{text} has more than {decimals} decimals")
    return int(value)


def stored_units(text: str) -> int:
    return int(text.replace(".", ""))


class Tape:
    def __init__(self, folder: str):
        with open(f"{folder}/manifest.json") as file:
            self.track = json.load(file)["track"]
        self.decimals = (self.track["price_decimals"], self.track["size_decimals"])
        self.folder = folder

    def rows(self, file: str, columns: str):
        database = duckdb.connect(config={"threads": 1})
        times = columns.replace("local_timestamp", "epoch_ns(local_timestamp)")
        times = times.replace("venue_timestamp", "epoch_ns(timestamp)")
        exact = times.replace("price", "price::varchar").replace("amount", "amount::varchar")
        result = database.execute(f"select {exact} from '{self.folder}/{file}.parquet'")
        while batch := result.fetchmany(10_000):
            yield from batch

    def events(self):
        """Events of the book: number, the columns that are the same in all rows, bids and asks."""
        columns = "n, heard, state, is_snapshot, venue_timestamp, local_timestamp, first_id, last_id, previous_id, side, price, amount"
        event = None
        for *head, side, price, amount in self.rows("book", columns):
            if event is None or event[0] != head:
                if event is not None:
                    yield event
                event = (head, [], [])
            event[1 if side == "bid" else 2].append((stored_units(price), stored_units(amount)))
        if event is not None:
            yield event

    def whole_books(self):
        """The books of snapshots.parquet, by the last event in them."""
        books = {}
        columns = "n, side, price, amount, known_low::varchar, known_high::varchar"
        for n, side, price, amount, low, high in self.rows("snapshots", columns):
            book, _ = books.setdefault(n, ({"bid": {}, "ask": {}}, (low, high)))
            book[side][stored_units(price)] = stored_units(amount)
        return sorted(books.items())


def in_order_of_the_book(messages):
    """What becomes of each message, in the order in which a book takes them: Binance's rule for depth responses."""
    snapshot = next((message for message in messages if message.whole and message.ids[1] is not None), None)
    if snapshot is None:
        return [(message, "duplicate" if message.repeats else "applied") for message in messages]
    last = snapshot.ids[1]
    futures = any(message.ids[2] is not None for message in messages)
    before = [m for m in messages if m is not snapshot and (m.ids[1] < last if futures else m.ids[1] <= last)]
    unused = {id(message) for message in before}
    after = [m for m in messages if m is not snapshot and id(m) not in unused]
    return [*((m, "before-snapshot") for m in before), (snapshot, "applied"), *((m, "applied") for m in after)]


class Comparison:
    def __init__(self, tape: Tape, messages):
        self.tape = tape
        self.messages = messages
        self.differences = []
        self.counts = Counter()
        self.numbers = []
        self.heard = {}
        for message in messages:
            with_book = isinstance(message, Trade) and message.said_with_book
            self.counts["messages"] += not with_book
            self.heard[id(message)] = self.counts["messages"] - 1
        self.source = {"bid": {}, "ask": {}}
        self.rebuilt = {"bid": {}, "ask": {}}

    def differ(self, what: str):
        self.counts["differences"] += 1
        if len(self.differences) < shown:
            self.differences.append(what)

    def equal(self, what: str, found, expected):
        if found != expected:
            self.differ(f"{what}: the track has {found!s:.300}, the source {expected!s:.300}")

    def run(self):
        self.books()
        self.trades()
        self.equal("numbers of events", sorted(self.numbers), list(range(self.tape.track["events"])))
        self.equal("levels in the manifest", self.tape.track["level_changes"], self.counts["levels"])
        self.equal("trades in the manifest", self.tape.track["trades"], self.counts["trades"])
        self.equal("exact", self.tape.track["exact"], True)
        return {**self.counts, "found": self.differences}

    def books(self):
        expected = in_order_of_the_book([message for message in self.messages if isinstance(message, Book)])
        # Those that change nothing are on the track where they were found to, which is no place in the order of the book.
        unused = {self.heard[id(message)]: (message, state) for message, state in expected if state != "applied"}
        applied = (message for message, state in expected if state == "applied")
        whole_books = iter(self.tape.whole_books())
        whole = next(whole_books, None)
        for (n, heard, state, *head), bids, asks in self.tape.events():
            self.numbers.append(n)
            while whole is not None and whole[0] < n:
                self.compare_whole(f"whole book after event {whole[0]}", whole[1][0])
                whole = next(whole_books, None)
            if state in effective:
                message = next(applied, None)
                if message is None:
                    self.differ(f"event {n} ({state}): the source has no such update")
                    continue
                self.one_message(n, heard, state, "applied", head, bids, asks, message)
                self.apply(n, head[0], bids, asks, message)
            elif heard in unused:
                message, why = unused.pop(heard)
                self.one_message(n, heard, state, why, head, bids, asks, message)
            else:
                self.differ(f"event {n} ({state}) changes nothing, but is an update of the source")
        while whole is not None:
            self.compare_whole(f"whole book after event {whole[0]}", whole[1][0])
            whole = next(whole_books, None)
        self.compare_whole("the last book", self.rebuilt)
        self.equal("updates that are missing", sum(1 for _ in applied) + len(unused), 0)
        self.known_prices(expected)

    def one_message(self, n, heard, state, expected_state, head, bids, asks, message):
        whole, time, received, *ids = head
        what = f"event {n}, update {message.ids[1] or message.time}"
        self.equal(f"{what}, state", state, expected_state)
        self.equal(f"{what}, order of receipt", heard, self.heard[id(message)])
        self.equal(f"{what}, times", received, message.received)
        if message.time is not None:
            self.equal(f"{what}, venue's time", time, message.time)
        self.equal(f"{what}, ids", tuple(ids), message.ids)
        self.equal(f"{what}, is_snapshot", whole, message.whole)
        for side, found, levels in (("bids", bids, message.bids), ("asks", asks, message.asks)):
            self.equal(f"{what}, {side}", found, self.in_units(levels))
        self.counts["wholes" if whole else "updates"] += 1
        self.counts["levels"] += len(bids) + len(asks)
        self.counts[state] += 1

    def in_units(self, levels):
        price_decimals, size_decimals = self.tape.decimals
        return [(units(price, price_decimals), units(amount, size_decimals)) for price, amount in levels]

    def apply(self, n, whole, bids, asks, message):
        if whole:
            self.rebuilt = {"bid": {}, "ask": {}}
        if message.whole:
            self.source = {"bid": {}, "ask": {}}
        touched = []
        for book, sides in ((self.rebuilt, (bids, asks)), (self.source, map(self.in_units, (message.bids, message.asks)))):
            for side, levels in zip(("bid", "ask"), sides):
                of_side = book[side]
                for price, amount in levels:
                    touched.append((side, price))
                    if amount == 0:
                        of_side.pop(price, None)
                    else:
                        of_side[price] = amount
        self.counts["books"] += 1
        if whole or message.whole or self.counts["books"] % whole_each == 0:
            self.compare_whole(f"the book after event {n}", self.rebuilt)
            return
        for side, price in touched:
            if self.rebuilt[side].get(price) != self.source[side].get(price):
                self.differ(f"the book after event {n} at {side} {price}")

    def compare_whole(self, what, book):
        self.counts["whole comparisons"] += 1
        for side in ("bid", "ask"):
            if book[side] != self.source[side]:
                self.differ(f"{what}: {len(book[side])} levels of {side}s, of the source {len(self.source[side])}")

    def known_prices(self, expected):
        """A depth response that was cut knows its own prices and those between them; others know all."""
        response = next((m for m, _ in expected if m.whole and m.ids[1] is not None), None)
        if response is None:
            return
        decimals = self.tape.decimals[0]
        edge = lambda levels, of: of(units(price, decimals) for price, _ in levels) if len(levels) in request_limits else None
        limits = (edge(response.bids, min), edge(response.asks, max))
        for n, (_, known) in self.tape.whole_books():
            found = tuple(None if text is None else stored_units(text) for text in known)
            self.equal(f"known prices of the whole book after event {n}", found, limits)

    def trades(self):
        columns = "n, heard, state, id, side, price, amount, venue_timestamp, local_timestamp"
        # Those of frames that wait for a book come later than they were heard.
        found = sorted(self.tape.rows("trades", columns), key=lambda row: (row[1], row[0]))
        expected = [message for message in self.messages if isinstance(message, Trade)]
        self.equal("number of trades", len(found), len(expected))
        for (n, heard, state, *row), trade in zip(found, expected):
            what = f"trade {trade.id or n}"
            self.numbers.append(n)
            price, amount = self.in_units([(trade.price, trade.amount)])[0]
            said = [trade.id, trade.side, price, amount, trade.time, trade.received]
            row[2:4] = map(stored_units, row[2:4])
            self.equal(what, row, said)
            self.equal(f"{what}, excluded", state == "excluded", trade.excluded)
            self.equal(f"{what}, order of receipt", heard, self.heard[id(trade)])
            self.counts["trades"] += 1


def main():
    asked = json.loads(sys.argv[1])
    messages = {}
    for message in formats[asked["format"]](asked["files"]):
        messages.setdefault(message.symbol, []).append(message)
    found = {}
    for symbol, folder in asked["tapes"].items():
        found[symbol] = Comparison(Tape(folder), messages.pop(symbol, [])).run()
    print(json.dumps({"tapes": found, "without a tape": sorted(messages)}))


main()
