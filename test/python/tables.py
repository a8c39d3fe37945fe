"""Reads a tape's event track with each library, and prints what each got as JSON: python tables.py URL TOKEN TAPE."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute
import pyarrow.parquet

from tapedeck import Tape, Tapedeck, TapedeckError, TrackFile

url, token, name = sys.argv[1:]

#: A range of frames in the middle, both included.
FRAMES = {"from_seq": 100, "to_seq": 200}


async def fresh_token() -> str:
    """As a program that asks a server for it."""
    await asyncio.sleep(0)
    return token


def summary(rows: int, amount: Decimal, columns: list[str]) -> dict[str, Any]:
    return {"rows": rows, "amount": f"{amount:f}", "columns": columns}


def with_polars(file: TrackFile, **limits: Any) -> dict[str, Any]:
    table = file.to_polars(**limits)
    return summary(table.height, table["amount"].sum(), table.columns)


def with_pandas(file: TrackFile, **limits: Any) -> dict[str, Any]:
    table = file.to_pandas(**limits)
    return summary(len(table), table["amount"].sum(), list(table.columns))


def with_arrow(file: TrackFile, **limits: Any) -> dict[str, Any]:
    table = file.to_arrow(**limits)
    return summary(table.num_rows, pyarrow.compute.sum(table["amount"]).as_py(), table.column_names)


LIBRARIES = {"polars": with_polars, "pandas": with_pandas, "arrow": with_arrow}


def read(tape: Tape) -> dict[str, Any]:
    files = {"trades": tape.trades(), "book": tape.book()}
    return {
        library: {
            what: {"whole": table_of(file), "frames": table_of(file, columns=["seq", "amount"], **FRAMES)}
            for what, file in files.items()
        }
        for library, table_of in LIBRARIES.items()
    }


def floats(tape: Tape) -> list[float]:
    trades = tape.trades()
    return [
        float(trades.to_polars(exact=False)["amount"].sum()),
        float(trades.to_pandas(exact=False)["amount"].sum()),
        float(pyarrow.compute.sum(trades.to_arrow(exact=False)["amount"]).as_py()),
    ]


def part(file: TrackFile) -> dict[str, int]:
    """What one column costs."""
    with file.open() as reader:
        rows = pyarrow.parquet.ParquetFile(reader).read(columns=["side"]).num_rows
        return {"rows": rows, "received": reader.bytes_received, "bytes": reader.version.bytes}


def made(tape: Tape) -> dict[str, Any]:
    """Of files that are made on request: the frames of FRAMES, and the trades of all bars and frames."""
    part = tape.frames(from_seq=FRAMES["from_seq"], to_seq=FRAMES["to_seq"] + 1)
    try:
        orders = str(tape.orders().to_arrow().num_rows)
    except TapedeckError as error:
        orders = error.code
    return {
        "frames": part.to_polars(["seq", "mid_price"]).height,
        "barTrades": int(tape.bars("10s").to_pandas()["trades"].sum()),
        "frameTrades": int(tape.frames().to_polars(["trade_count"])["trade_count"].sum()),
        "orders": orders,
    }


async def events(tape: Tape) -> dict[str, int]:
    """Lines of the frames in FRAMES, by kind."""
    counts = {"book": 0, "trade": 0}
    async for line in tape.events(from_seq=FRAMES["from_seq"], to_seq=FRAMES["to_seq"] + 1):
        counts[line["kind"]] += 1
    return counts


async def at_playhead(deck: Tapedeck, tape: Tape) -> object:
    """The best levels at the playhead of a session on frame 500."""
    async with await deck.open(tape=tape.name) as session:
        await session.seek(seq=500)
        return (await deck.sessions.book(session.id, depth=5))["bids"]


def downloaded(file: TrackFile) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        path = file.download(Path(folder) / "book.parquet")
        left = [one.name for one in Path(folder).iterdir()]
        return {"rows": pyarrow.parquet.read_metadata(path).num_rows, "files": len(left)}


async def main() -> None:
    async with Tapedeck(url, token=fresh_token) as deck:
        tape = await deck.tapes.get(name)
        simulated = await deck.tapes.get("sim2.BTCUSDT.1.calm")
        try:
            simulated.snapshots().to_arrow()
            refusal = ""
        except TapedeckError as error:
            refusal = error.code
        print(
            json.dumps(
                {
                    "name": tape.name,
                    "tables": await asyncio.to_thread(read, tape),
                    "floats": await asyncio.to_thread(floats, tape),
                    "part": part(tape.book()),
                    "downloaded": downloaded(tape.book()),
                    "made": await asyncio.to_thread(made, tape),
                    "simulated": simulated.frames(from_seq=100, to_seq=150).to_arrow(["seq"]).num_rows,
                    "snapshots": tape.snapshots().to_polars(["n"])["n"].n_unique(),
                    "bookAt": await tape.book_at(seq=500, depth=5),
                    "events": await events(tape),
                    "atPlayhead": await at_playhead(deck, tape),
                    "refusal": refusal,
                }
            )
        )


asyncio.run(main())
