"""The JSON of orders, as types. Prices, amounts and money are decimals in text: `Decimal(order["open"])` is exact."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

Side: TypeAlias = Literal["buy", "sell"]
OrderType: TypeAlias = Literal["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
TimeInForce: TypeAlias = Literal["GTC", "IOC", "FOK", "GTX"]
OrderStatus: TypeAlias = Literal["PENDING", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "REJECTED"]


class OrderOfList(TypedDict):
    list_id: str
    client_list_id: str | None
    contingency: Literal["OCO", "OTO", "OTOCO"]
    #: Out of the market until the list's first order has been filled.
    waits: bool


class _SessionOrderAlways(TypedDict):
    order_id: str
    client_order_id: str | None
    side: Side
    type: OrderType
    #: 0 until the venue has determined it, of an order with `quote_amount` or `close_position`.
    amount: str
    filled: str
    #: What may still be filled; 0 if the order has ended.
    open: str
    price: str | None
    stop_price: str | None
    time_in_force: TimeInForce | None
    #: PENDING: on its way to the venue.
    status: OrderStatus
    #: Why it ended, or was rejected.
    reason: str | None
    #: In tape time.
    created_at: str
    updated_at: str
    average_price: str | None


class SessionOrder(_SessionOrderAlways, total=False):
    """An order. Fields that few orders have are left out of the others."""

    quote_amount: str
    close_position: Literal[True]
    reduce_only: Literal[True]
    triggered: Literal[True]
    expires_at: str
    list: OrderOfList


class SessionFill(TypedDict):
    fill_id: str
    order_id: str
    client_order_id: str | None
    side: Side
    price: str
    amount: str
    #: In the quote currency; below 0 it was received.
    fee: str
    liquidity: Literal["maker", "taker"]
    #: After the fill: of a futures account the position, of a spot account what it has of the base.
    position: str
    #: None on a spot account.
    realized_pnl: str | None
    timestamp: str


class SpotAccount(TypedDict):
    kind: Literal["spot"]
    base: str
    quote: str
    #: Of `base`, what open orders hold.
    locked_base: str
    locked_quote: str
    last_price: str | None
    equity: str | None


class FuturesAccount(TypedDict):
    kind: Literal["futures"]
    wallet: str
    #: Below 0 is short.
    position: str
    entry_price: str | None
    leverage: int
    unrealized_pnl: str | None
    margin: str | None
    liquidation_price: str | None
    last_price: str | None
    equity: str | None


SessionAccount: TypeAlias = SpotAccount | FuturesAccount


class _At(TypedDict):
    #: The frame at the playhead: with it all of this has happened. None without a tape.
    seq: int | None
    epoch: int


class OrdersAnswer(_At):
    #: Oldest first.
    orders: list[SessionOrder]


class FillsAnswer(_At):
    #: Oldest first.
    fills: list[SessionFill]


class AccountAnswer(_At):
    #: None without a tape.
    account: SessionAccount | None


class SessionBranch(TypedDict):
    """What a rewind undid."""

    #: The epoch that ended.
    id: str
    tape: str
    #: The frame at the playhead when it was left.
    seq: int
    #: By the cluster's clock.
    left_at: str


class TradedInstrument(TypedDict):
    symbol: str
    source: str
    tape: str
    price_decimals: int
    amount_decimals: int
    #: Prices are multiples of it.
    tick: str
    #: Amounts are multiples of it.
    lot: str


class TradingAnswer(TypedDict):
    #: `/openapi.json` describes them as `TradingSettings`.
    settings: dict[str, Any]
    queue_auto: bool
    instrument: TradedInstrument | None
