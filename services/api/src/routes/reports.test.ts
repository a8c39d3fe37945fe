import { RefusedError, reportsAnswer, tradeReportAnswer } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import { MemoryTapeStore } from "@tapedeck/tape";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const secret = "a secret of at least thirty-two bytes";
let api: TestApi;
let strict: TestApi;

beforeAll(async () => {
  const redisUrl = inject("redisUrl");
  [api, strict] = await Promise.all([
    startTestApi({ redisUrl, tapes: new MemoryTapeStore() }),
    startTestApi({ redisUrl, tapes: new MemoryTapeStore(), access: { AUTH_JWT_SECRET: secret } }),
  ]);
});
afterAll(() => Promise.all([api.stop(), strict.stop()]));

async function simulate({ sessions }: TestApi, id: string, userId = ""): Promise<void> {
  await sessions.open(id, { mode: "SIMULATION", seed: 42, createdBy: "127.0.0.1", userId });
  await sessions.perform(id, { type: "start" });
}

/** Gives an order; on a busy machine a market may not be made in time, and the order is to be given again. */
async function order(
  { sessions }: TestApi,
  id: string,
  side: "BUY" | "SELL",
  quantity: number,
): Promise<SessionRecord> {
  for (;;) {
    try {
      return (await sessions.perform(id, { type: "order", side, quantity })).record;
    } catch (error) {
      if (!(error instanceof RefusedError && error.code === "BUSY")) throw error;
    }
  }
}

async function reportsOf(path = "/reports") {
  return reportsAnswer.parse((await api.ask("GET", path)).json).reports;
}

describe("reports", () => {
  test("[A90] are empty without orders", async () => {
    await simulate(api, "idle");
    expect((await api.ask("GET", "/reports")).json).toEqual({ reports: [], next_cursor: null });
    expect(await reportsOf("/reports?session_id=not-there")).toEqual([]);
    const { report } = tradeReportAnswer.parse((await api.ask("GET", "/reports/idle")).json);
    expect([report.orders, report.totals.orders, report.totals.realized_pnl]).toEqual([[], 0, 0]);
    const { status } = await api.ask("GET", "/reports/not-there");
    expect(status).toBe(404);
  });

  test("[A91] contain every order of a session with its fill, also from before a rewind or a change of market", async () => {
    await simulate(api, "trader");
    const perform = (command: Parameters<TestApi["sessions"]["perform"]>[1]) => api.sessions.perform("trader", command);
    const fills = [(await order(api, "trader", "BUY", 3)).lastFill, (await order(api, "trader", "SELL", 1)).lastFill];
    await perform({ type: "goback", seconds: 60 });
    fills.push((await order(api, "trader", "SELL", 1)).lastFill);
    await perform({ type: "mode", mode: "SIMULATION", seed: 43 });
    fills.push((await order(api, "trader", "SELL", 2)).lastFill);

    const { report } = tradeReportAnswer.parse((await api.ask("GET", "/reports/trader")).json);
    expect(report.orders.map(({ fill }) => fill)).toEqual(fills);
    expect(report.orders.map(({ side, quantity, seed }) => [side, quantity, seed])).toEqual([
      ["BUY", 3, "42"],
      ["SELL", 1, "42"],
      ["SELL", 1, "42"],
      ["SELL", 2, "43"],
    ]);
    const pnl = fills.reduce((sum, fill) => sum + (fill?.pnl ?? 0), 0);
    expect(report.totals).toMatchObject({ orders: 4, fills: 4, buys: 1, sells: 3, bought: 3, sold: 4, exits: 2 });
    expect(report.totals.realized_pnl).toBeCloseTo(pnl, 8);
    expect(report.orders.at(-1)?.pnl_so_far).toBe(report.totals.realized_pnl);
    expect(report.totals.winning_exits + report.totals.losing_exits).toBeLessThanOrEqual(2);
    // What another market left is in the report, and not in this one's account.
    expect(report.account).toMatchObject({ position: -2, realized_pnl: 0, unrealized_pnl: expect.any(Number) });
    for (const { placed_at } of report.orders)
      expect(Date.parse(placed_at ?? "")).toBeGreaterThan(Date.now() - 600_000);

    const [summary] = await reportsOf("/reports?session_id=trader");
    expect(summary).toMatchObject({ session_id: "trader", orders: 4, name: expect.stringContaining("trader") });
    expect(await reportsOf()).toEqual([summary]);

    const { text, headers } = await api.ask("GET", summary?.csv_url ?? "");
    expect(headers.get("content-type")).toContain("text/csv");
    const [head = "", ...lines] = text.trimEnd().split("\r\n");
    const rows = lines.map((line) =>
      Object.fromEntries(line.split(",").map((cell, nth) => [head.split(",")[nth], cell])),
    );
    expect(rows).toMatchObject(
      report.orders.map(({ id, side, filled, fill, pnl_so_far, scenario }) => ({
        order_id: id,
        side,
        scenario,
        filled: `${filled}`,
        price: `${fill?.price}`,
        pnl: `${fill?.pnl}`,
        pnl_so_far: `${pnl_so_far}`,
        position: `${fill?.account?.position}`,
      })),
    );
  });

  test("[A92] list what is known of orders from before fills were stored", async () => {
    await simulate(api, "older");
    const { tape } = await order(api, "older", "BUY", 1);
    const [given] = await api.store.orders("older");
    const { id, after, seq, side, quantity, filled } = given ?? { id: "" };
    const text = JSON.stringify({ id, after, seq, side, quantity, filled });
    await api.redis.lset(api.keys.orders("older"), 0, text);
    const { report } = tradeReportAnswer.parse((await api.ask("GET", "/reports/older")).json);
    expect(report.orders).toMatchObject([{ id, side: "BUY", quantity: 1, fill: null, symbol: null, placed_at: null }]);
    // Its tape is still made of it.
    expect((await api.sessions.perform("older", { type: "pause" })).record.tape).toBe(tape);
  });
});

describe("with users, reports", () => {
  async function as(user: string, role?: string): Promise<{ headers: Record<string, string> }> {
    const token = new SignJWT(role === undefined ? {} : { role }).setProtectedHeader({ alg: "HS256" });
    const signed = await token.setSubject(user).setExpirationTime("1m").sign(new TextEncoder().encode(secret));
    return { headers: { authorization: `Bearer ${signed}` } };
  }

  test("[A93] are only those of sessions that the caller may view", async () => {
    for (const [id, user] of [
      ["of-ada", "ada"],
      ["of-bob", "bob"],
    ] as const) {
      await simulate(strict, id, user);
      await order(strict, id, "BUY", 1);
    }
    const seenBy = async (user: string, role?: string) => {
      const { json } = await strict.ask("GET", "/reports", await as(user, role));
      return reportsAnswer.parse(json).reports.map(({ session_id }) => session_id);
    };
    expect(await seenBy("ada")).toEqual(["of-ada"]);
    expect(await seenBy("cleo")).toEqual([]);
    expect((await seenBy("root", "admin")).sort()).toEqual(["of-ada", "of-bob"]);
    const ada = await as("ada");
    const statuses = ["/reports?session_id=of-bob", "/reports/of-bob", "/reports/of-bob/orders.csv"].map(
      async (path) => (await strict.ask("GET", path, ada)).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 404, 404]);
    expect((await strict.ask("GET", "/reports?session_id=of-bob", ada)).json).toMatchObject({ reports: [] });
    expect((await strict.ask("GET", "/reports/of-ada", ada)).status).toBe(200);
    expect((await strict.ask("GET", "/reports")).status).toBe(401);
  });
});
