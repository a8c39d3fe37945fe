import { createHash } from "node:crypto";
import { RandomStream } from "@tapedeck/market";
import { isoOfNs, type OrderBody } from "@tapedeck/protocol";
import { afterAll, describe, expect, inject, test, vi } from "vitest";
import { recordedFiles } from "../../../test/support/tapes.js";
import type { ActionRequest } from "./actions/plan-action.js";
import { importedTape, tradingOnRedis } from "./testing.js";
import { Trading } from "./trading.js";

const { store, tape } = await importedTape(recordedFiles("primary"));
const rig = tradingOnRedis(inject("redisUrl"), store);
afterAll(() => rig.close());
if (tape === undefined) process.stderr.write("\nSKIPPED: trading on a recording, without the recording of 2023\n\n");

test("[TR51] orders in SIMULATION and those of the command have one market, and accounts of their own", async () => {
  const { record } = await rig.sessions.open(undefined, { mode: "SIMULATION", seed: 42, speed: 0.1 });
  const { id } = record;
  await rig.trading.act(id, { kind: "place", order: { side: "buy", type: "MARKET", amount: "1" } });
  await rig.sessions.perform(id, { type: "order", side: "BUY", quantity: 1 });
  await rig.sessions.perform(id, { type: "pause" });
  await rig.sessions.perform(id, { type: "seek", to: { seq: 200 } });
  const forked = await rig.record(id);
  expect(forked.tape).not.toBe(record.tape);
  expect(forked).toMatchObject({ orders: 1, account: { position: 1 } });
  expect(await rig.standing(id)).toMatchObject({ orders: [{ status: "FILLED", amount: expect.stringMatching(/^1/) }] });
  expect(await rig.trading.branches(id)).toEqual([]);
});

