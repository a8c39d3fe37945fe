"""A strategy of freqtrade that buys with its first candle, then adds and takes away in turn, and leaves. Then it writes a report and ends the bot.

The configuration says, under "rehearsal", how many orders it places, and where the report belongs.
"""

import json
import os
import signal
from pathlib import Path

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy


class Rehearsal(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    can_short = False
    stoploss = -0.9
    minimal_roi = {"0": 100}
    startup_candle_count = 1
    process_only_new_candles = False
    position_adjustment_enable = True
    order_types = {"entry": "limit", "exit": "limit", "stoploss": "limit", "stoploss_on_exchange": False}

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe

    def custom_entry_price(self, pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs):
        return proposed_rate * 1.001  # it crosses

    def custom_exit_price(self, pair, trade, current_time, proposed_rate, current_profit, exit_tag, **kwargs):
        return proposed_rate * 0.999

    def adjust_trade_position(self, trade, current_time, current_rate, current_profit, min_stake, max_stake, **kwargs):
        filled = [order for order in trade.orders if order.ft_order_side in ("buy", "sell") and not order.ft_is_open]
        if trade.has_open_orders or len(filled) >= self.wanted - 1:
            return None
        return 700 if len(filled) % 2 == 1 else -700

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        filled = [order for order in trade.orders if not order.ft_is_open]
        return "rehearsed" if len(filled) >= self.wanted - 1 and not trade.has_open_orders else None

    def bot_loop_start(self, current_time, **kwargs):
        closed = Trade.get_trades([Trade.is_open.is_(False)]).all()
        if len(closed) == 0:
            return
        orders = [
            {"id": order.order_id, "side": order.ft_order_side, "price": order.average, "amount": order.filled}
            for trade in closed
            for order in trade.orders
        ]
        report = {"orders": orders, "balance": self.wallets.get_total("USDT")}
        Path(self.config["rehearsal"]["report"]).write_text(json.dumps(report))
        os.kill(os.getpid(), signal.SIGINT)

    @property
    def wanted(self) -> int:
        return self.config["rehearsal"]["orders"]
