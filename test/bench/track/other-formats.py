"""
Writes the events of an event track in other formats, and prints their sizes as JSON. Arguments: the folder of the tape's version, an empty folder.

DBN has no record for a change of a level: it is an MBO record here (56 bytes) with the price, the amount, both times and the last update id, whose
upper half is in the order id, and a trade has its id there. What DBN has no field for is left out: the order of receipt, the frame, what
became of the event, first and previous update ids, and known prices.
"""

import json
import os
import sys

import databento_dbn as dbn
import duckdb
import zstandard

tape, out = sys.argv[1:]
database = duckdb.connect()
sizes = {}


def size(*paths):
    return sum(os.path.getsize(path) for path in paths)


def parquet(name, options):
    written = {}
    for file in ("book", "trades", "snapshots"):
        path = f"{out}/{name}-{file}.parquet"
        database.execute(f"copy (select * from '{tape}/{file}.parquet') to '{path}' (format parquet, row_group_size 122880, {options})")
        written[file] = size(path)
    sizes[name] = written


parquet("DuckDB, snappy", "compression snappy")
parquet("DuckDB, gzip", "compression gzip")
parquet("DuckDB, zstd", "compression zstd")
parquet("DuckDB, zstd, Parquet version 2", "compression zstd, parquet_version v2")


def rows(file, columns):
    result = database.execute(f"select {columns} from '{tape}/{file}.parquet'")
    while batch := result.fetchmany(50_000):
        yield from batch


def dbn_file(name, records):
    """Bytes of a DBN file, as it is and compressed as Databento's downloads are (level 3)."""
    path = f"{out}/{name}.dbn"
    with open(path, "wb") as file:
        types = {"stype_in": dbn.SType.RAW_SYMBOL, "stype_out": dbn.SType.INSTRUMENT_ID}
        metadata = dbn.Metadata(dataset="BENCH", start=0, schema=dbn.Schema.MBO, symbols=["BENCH"], **types)
        file.write(metadata.encode())
        for record in records:
            file.write(bytes(record))
    with open(path, "rb") as plain, open(f"{path}.zst", "wb") as packed:
        zstandard.ZstdCompressor(level=3).copy_stream(plain, packed)
    return size(path), size(f"{path}.zst")


def record(action, side, price, amount, ts_event, ts_recv, number):
    return dbn.MBOMsg(
        publisher_id=1,
        instrument_id=1,
        ts_event=ts_event,
        ts_recv=ts_recv,
        order_id=number >> 32 if action != dbn.Action.TRADE else number,
        price=price,
        size=amount,
        action=action,
        side=side,
        flags=0,
        channel_id=0,
        ts_in_delta=0,
        sequence=number & 0xFFFFFFFF,
    )


with open(f"{tape}/manifest.json") as file:
    track = json.load(file)["track"]
nano, unit = 10 ** (9 - track["price_decimals"]), 10 ** track["size_decimals"]
columns = "side, replace(price::varchar, '.', '')::bigint, replace(amount::varchar, '.', '')::bigint, epoch_ns(timestamp), epoch_ns(local_timestamp)"


def changes():
    sides = {"bid": dbn.Side.BID, "ask": dbn.Side.ASK}
    for side, price, amount, at, heard, number in rows("book", f"{columns}, last_id"):
        action = dbn.Action.MODIFY if amount else dbn.Action.CANCEL
        yield record(action, sides[side], price * nano, min(amount, 0xFFFFFFFF), at, heard, number)


def trades():
    sides = {"buy": dbn.Side.BID, "sell": dbn.Side.ASK}
    for side, price, amount, at, heard, number in rows("trades", f"{columns}, id::bigint"):
        yield record(dbn.Action.TRADE, sides[side], price * nano, min(amount, 0xFFFFFFFF), at, heard, number)


book, trade = dbn_file("book", changes()), dbn_file("trades", trades())
sizes["DBN"] = {"book": book[0], "trades": trade[0]}
sizes["DBN, zstd"] = {"book": book[1], "trades": trade[1]}
print(json.dumps(sizes))
