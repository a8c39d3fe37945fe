import type { SessionFill } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import type { ReportedTrade } from "../../support/venue/reconciled.js";
import { disagreements, type ReportedSide, type SessionSide } from "./reconcile.js";

const asked = { market: "simulated", orders: 6, seconds: 60, awayS: 20 } as const;
const fills = [1, 2, 3, 4].map(
  (number): SessionFill => ({
    ...{ fill_id: `${number}`, order_id: `o${number}`, client_order_id: null, side: "buy", price: "28000.10" },
    ...{ amount: "0.010", fee: "0.112", liquidity: "taker", position: "10", realized_pnl: null },
    timestamp: "2023-04-04T00:00:00Z",
  }),
);
const session: SessionSide = { fills, undone: [], open: 0, rewinds: 0 };
const trades = fills.map(
  ({ fill_id: id, order_id: order, side }): ReportedTrade => ({
    ...{ id, order, side, price: "28000.1", amount: "0.01000000", fee: "0.11200000" },
  }),
);
const client: ReportedSide = { trades, told: trades, open: 0, placed: 6, problems: [] };

describe("what a client and its session disagree about", () => {
  test("[VK40] is nothing where they have the same, with other zeros at the end", () => {
    expect(disagreements(client, session, asked)).toEqual([]);
  });

  const [first, ...rest] = trades;
  const other: ReportedTrade[] = first === undefined ? [] : [{ ...first, fee: "0.11200001" }, ...rest];
  test.for<[string, Partial<ReportedSide>, Partial<SessionSide>]>([
    ["a fee is another in its last digit", { trades: other }, {}],
    ["its user stream tells another fee", { told: other }, {}],
    ["it has a trade that the session lacks", {}, { fills: fills.slice(1) }],
    ["a fill is unknown to it", { trades: rest, told: rest }, { rewinds: 9 }],
    ["its user stream misses a fill without a rewind", { told: rest }, {}],
    ["its user stream misses more than it was away for", { told: trades.slice(2) }, { rewinds: 1 }],
    ["an order of the session is open", {}, { open: 1 }],
    ["an order is missing", { placed: 5 }, {}],
    ["something went wrong without a rewind", { problems: [{ at: 0, what: "no connection" }] }, {}],
    ["many orders are answered late", { problems: [{ at: 0, what: "an order is NEW instead of FILLED" }] }, {}],
    ["hardly an order has filled", { trades: [], told: [] }, { fills: [] }],
  ])("[VK40] is found where %s", ([, changed, there]) => {
    expect(disagreements({ ...client, ...changed }, { ...session, ...there }, asked)).not.toEqual([]);
  });

  test("[VK40] is nothing where a client does not know what a rewind undid at once, unless a recording began again", () => {
    const [gone, ...standing] = fills;
    const undone = { fills: standing, undone: gone === undefined ? [] : [gone], open: 0, rewinds: 1 };
    const unaware = { ...client, trades: rest, told: rest };
    expect(disagreements(unaware, undone, asked)).toEqual([]);
    expect(disagreements(unaware, undone, { ...asked, market: "recorded" })).not.toEqual([]);
    expect(disagreements(unaware, { ...undone, rewinds: 0 }, asked)).not.toEqual([]);
  });

  test("[VK40] is nothing where a client was told a fill while its market was being rewound, but two or another fee are", () => {
    const undone = (count: number) => ({ fills: fills.slice(count), undone: [], open: 0, rewinds: 1 });
    expect(disagreements(client, undone(1), asked)).toEqual([]);
    expect(disagreements(client, undone(2), asked)).not.toEqual([]);
    expect(disagreements({ ...client, told: other }, { ...session, rewinds: 1 }, asked)).not.toEqual([]);
  });

  test("[VK40] is nothing where a user stream misses a fill around a rewind, and an order came to something else", () => {
    const around = { ...client, told: rest, problems: [{ at: 0, what: "an order is EXPIRED" }] };
    expect(disagreements(around, { ...session, rewinds: 1 }, asked)).toEqual([]);
  });
});
