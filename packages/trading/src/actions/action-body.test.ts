import { orderTypes } from "@tapedeck/matching";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ActionBody, decodeBody, encodeBody } from "./action-body.js";
import type { PlacedOrder } from "./placed-order.js";

const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const name = optional(fc.stringMatching(/^[\w.:/-]{1,36}$/));
const order: fc.Arbitrary<PlacedOrder> = fc.record(
  {
    side: fc.constantFrom("buy", "sell"),
    type: fc.constantFrom(...orderTypes),
    amount: number,
    quoteAmount: fc.bigInt({ min: 1n, max: 10n ** 30n }),
    closePosition: fc.constant(true),
    reduceOnly: fc.constant(true),
    price: optional(number),
    stopPrice: optional(number),
    timeInForce: optional(fc.constantFrom("GTC", "IOC", "FOK", "GTX")),
    expiresNs: fc.bigInt({ min: 1n, max: 10n ** 19n }),
    clientOrderId: name,
  },
  { requiredKeys: ["side", "type", "amount", "price", "stopPrice", "timeInForce", "clientOrderId"] },
);

test("[TR1] an action is read from the log as it was written", () => {
  const body: fc.Arbitrary<ActionBody> = fc.oneof(
    order.map((of) => ({ kind: "place" as const, order: of })),
    fc
      .record({ clientListId: name, first: order, others: fc.array(order, { minLength: 1, maxLength: 2 }) })
      .map((list) => ({ kind: "place-list" as const, list })),
    fc
      .record({ clientListId: name, others: fc.array(order, { minLength: 2, maxLength: 2 }) })
      .map((list) => ({ kind: "place-list" as const, list: { ...list, first: undefined } })),
    fc.constant({ kind: "listed" as const }),
    fc.bigInt({ min: 0n, max: 10n ** 15n }).map((ns) => ({ kind: "countdown" as const, ns })),
    number.map((of) => ({ kind: "cancel" as const, order: of })),
    fc.record(
      {
        kind: fc.constant("replace" as const),
        order: number,
        price: optional(number),
        amount: number,
        stopPrice: number,
      },
      { requiredKeys: ["kind", "order", "price", "amount"] },
    ),
  );
  fc.assert(
    fc.property(body, (action) => {
      expect(decodeBody(encodeBody(action))).toEqual(action);
    }),
  );
});

test("[TR1] lines that earlier releases wrote stay readable", () => {
  const limit = { side: "sell", type: "LIMIT", amount: 5, price: 100, stopPrice: undefined, timeInForce: "GTX" };
  expect(decodeBody("PsL 5 100 - GTX")).toEqual({ kind: "place", order: { ...limit, clientOrderId: undefined } });
  expect(decodeBody("PsL 5 100 - GTX my:1/a")).toEqual({ kind: "place", order: { ...limit, clientOrderId: "my:1/a" } });
  expect(decodeBody("R3 100 5")).toEqual({ kind: "replace", order: 3, price: 100, amount: 5 });
  expect(() => decodeBody("PsX 5 100 - GTX")).toThrow(RangeError);
});
