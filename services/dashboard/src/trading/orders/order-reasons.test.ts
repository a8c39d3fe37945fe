import { expect, test } from "vitest";
import { reasonText } from "./order-reasons";

test("[DB100] the reason of an order that was not taken is one sentence without codes and units of the engine", () => {
  expect(reasonText("WOULD_TRIGGER: stopPrice: the last trade, at 640123, has reached 640000")).toBe(
    "the market has reached its stop price already",
  );
  expect(reasonText("would-take")).toBe("post only, and it would have traded at once");
  expect(reasonText("expired")).toBe("the time until which it was good is over");
  expect(reasonText("countdown")).toBe("the countdown of its program ended");
  expect(reasonText("A_NEW_CODE: something else")).toBe("something else");
  expect([reasonText("canceled"), reasonText(null)]).toEqual([undefined, undefined]);
});