describe.skipIf(tape === undefined)("on the futures recording of 2023", () => {
  const market = (side: "buy" | "sell", amount = "0.010"): ActionRequest => ({
    kind: "place",
    order: { side, type: "MARKET", amount },
  });
  const place = (order: Partial<OrderBody> & Pick<OrderBody, "price">): ActionRequest => ({
    kind: "place",
    order: { side: "buy", type: "LIMIT", amount: "0.100", ...order },
  });
  const open = (seq: number) => rig.open({ tape, seq });
  const seek = (id: string, seq: number) => rig.sessions.perform(id, { type: "seek", to: { seq } });
  const send = async (id: string, request: ActionRequest) => `${(await rig.trading.act(id, request)).number}`;

  test("[TR1] [TR3] an order that was sent while the session was paused arrives when the market plays on", async () => {
    const { id } = await open(500);
    const order_id = await send(id, market("buy"));
    expect(await rig.standing(id)).toMatchObject({ orders: [{ order_id, status: "PENDING" }], fills: [] });
    await rig.sessions.perform(id, { type: "step", by: { frames: 1 } });
    expect(await rig.standing(id)).toMatchObject({
      orders: [{ order_id, status: "FILLED", filled: "0.010", open: "0.000" }],
      fills: [{ order_id, side: "buy", amount: "0.010", liquidity: "taker", position: "10.010" }],
    });
  });

  test("[TR6] numbers that do not fit, and orders that are not open, are refused and change nothing", async () => {
    const { id } = await open(500);
    const refused = (request: ActionRequest) => expect(rig.trading.act(id, request)).rejects;
    await refused(place({ price: "28000.15" })).toMatchObject({
      code: "INVALID_VALUE",
      message: "price: must have at most 1 decimals. Nothing was changed.",
    });
    await refused({ kind: "cancel", orderId: "7" }).toMatchObject({ code: "ORDER_NOT_FOUND" });
    expect((await rig.record(id)).chain).toBeNull();
    const orderId = await send(id, market("buy"));
    await seek(id, 510);
    await refused({ kind: "cancel", orderId }).toMatchObject({ code: "ORDER_NOT_OPEN", status: 409 });
  });

  test("[TR6] what the venue refuses is rejected when it arrives, with the reason", async () => {
    const { id } = await open(500);
    await send(id, market("sell", "11.000"));
    await send(id, { kind: "place", order: { side: "buy", type: "LIMIT", amount: "1.000" } });
    await seek(id, 501);
    expect((await rig.standing(id))?.orders).toMatchObject([
      { status: "REJECTED", reason: expect.stringContaining("INSUFFICIENT_BALANCE: ") },
      { status: "REJECTED", reason: expect.stringContaining("MISSING_FIELD: ") },
    ]);
  });

  test("[TR9] a stop order gets another stop price, and says so once it has been triggered", async () => {
    const { id } = await open(500);
    const order = async () => (await rig.standing(id))?.orders[0];
    const orderId = await send(id, {
      kind: "place",
      order: { side: "sell", type: "STOP", amount: "0.010", stop_price: "10000.0" },
    });
    await seek(id, 510);
    const change = { stop_price: "10000.5", amount: "0.020" };
    await send(id, { kind: "replace", orderId, change });
    await seek(id, 520);
    expect(await order()).toMatchObject({ stop_price: "10000.5", price: null, amount: "0.020", status: "NEW" });
    expect(await order()).not.toHaveProperty("triggered");
    // Just below the market: it comes there.
    const { account } = (await rig.standing(id)) ?? {};
    await send(id, { kind: "replace", orderId, change: { stop_price: below(account?.last_price) } });
    await seek(id, 5_000);
    expect(await order()).toMatchObject({ stop_price: below(account?.last_price), status: "FILLED", triggered: true });
  });

  test("[TR17] orders of a list are sent, found, ended and undone together", async () => {
    const { id } = await open(500);
    const stop = { side: "sell", type: "STOP", amount: "0.100", stop_price: "27000.0" } as const;
    const profit = { side: "sell", type: "LIMIT", amount: "0.100", price: "30000.0" } as const;
    const first = { side: "buy", type: "LIMIT", amount: "0.100", price: "30000.0" } as const;
    const { number, orders } = await rig.trading.performList(id, {
      first,
      others: [stop, profit],
      client_list_id: "l",
    });
    expect(orders.map(({ order_id, status, list }) => [order_id, status, list?.waits])).toEqual([
      [`${number}`, "PENDING", false],
      [`${number + 1}`, "PENDING", true],
      [`${number + 2}`, "PENDING", true],
    ]);
    const list = { list_id: `${number}`, client_list_id: "l", contingency: "OTOCO", waits: false };
    expect(orders[0]?.list).toEqual(list);
    await seek(id, 501);
    const states = async () => (await rig.standing(id))?.orders.map(({ status, reason }) => [status, reason]);
    expect(await states()).toEqual([
      ["FILLED", null],
      ["NEW", null],
      ["NEW", null],
    ]);
    expect((await rig.standing(id))?.open).toMatchObject([{ list }, { list }]);
    await send(id, { kind: "cancel", orderId: `${number + 2}` });
    await seek(id, 502);
    expect(await states()).toEqual([
      ["FILLED", null],
      ["CANCELED", "canceled"],
      ["CANCELED", "canceled"],
    ]);
    await seek(id, 501);
    expect(await states()).toEqual([
      ["FILLED", null],
      ["NEW", null],
      ["NEW", null],
    ]);
    await seek(id, 499);
    expect(await rig.standing(id)).toMatchObject({ orders: [], fills: [], account: { base: "10.000" } });
    await expect(rig.trading.performList(id, { others: [stop] })).rejects.toMatchObject({ code: "INVALID_VALUE" });
  });

  test("[TR18] an order that is sent once is in the log once, however often and through how many nodes it is sent", async () => {
    const { id } = await open(500);
    const named = (client_order_id: string, amount = "0.010"): ActionRequest & { kind: "place" } => ({
      kind: "place",
      order: { side: "buy", type: "MARKET", amount, client_order_id },
    });
    const nodes = [rig.trading, rig.another(), rig.another()];
    const once = { once: true };
    const all = await Promise.all(
      ["one", "two", "one", "three", "one", "two"].flatMap((name) =>
        nodes.map(async (node) => ({ name, ...(await node.perform(id, named(name), once)) })),
      ),
    );
    const numbers = new Map(all.map(({ name, number }) => [name, number]));
    for (const { name, number, order } of all) {
      expect(number).toBe(numbers.get(name));
      expect(order).toMatchObject({ order_id: `${number}`, client_order_id: name });
    }
    expect([...numbers.values()].sort()).toEqual([2, 3, 4]);
    await seek(id, 600);
    const before = await rig.record(id);
    const again = await rig.another().perform(id, named("one"), once);
    expect(again.order).toMatchObject({ order_id: `${numbers.get("one")}`, status: "FILLED" });
    const refused = (request: ActionRequest & { kind: "place" }) =>
      expect(rig.trading.perform(id, request, once)).rejects.toMatchObject({ code: "INVALID_VALUE" });
    await refused(named("one", "0.020"));
    await refused({ kind: "place", order: { side: "buy", type: "MARKET", amount: "0.010" } });
    expect(await rig.record(id)).toEqual(before);
    expect((await rig.standing(id))?.orders).toHaveLength(3);

    // Otherwise the name of an order that has ended may be given again; the newest one has it then.
    const second = await rig.trading.perform(id, named("one"));
    expect((await rig.trading.perform(id, named("one"), once)).number).toBe(second.number);
    // What a rewind has undone was not sent.
    await seek(id, 400);
    const anew = await rig.trading.perform(id, named("one"), once);
    expect(anew.number).toBeGreaterThan(second.number);
  });

  test("[TR18] so is a list of orders", async () => {
    const { id } = await open(500);
    const stop = { side: "sell", type: "STOP", amount: "0.100", stop_price: "27000.0" } as const;
    const profit = { side: "sell", type: "LIMIT", amount: "0.100", price: "30000.0" } as const;
    const list = { others: [stop, { ...profit, client_order_id: "l" }], client_list_id: "l" };
    const sent = await rig.trading.performList(id, list, { once: true });
    const again = await rig.another().performList(id, list, { once: true });
    expect(again.orders).toEqual(sent.orders);
    const other = { ...list, others: [stop, profit] };
    await expect(rig.trading.performList(id, other, { once: true })).rejects.toMatchObject({ code: "INVALID_VALUE" });
    expect((await rig.standing(id))?.orders).toHaveLength(2);
  });

  test("[TR4] a session sends as many actions as it may, and the settings of its chain are one", async () => {
    const { id } = await open(500);
    const { store, sessions, tapes } = rig;
    const trading = new Trading({ store, sessions, tapes, mostActions: 3 });
    const order = place({ price: "20000.0" });
    for (let sent = 0; sent < 2; sent++) await trading.act(id, order);
    await expect(trading.act(id, order)).rejects.toMatchObject({ code: "TOO_MANY_ORDERS" });
    await send(id, order); // another limit
  });

  test("[TR44] what a node has not heard of begins with the first of several actions", async () => {
    const { id } = await open(500);
    const first = Number(await send(id, place({ price: "20000.0" })));
    await seek(id, 900);
    const others = [place({ price: "20001.0" }), place({ price: "20002.0" })];
    await send(id, others[0] ?? expect.fail());
    await seek(id, 950);
    await send(id, others[1] ?? expect.fail());
    const record = await rig.record(id);
    const sentAfter = (known: number | undefined) => rig.trading.sentAfter(record, known);
    const opened = await rig.tapes.open(record.tape);
    expect(await sentAfter(first)).toBe(await opened.nsOf(900));
    for (const known of [undefined, record.chain?.root, 99])
      expect(await sentAfter(known)).toBe(await opened.nsOf(500));
  });

  test("[TR15] [TR16] an order ends at its time, and what is open when a countdown ends, on every node", async () => {
    const { id } = await open(500);
    const opened = await rig.tapes.open((await rig.record(id)).tape);
    const at = async (seq: number) => opened.startNs + BigInt(await opened.nsOf(seq));
    const expires_at = isoOfNs(await at(600), 9);
    const order = { side: "buy", type: "LIMIT", amount: "0.100", price: "27000.0" } as const;
    await send(id, { kind: "place", order: { ...order, expires_at } });
    await send(id, { kind: "place", order });
    await send(id, { kind: "countdown", ns: (await at(700)) - (await at(500)) });
    const states = async (seq: number) => {
      await seek(id, seq);
      const standing = await rig.standing(id, rig.another());
      expect(standing).toEqual(await rig.standing(id));
      return standing?.orders.map(({ status, reason, updated_at }) => [status, reason, updated_at]);
    };
    const rests = ["NEW", null, expect.any(String)];
    expect(await states(600)).toEqual([rests, rests]);
    const ended = ["EXPIRED", "expired", expires_at];
    expect(await states(601)).toEqual([ended, rests]);
    expect(await states(701)).toEqual([ended, ["CANCELED", "countdown", isoOfNs(await at(700), 9)]]);
    expect(await states(550)).toEqual([rests, rests]);
  });

  test("[TR20] [TR21] a rewind undoes what was sent later, and what was left can be looked at", async () => {
    const { id } = await open(500);
    const first = await send(id, place({ price: "27000.0" }));
    await seek(id, 1_000);
    await send(id, market("buy", "1.000"));
    await seek(id, 1_100);
    const before = await rig.standing(id);
    expect(before).toMatchObject({ fills: expect.arrayContaining([]), account: { base: "11.000" } });
    await seek(id, 700);
    expect(await rig.standing(id)).toMatchObject({
      orders: [{ order_id: first, status: "NEW" }],
      fills: [],
      account: { base: "10.000" },
    });
    await seek(id, 1_100);
    expect((await rig.standing(id))?.fills).toEqual([]);
    const [branch, ...older] = await rig.trading.branches(id);
    expect(older).toEqual([]);
    expect(branch).toMatchObject({ seq: 1_100, tape });
    expect((await rig.trading.branchAt(await rig.record(id), branch?.id ?? "")).standing).toEqual(before);
    await seek(id, 100);
    expect(await rig.standing(id)).toMatchObject({ orders: [], account: { base: "10.000", locked_quote: "0" } });
    expect(await rig.trading.branches(id)).toHaveLength(2);
    await expect(rig.trading.branchAt(await rig.record(id), "1")).rejects.toMatchObject({ code: "BRANCH_NOT_FOUND" });
  });

  test("[TR20] stop, goback, a step back and a round of a loop are rewinds; pausing and going on are none", async () => {
    const { id } = await open(500);
    const orders = async () => (await rig.standing(id))?.orders.map(({ order_id }) => order_id);
    const [first] = [await send(id, place({ price: "27000.0" }))];
    await seek(id, 600);
    const perform = (command: Parameters<typeof rig.sessions.perform>[1]) => rig.sessions.perform(id, command);
    await send(id, market("buy"));
    await perform({ type: "start" });
    await perform({ type: "pause" });
    expect(await orders()).toHaveLength(2);
    await perform({ type: "step", by: { frames: -50 } });
    expect(await orders()).toEqual([first]);
    await send(id, market("buy"));
    await perform({ type: "goback", seconds: 3 });
    expect(await orders()).toEqual([first]);
    await perform({ type: "stop" });
    expect(await orders()).toEqual([]);

    const { from_ts, to_ts } = await roundOf(600, 603);
    await perform({ type: "range", from: from_ts, to: to_ts, loop: true });
    await perform({ type: "speed", value: 1 });
    await perform({ type: "start" });
    await send(id, place({ price: "27000.0" }));
    const ended = async () => (await perform({ type: "wrap" })).changed;
    await vi.waitFor(async () => expect(await ended()).toBe(true), { timeout: 5_000, interval: 20 });
    expect((await rig.record(id)).chain).toMatchObject({ ns: -1 });
    expect((await rig.trading.branches(id))[0]).toMatchObject({ tape });
  });

  /** The times of two frames. */
  async function roundOf(from: number, to: number): Promise<{ from_ts: string; to_ts: string }> {
    const opened = await rig.tapes.open(tape ?? "");
    return { from_ts: opened.iso(await opened.nsOf(from)), to_ts: opened.iso(await opened.nsOf(to)) };
  }

  test("[TR3] Redis refuses an action whose place the playhead may have passed, and a later place is tried", async () => {
    const { id } = await open(500);
    await rig.sessions.perform(id, { type: "start" });
    let attempts = 0;
    const { record } = await rig.sessions.appendActions(id, async (_, now, laterMs) => {
      attempts++;
      const chain = { root: 1, head: 1, tag: "x", ns: -1 };
      return { chain, added: { lines: ["0 x -1 {}"], length: 0 }, by: laterMs === 0 ? now - 1 : undefined };
    });
    expect(attempts).toBe(2);
    expect(record.chain).toMatchObject({ head: 1 });
    expect(await rig.store.actionCount(id)).toBe(1);
    await rig.sessions.remove(id);
    expect(await rig.store.actionCount(id)).toBe(0);
  });

  test("[TR22] another mode begins without actions, and so does the one that is resumed", async () => {
    const { id } = await open(500);
    await send(id, market("buy"));
    await seek(id, 600);
    await rig.sessions.perform(id, { type: "mode", mode: "SIMULATION", seed: 42 });
    expect((await rig.standing(id))?.orders).toEqual([]);
    await rig.sessions.perform(id, { type: "mode", mode: "REPLAY" });
    expect((await rig.standing(id))?.orders).toEqual([]);
    expect(await rig.trading.branches(id)).toMatchObject([{ seq: 600, tape }]);
  });

  test("[TR5] settings can be changed before the first order, and are kept by a rewind", async () => {
    const { id } = await open(500);
    const { settings } = await rig.trading.settings(await rig.record(id));
    const futures = { kind: "futures", wallet: "500", leverage: 10, maintenance_rate: "0.004" } as const;
    await rig.trading.configure(id, { ...settings, account: futures });
    expect((await rig.trading.settings(await rig.record(id))).settings.account).toEqual(futures);
    await send(id, market("sell"));
    await expect(rig.trading.configure(id, settings)).rejects.toMatchObject({ code: "HAS_ORDERS" });
    await seek(id, 600);
    expect((await rig.standing(id))?.account).toMatchObject({ kind: "futures", position: "-0.010" });
    await seek(id, 100);
    expect((await rig.standing(id))?.account).toMatchObject({ kind: "futures", position: "0.000", wallet: "500" });
    await rig.trading.configure(id, settings);
    expect((await rig.standing(id))?.account).toMatchObject({ kind: "spot" });
  });

  test("[TR5] a change of some settings leaves the others as they were asked for, or unset", async () => {
    const { id } = await open(500);
    const set = async () => rig.trading.settings(await rig.record(id));
    const fees = { maker: "0", taker: "0.001" };
    await rig.trading.adjust(id, { fees });
    expect((await set()).settings).toMatchObject({ fees, account: { kind: "spot" }, queue: { model: "risk-averse" } });
    expect((await set()).chain).toMatchObject({ isQueueAuto: true, isAccountUnset: true });
    await rig.trading.adjust(id, { queue: { model: "risk-averse" } });
    expect((await set()).chain).toMatchObject({ isQueueAuto: false, isAccountUnset: true, settings: { fees } });
    const account = { kind: "spot", base: "1", quote: "100" } as const;
    await rig.trading.adjust(id, { account });
    await rig.trading.adjust(id, { fills: "whole" });
    expect((await set()).chain).toMatchObject({
      ...{ isQueueAuto: false, isAccountUnset: false },
      settings: { account, fees, fills: "whole", queue: { model: "risk-averse" } },
    });
    await send(id, market("sell"));
    await expect(rig.trading.adjust(id, { fees })).rejects.toMatchObject({ code: "HAS_ORDERS" });
  });

  test("[TR2] messages of frames are the same however they are asked for, on another process, and after a rewind of the same steps", async () => {
    const { id } = await open(500);
    const random = new RandomStream("messages", "orders", 0);
    for (let seq = 500; seq < 2_500; seq += 1 + random.integerBelow(40)) {
      await seek(id, seq);
      await send(id, anyOrder(random));
    }
    const record = await rig.record(id);
    const whole = await rig.another().between(record, 500, 3_000);
    expect(whole.length).toBeGreaterThan(100);
    const parts = [];
    const other = rig.another();
    for (let from = 500; from < 3_000; ) {
      const to = Math.min(3_000, from + 1 + random.integerBelow(70));
      parts.push(...(await other.between(record, from, to)));
      from = to;
    }
    expect(parts).toEqual(whole);
    await seek(id, 3_000);
    const digest = (standing: object | undefined) =>
      createHash("sha256").update(JSON.stringify(standing)).digest("hex");
    expect(digest(await rig.standing(id, other))).toBe(digest(await rig.standing(id)));
  });

  /** An order around the recording's price. */
  function anyOrder(random: RandomStream): ActionRequest {
    const side = random.chance(0.5) ? "buy" : "sell";
    if (random.chance(0.3)) return market(side, "0.050");
    const price = (28_150 + Math.round(random.normal() * 20)).toFixed(1);
    return place({ side, price, amount: "0.500", time_in_force: random.chance(0.3) ? "IOC" : "GTC" });
  }
});

/** A price a little below another one. */
function below(price: string | null | undefined): string {
  return (Number(price) - 1).toFixed(1);
}
