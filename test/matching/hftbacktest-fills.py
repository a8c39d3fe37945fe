"""Fills of hftbacktest for events and orders that a test gives it, for several queue models.

Arguments: a file of events (rows of four 64-bit integers: kind, time in nanoseconds, price and amount in units), one of actions (rows of
seven: what, time, order, side, type and validity, price, amount), and settings as JSON. Prints JSON.
"""

import json
import sys

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    FILLED,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

# By the number of a row's kind.
KINDS = np.array(
    [DEPTH_EVENT | BUY_EVENT, DEPTH_EVENT | SELL_EVENT, TRADE_EVENT | BUY_EVENT, TRADE_EVENT | SELL_EVENT],
    dtype=np.uint64,
)
PLACE, REPLACE = 0, 1
FILL = np.dtype([("order", "u8"), ("time", "i8"), ("ticks", "i8"), ("amount", "f8"), ("maker", "?")])


def market(path, price_decimals, amount_decimals):
    rows = np.fromfile(path, dtype=np.int64).reshape(-1, 4)
    events = np.zeros(len(rows), dtype=event_dtype)
    events["ev"] = KINDS[rows[:, 0]] | np.uint64(EXCH_EVENT | LOCAL_EVENT)
    events["exch_ts"] = events["local_ts"] = rows[:, 1]
    events["px"] = rows[:, 2] / 10.0**price_decimals
    events["qty"] = rows[:, 3] / 10.0**amount_decimals
    return events


@njit
def send(hbt, actions, price_unit, amount_unit, end):
    """The number of actions that hftbacktest refused at once."""
    refused = 0
    hbt.elapse(0)
    for at in range(len(actions)):
        what, time, order, side, kind, price, amount = actions[at]
        # Type and validity are one number: MARKET is 100.
        order_type = 1 if kind == 100 else 0
        validity = 0 if kind == 100 else kind
        hbt.elapse(time - hbt.current_timestamp)
        if what == PLACE and side > 0:
            code = hbt.submit_buy_order(0, order, price / price_unit, amount / amount_unit, validity, order_type, False)
        elif what == PLACE:
            code = hbt.submit_sell_order(0, order, price / price_unit, amount / amount_unit, validity, order_type, False)
        elif what == REPLACE:
            code = hbt.modify(0, order, price / price_unit, amount / amount_unit, False)
        else:
            code = hbt.cancel(0, order, False)
        refused += 1 if code != 0 else 0
    hbt.elapse(end - hbt.current_timestamp)
    return refused


@njit
def filled(hbt, found):
    """Fills rows of order, time, price in ticks and amount in lots; their number."""
    rows = 0
    values = hbt.orders(0).values()
    while values.has_next():
        order = values.get()
        if order.status == FILLED:
            found["order"][rows] = order.order_id
            found["time"][rows] = order.exch_timestamp
            found["ticks"][rows] = order.exec_price_tick
            found["amount"][rows] = order.exec_qty
            found["maker"][rows] = order.arr[0].maker
            rows += 1
    return rows


def main():
    events_path, actions_path, text = sys.argv[1:]
    settings = json.loads(text)
    instrument = settings["instrument"]
    events = market(events_path, instrument["priceDecimals"], instrument["amountDecimals"])
    actions = np.fromfile(actions_path, dtype=np.int64).reshape(-1, 7)
    price_unit = 10.0 ** instrument["priceDecimals"]
    amount_unit = 10.0 ** instrument["amountDecimals"]
    found = {}
    for name, n in settings["models"]:
        asset = (
            BacktestAsset()
            .data([events])
            .linear_asset(1.0)
            .constant_order_latency(settings["entryNs"], settings["responseNs"])
            .no_partial_fill_exchange()
            .trading_value_fee_model(settings["maker"], settings["taker"])
            .tick_size(instrument["tick"] / price_unit)
            .lot_size(instrument["lot"] / amount_unit)
        )
        model = getattr(asset, name)
        asset = model() if n is None else model(n)
        hbt = HashMapMarketDepthBacktest([asset])
        end = int(events["exch_ts"][-1]) + settings["responseNs"] + 1
        refused = send(hbt, actions, price_unit, amount_unit, end)
        rows = np.zeros(len(actions), dtype=FILL)
        fills = [
            [int(order), str(time), int(ticks) * instrument["tick"], round(amount * amount_unit), bool(maker)]
            for order, time, ticks, amount, maker in rows[: filled(hbt, rows)]
        ]
        values = hbt.state_values(0)
        found[name] = {
            "refused": refused,
            "fills": fills,
            "position": round(values.position * amount_unit),
            "balance": values.balance,
            "fee": values.fee,
        }
        hbt.close()
    print(json.dumps(found))


main()
