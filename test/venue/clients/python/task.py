"""What every client needs, as JSON in the first argument."""

import asyncio
import json
import os
import sys
import time
import traceback
from types import SimpleNamespace


def tasks() -> list[SimpleNamespace]:
    """Each has `url`, `market` (spot or usdm), `symbol`, `apiKey`, `secret`, `orders` (how many) and `amount` (of each).

    One with `seconds` is alone: its orders are spread over that time, and it tells what it knows for each line of the standard input. Such a
    task has `priceDecimals`, too.
    """
    return [SimpleNamespace(**each) for each in json.loads(sys.argv[1])]


def run(trade) -> None:
    """Carries out all tasks at once, and prints their reports in the order of the tasks."""

    async def all_of_them() -> None:
        reports = await asyncio.gather(*(trade(each) for each in tasks()))
        tell(reports)

    try:
        asyncio.run(all_of_them())
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # what clients say of sockets that they had open would hide it


def tell(what) -> None:
    """A line for the process that started the program."""
    print(f"\n{json.dumps(what)}", flush=True)


def ws_of(address: str) -> str:
    """The address for WebSockets."""
    return address.replace("http", "ws", 1)


async def until(is_so, what: str) -> None:
    """Waits until something is so, and fails after half a minute."""
    deadline = time.monotonic() + 30
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} in time")
        await asyncio.sleep(0.02)


async def stdin_lines():
    """The lines of the standard input, without keeping the event loop waiting."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line
