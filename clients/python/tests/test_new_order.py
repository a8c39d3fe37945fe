"""Orders as the cluster takes them."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import cast

import pytest

from tapedeck import NewOrder, TapedeckError
from tapedeck.trading.new_order import Amount, change_body, list_body, order_body


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.010", "0.010"),
        (Decimal("0.010"), "0.010"),
        (Decimal("1E+3"), "1000"),
        (1, "1"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (28150.0, "28150.0"),
    ],
)
def test_py12_an_amount_is_sent_as_it_is_written_and_never_rounded(amount: Amount, text: str) -> None:
    assert change_body(amount=amount) == {"amount": text}


@pytest.mark.parametrize("amount", [True, float("nan"), Decimal("Infinity"), b"1", []])
def test_cl17_what_is_no_amount_is_refused(amount: object) -> None:
    with pytest.raises(TapedeckError, match=r"^bad_argument: price: must be"):
        change_body(price=cast(Amount, amount))


def test_cl60_an_order_has_the_fields_that_were_given() -> None:
    until = datetime(2024, 7, 18, 0, 1, tzinfo=timezone.utc)
    order = NewOrder("buy", "LIMIT", amount=Decimal("0.5"), price=100, expires_at=until, reduce_only=True)
    assert order_body(order) == {
        "side": "buy",
        "type": "LIMIT",
        "amount": "0.5",
        "price": "100",
        "expires_at": "2024-07-18T00:01:00.000000Z",
        "reduce_only": True,
    }


def test_cl61_a_list_without_a_name_gets_one_of_its_own() -> None:
    pair = [NewOrder("sell", "STOP", amount="1", stop_price="9"), NewOrder("sell", "LIMIT", amount="1", price="11")]
    one, other = list_body(pair, None, None), list_body(pair, pair[1], "mine")
    assert one["client_list_id"] != list_body(pair, None, None)["client_list_id"]
    assert other == {"first": order_body(pair[1]), "others": one["others"], "client_list_id": "mine"}


def test_cl17_an_order_of_a_list_must_be_one() -> None:
    with pytest.raises(TapedeckError, match=r"^bad_argument: order: must be a NewOrder"):
        list_body([cast(NewOrder, {"side": "buy"})], None, None)
