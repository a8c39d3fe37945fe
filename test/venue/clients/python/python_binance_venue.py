"""python-binance with the addresses of a session's venue: they are attributes of its classes."""

from binance import AsyncClient, BinanceSocketManager
from task import ws_of


async def connected(url: str, *keys: str, **options) -> tuple[AsyncClient, BinanceSocketManager]:
    """A client, and a manager of sockets with the options given."""

    class Client(AsyncClient):
        API_URL = f"{url}/api"
        FUTURES_URL = f"{url}/fapi"
        WS_API_URL = f"{ws_of(url)}/ws-api/v3"
        WS_FUTURES_URL = f"{ws_of(url)}/ws-fapi/v1"

    class Sockets(BinanceSocketManager):
        STREAM_URL = FSTREAM_URL = f"{ws_of(url)}/"

    client = await Client.create(*keys)
    return client, Sockets(client, **options)
