import { expect, test } from "vitest";
import { check } from "./check.js";
import type { BotHistory, Fill, Listening, Trading, Truth } from "./history.js";

const fill = (id: number, change: Partial<Fill> = {}): Fill => ({
  ...{ id: `${id}`, order: "2", side: "buy", price: "100.1", amount: "0.010", fee: "0.00050050" },
  ...change,
});
const fills = [fill(1), fill(2), fill(3)];
const orders = [{ order: "2", name: "v-1", status: "PARTIALLY_FILLED", filled: "0.030" }];
const change = (filled: string) => ({ order: "2", status: "PARTIALLY_FILLED", filled, text: `2 ${filled}` });

const now: Trading = {
  ...{ epoch: 7, orders, fills: fills.map((each) => ({ ...each, realized: null })) },
  account: { kind: "spot", base: "1.03", quote: "996.9954985" },
};
const truth: Truth = { log: ["v-1"], now, branches: [], decimals: 4 };

/** A connection that began before the first fill was told, and one after it. */
const listenings = (): Listening[] => [
  { client: "venue", epoch: 7, before: { fills: [], orders: new Map() }, fills: [fill(1)], orders: [change("0.010")] },
  {
    ...{ client: "venue", epoch: 7, before: { fills: [fill(1)], orders: new Map() } },
    ...{ fills: [fill(2), fill(3)], orders: [change("0.020"), change("0.03")] },
  },
];

function found(alter: { history?: Partial<BotHistory>; truth?: Partial<Truth> } = {}): string[] {
  const start = { kind: "spot", base: "1", quote: "1000" } as const;
  const sent = new Map([["v-1", "acknowledged" as const]]);
  return check({ session: "s", sent, listenings: listenings(), start, ...alter.history }, { ...truth, ...alter.truth });
}

function last(alter: Partial<Listening>): { history: Partial<BotHistory> } {
  const [first, second] = listenings();
  if (first === undefined || second === undefined) throw new Error("there are two");
  return { history: { listenings: [first, { ...second, ...alter }] } };
}

test("[TR85] the oracle finds nothing where nothing is wrong: also what was told of before REST answered, and an order whose answer was lost", () => {
  expect(found()).toEqual([]);
  const overlapping = { before: { fills: [fill(1), fill(2)], orders: new Map() } };
  expect(found(last(overlapping))).toEqual([]);
  expect(
    found({
      history: {
        sent: new Map([
          ["v-1", "acknowledged"],
          ["v-2", "unknown"],
        ]),
      },
    }),
  ).toEqual([]);
});

const orderOnce = { "v-1": "acknowledged" } as const;
test.each([
  ["an acknowledged order that is lost", { truth: { log: [] } }, "[TR81]"],
  ["an order that is placed twice", { truth: { log: ["v-1", "v-1"] } }, "[TR81]"],
  ["an order that nobody sent", { truth: { log: [...Object.keys(orderOnce), "v-9"] } }, "[TR81]"],
  ["a refused order that is there", { history: { sent: new Map([["v-1", "refused" as const]]) } }, "[TR81]"],
  ["a fill that is told twice", last({ fills: [fill(2), fill(2), fill(3)] }), "[TR82]"],
  ["a fill that is left out", last({ fills: [fill(3)] }), "[TR82]"],
  ["a last fill that is lost", last({ fills: [fill(2)] }), "[TR82]"],
  ["fills in another order", last({ fills: [fill(3), fill(2)] }), "[TR82]"],
  ["a fill at another price", last({ fills: [fill(2), fill(3, { price: "100.2" })] }), "[TR82]"],
  ["a fill that never happened", last({ fills: [fill(2), fill(3), fill(4)] }), "[TR82]"],
  [
    "a change of an order that is told twice",
    last({ orders: [change("0.020"), change("0.03"), change("0.03")] }),
    "[TR82]",
  ],
  ["a change of an order that is lost", last({ orders: [change("0.020")] }), "[TR82]"],
  ["a client that is not back", last({ before: undefined }), "[TR83]"],
  [
    "a balance that is off by the last digit",
    { truth: { now: { ...now, account: { kind: "spot" as const, base: "1.03", quote: "996.99549850000001" } } } },
    "[TR84]",
  ],
])("[TR85] the oracle finds %s", (_, alter, rule) => {
  expect(found(alter).some((sentence) => sentence.includes(rule))).toBe(true);
});

test("[TR84] [TR85] the profit of a position is realised at its average cost, to the last digit", () => {
  const traded = [
    fill(1, { amount: "0.003" }),
    fill(2, { price: "100.2", amount: "0.004" }),
    fill(3, { side: "sell", price: "100.3", amount: "0.010", fee: "0" }),
  ];
  // 0.3003 and 0.4008 for 0.007; 0.007 sold for 0.7021, and 0.003 sold short.
  const realized = ["0", "0", "0.0010"];
  const account = { kind: "futures", wallet: "999.9999990", position: "-0.003" } as const;
  const trading: Trading = {
    epoch: 7,
    orders: [],
    fills: traded.map((each, nth) => ({ ...each, realized: realized[nth] ?? null })),
    account,
  };
  const history = { listenings: [], sent: new Map(), start: { kind: "futures", wallet: "1000" } as const };
  expect(found({ history, truth: { log: [], now: trading } })).toEqual([]);
  const off = { ...trading, account: { ...account, wallet: "999.99999900000001" } };
  expect(found({ history, truth: { log: [], now: off } })).toHaveLength(1);
});
