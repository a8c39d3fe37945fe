"""Orders to place, as programs write them and as the cluster takes them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from tapedeck.arguments import Body, TapeTime, iso_time, present
from tapedeck.errors import bad_argument
from tapedeck.trading.types import OrderType, Side, TimeInForce

#: A price or an amount. It is sent as it is written, never rounded; a float as Python prints it.
Amount: TypeAlias = Decimal | int | float | str


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to place. Which fields belong to which type is checked by the cluster."""

    side: Side
    type: OrderType
    #: Of the base currency. Required without `quote_amount` and `close_position`.
    amount: Amount | None = None
    #: Of LIMIT, STOP_LIMIT and TAKE_PROFIT_LIMIT.
    price: Amount | None = None
    #: Of STOP and TAKE_PROFIT, and of those with a limit: a trade there makes MARKET or LIMIT of it.
    stop_price: Amount | None = None
    #: Of MARKET, in place of `amount`: what to pay, or to get, in the quote currency, fees apart.
    quote_amount: Amount | None = None
    #: Of STOP and TAKE_PROFIT on a futures account, in place of `amount`: closes the position.
    close_position: bool | None = None
    #: On a futures account: only what makes the position smaller.
    reduce_only: bool | None = None
    #: Of orders with a price; GTC by default. GTX is post-only.
    time_in_force: TimeInForce | None = None
    #: Of orders with a price and GTC: when it ends if it is open then, in tape time.
    expires_at: TapeTime | None = None
    #: Your name of the order; by default it gets one. An order is sent once under a name.
    client_order_id: str | None = None


def order_body(order: NewOrder) -> Body:
    """Numbers as text. Raises `bad_argument` that names the field."""
    if not isinstance(order, NewOrder):
        raise bad_argument("order", "must be a NewOrder")
    return present(
        side=order.side,
        type=order.type,
        close_position=order.close_position,
        reduce_only=order.reduce_only,
        time_in_force=order.time_in_force,
        expires_at=None if order.expires_at is None else iso_time("expires_at", order.expires_at),
        client_order_id=order.client_order_id,
        **change_body(
            amount=order.amount,
            price=order.price,
            stop_price=order.stop_price,
            quote_amount=order.quote_amount,
        ),
    )


def list_body(others: Sequence[NewOrder], first: NewOrder | None, client_list_id: str | None) -> Body:
    """A list without a name gets one."""
    return present(
        first=None if first is None else order_body(first),
        others=[order_body(order) for order in others],
        client_list_id=random_name() if client_list_id is None else client_list_id,
    )


def change_body(**amounts: Amount | None) -> Body:
    """The amounts that are given, as text."""
    return {name: _text(name, amount) for name, amount in amounts.items() if amount is not None}


def random_name() -> str:
    """A name that no other program gives."""
    return secrets.token_hex(12)


def _text(name: str, amount: Amount) -> str:
    if isinstance(amount, str):
        return amount
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | float):
        raise bad_argument(name, "must be a Decimal, a number or text")
    exact = amount if isinstance(amount, Decimal) else Decimal(repr(amount))
    if not exact.is_finite():
        raise bad_argument(name, "must be finite")
    return f"{exact:f}"
