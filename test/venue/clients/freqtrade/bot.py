"""Runs freqtrade at a session's venue, as its command line does, and prints the strategy's report.

Its argument is a task, as task.mjs has it, with `mode`: "dry" or "live".
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

task = json.loads(sys.argv[1])
is_spot = task["market"] == "spot"
sockets = task[task["market"]].replace("http", "ws", 1)

# ccxt's names of Binance's addresses. Only paths differ from Binance's own hosts.
paths = {
    **{name: "api/v3" for name in ("public", "private")},
    "v1": "api/v1",
    "sapi": "sapi/v1",
    **{f"sapiV{version}": f"sapi/v{version}" for version in (2, 3, 4)},
    **{name: "fapi/v1" for name in ("fapiPublic", "fapiPrivate")},
    **{f"{name}V{version}": f"fapi/v{version}" for name in ("fapiPublic", "fapiPrivate") for version in (2, 3)},
    **{name: "dapi/v1" for name in ("dapiPublic", "dapiPrivate")},
}
urls = {name: f"{task['spot']}/{path}" for name, path in paths.items()}
urls["ws"] = {"spot": f"{sockets}/ws", "future": f"{sockets}/ws"}

with tempfile.TemporaryDirectory() as folder:
    report, config = Path(folder, "report.json"), Path(folder, "config.json")
    pricing = {"price_side": "same", "use_order_book": True, "order_book_top": 1}
    config.write_text(json.dumps({
        "dry_run": task["mode"] == "dry",
        "dry_run_wallet": 1_000_000,
        "initial_state": "running",
        "max_open_trades": 1,
        "stake_currency": "USDT",
        "stake_amount": 1_000,
        "trading_mode": "spot" if is_spot else "futures",
        "margin_mode": "" if is_spot else "cross",
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "exchange": {
            "name": "binance",
            "key": task["apiKey"],
            "secret": task["secret"],
            "ccxt_config": {"urls": {"api": urls}},
            "pair_whitelist": ["BTC/USDT" if is_spot else "BTC/USDT:USDT"],
        },
        "pairlists": [{"method": "StaticPairList"}],
        "internals": {"process_throttle_secs": 1},
        "rehearsal": {"orders": task["orders"], "report": str(report)},
    }))
    options = {
        "--config": config,
        "--strategy": "Rehearsal",
        "--strategy-path": Path(__file__).parent,
        "--userdir": folder,
        "--db-url": f"sqlite:///{folder}/trades.sqlite",
    }
    arguments = [str(part) for option in options.items() for part in option]
    bot = subprocess.run([sys.executable, "-m", "freqtrade", "trade", *arguments], capture_output=True, text=True)
    if not report.exists():
        sys.exit(f"freqtrade ended with {bot.returncode} and no report: {bot.stderr[-5_000:]}")
    print(report.read_text())
