"""ccxt with the addresses of a session's venue, as its users set it up."""

from urllib.parse import urlsplit

import ccxt.pro
from task import ws_of


def connected(market: str, url: str, **keys):
    """The exchange class of a market, `spot` or `usdm`."""
    exchange = (ccxt.pro.binance if market == "spot" else ccxt.pro.binanceusdm)(keys)
    exchange.urls["api"] = addressed(exchange.urls["api"], url)
    # ccxt takes messages for spot's if they come from an address with /stream in it, such as //stream.binance.com.
    exchange.urls["api"]["ws"]["spot"] = f"{ws_of(url)}/stream"
    return exchange


def addressed(urls, url: str):
    """The same paths at the venue."""
    if isinstance(urls, dict):
        return {name: addressed(value, url) for name, value in urls.items()}
    parts = urlsplit(urls)
    return (ws_of(url) if parts.scheme.startswith("ws") else url) + parts.path
