import { isRefusal, limits, type Mode } from "@tapedeck/protocol";
import { MemoryTapeStore, TapeCatalog } from "@tapedeck/tape";
import { afterAll, describe, expect, inject, test } from "vitest";
import { apply } from "../rules/apply.js";
import type { Tapes } from "../rules/choose-mode.js";
import type { SessionRecord } from "../rules/record.js";
import { resolve } from "../rules/resolve.js";
import { decodeRecord, encodeRecord } from "../store/record-codec.js";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { sessionsOnRedis } from "../testing/sessions-on-redis.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import { viewOf } from "../view.js";

const buy = { type: "order", side: "BUY", quantity: 2 } as const;
const sell = { type: "order", side: "SELL", quantity: 1 } as const;
const tapes = shelf(steadyTape(100));
const simulating = () => createdSession(tapes, { mode: "SIMULATION", seed: 42 });

describe("the rules", () => {
  test("[SO11] an order continues from the playhead, on its own tape and in a new epoch that begins with the next frame", async () => {
    const before = await simulating();
    const after = expectAccepted(await applyCommand(before, buy, noon + 1_234, tapes));
    expect(after).toMatchObject({
      state: "PLAYING",
      anchorNs: 1.234e9,
      anchorSeq: 12,
      anchorWallMs: noon + 1_234,
      publishedSeq: 12,
      epochFromSeq: 13,
      historyFromSeq: before.historyFromSeq,
      rev: before.rev + 1,
      orders: 1,
      account: { position: 2, average_price: 100, realized_pnl: 0 },
      lastFill: { side: "BUY", size: 2, price: 100, type: "ENTRY", pnl: 0 },
    });
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.tape).not.toBe(before.tape);
  });

  test("[SO11] one that follows the last order stays in its epoch; one that drops later orders begins another", async () => {
    const appending = (appended: boolean): Tapes => ({
      ...tapes,
      fork: async (tape, id, order) => {
        const forked = await tapes.fork(tape, id, order);
        return forked && { ...forked, appended };
      },
    });
    const first = expectAccepted(await applyCommand(await simulating(), buy, noon + 1_000, tapes));
    const second = expectAccepted(await applyCommand(first, sell, noon + 2_000, appending(true)));
    expect(second).toMatchObject({
      epoch: first.epoch,
      epochFromSeq: 11,
      anchorSeq: 20,
      rev: first.rev + 1,
      orders: 2,
    });
    const other = expectAccepted(await applyCommand(second, sell, noon + 3_000, appending(false)));
    expect(other).toMatchObject({ epochFromSeq: 31, orders: 3 });
    expect(other.epoch).toBeGreaterThan(second.epoch);
  });

  test("[SO12] only a playing simulated market accepts orders, up to a limit", async () => {
    const session = await simulating();
    const refused = async (change: object, ms = 500) => {
      const result = await applyCommand({ ...session, ...change }, buy, noon + ms, tapes);
      return isRefusal(result) && result.refused;
    };
    expect(await refused({ state: "PAUSED" })).toBe("NOT_PLAYING");
    expect(await refused({ state: "STOPPED" })).toBe("NOT_PLAYING");
    expect(await refused({}, 60_000)).toBe("NOT_PLAYING");
    expect(await refused({ orders: limits.orders })).toBe("TOO_MANY_ORDERS");
    expect(await refused({ mode: "REPLAY" })).toBe("NOT_SIMULATION");
    const noLiquidity = { ...tapes, fork: async () => undefined };
    expect(await applyCommand(session, buy, noon, noLiquidity)).toMatchObject({ refused: "NOT_FILLED" });
  });

  test("[SO16] an order takes effect with a frame that is not due yet, however long it takes to compute", async () => {
    const session = await simulating();
    const tried: number[] = [];
    const resolvedIn = async (...took: number[]) => {
      tried.length = 0;
      let ms = 0;
      const slow: Tapes = {
        ...tapes,
        fork: (tape, id, order) => {
          tried.push(order.seq);
          ms += took.shift() ?? 700;
          return tapes.fork(tape, id, order);
        },
      };
      const resolved = await resolve(session, buy, noon + 1_050, slow, { sinceRead: () => ms });
      if (isRefusal(resolved)) return resolved.refused;
      const after = expectAccepted(apply(session, resolved.command, resolved.moment));
      return [after.epochFromSeq, after.anchorWallMs - noon];
    };
    expect(await resolvedIn(20)).toEqual([11, 1_070]);
    expect(tried).toEqual([11]);
    // A moment before its frame is due it is too late as well: it has still to be written down.
    expect(await resolvedIn(47, 20)).toEqual([12, 1_117]);
    expect(tried).toEqual([11, 12]);
    // The first node to give one is slow: its code is not compiled yet.
    expect(await resolvedIn(500, 20)).toEqual([16, 1_570]);
    expect(tried).toEqual([11, 17]);
    expect(await resolvedIn()).toBe("BUSY");
    expect(tried).toHaveLength(5);
  });

  test("[SO16] [SO17] at a thousand times the pace an order takes effect forty seconds of market ahead, and the next one behind it", async () => {
    const market = { ...tapes, open: async (id: string) => steadyTape(10_000, 100, { id }) };
    const session = expectAccepted(
      await applyCommand(await simulating(), { type: "speed", value: 1000 }, noon + 10, market),
    );
    const given: number[] = [];
    const noting: Tapes = {
      ...market,
      fork: (tape, id, order) => {
        given.push(order.seq);
        return market.fork(tape, id, order);
      },
    };
    const first = await resolve(session, buy, noon + 110, noting, { sinceRead: () => 0 });
    if (isRefusal(first)) throw new Error(first.message);
    // A hundred ms of playing are a thousand frames; what is ordered then shows from 40 ms on, and is to be written down 5 ms before.
    expect(given).toEqual([1_401]);
    expect(first.by).toBeCloseTo(noon + 110 + 40.1 - 5, 0);
    const after = expectAccepted(apply(session, first.command, first.moment));
    expect(after).toMatchObject({ epochFromSeq: 1_001, anchorSeq: 1_000, orderSeq: 1_401 });
    expectAccepted(await applyCommand(after, sell, noon + 111, noting));
    expect(given[1]).toBe(1_411);
  });

  test("[SO27] an order's frame lies at most five minutes of market ahead: an order that takes longer is refused", async () => {
    const market = { ...tapes, open: async (id: string) => steadyTape(20_000, 100, { id }) };
    const fast = expectAccepted(
      await applyCommand(await simulating(), { type: "speed", value: 1000 }, noon + 10, market),
    );
    const aheadS: number[] = [];
    let ms = 0;
    const slow: Tapes = {
      ...market,
      fork: (tape, id, order) => {
        aheadS.push((order.seq - 100) / 10 - ms);
        ms += 400;
        return market.fork(tape, id, order);
      },
    };
    const refused = await resolve(fast, buy, noon + 20, slow, { sinceRead: () => ms });
    expect(refused).toMatchObject({
      refused: "BUSY",
      message: expect.stringContaining("within 5 minutes of market ahead"),
    });
    expect(aheadS.map(Math.round)).toEqual([40, 80, 160]);
  });

  test("[SO17] no order takes effect before an earlier one, unless the session went back before it", async () => {
    const given: number[] = [];
    const noting: Tapes = {
      ...tapes,
      open: async (id) => steadyTape(100, 100, { id }),
      fork: (tape, id, order) => {
        given.push(order.seq);
        return tapes.fork(tape, id, order);
      },
    };
    const late = { ...expectAccepted(await applyCommand(await simulating(), buy, noon + 1_000, noting)), orderSeq: 15 };
    const next = expectAccepted(await applyCommand(late, buy, noon + 1_010, noting));
    const back = expectAccepted(await applyCommand(next, { type: "goback", seconds: 0.1 }, noon + 1_020, noting));
    await applyCommand(back, buy, noon + 1_020, noting);
    expect(given).toEqual([11, 15, 10]);
  });

  const forkOpens = { ...tapes, open: async (id: string) => steadyTape(100, 100, { id }) };
  const toMode = async (session: SessionRecord, mode: Mode, choice: { seed?: number } = {}) =>
    expectAccepted(await applyCommand(session, { type: "mode", mode, ...choice }, noon + 4_000, forkOpens));

  test("[SO13] the account survives a rewind and other modes, and ends with its market", async () => {
    const bought = expectAccepted(await applyCommand(await simulating(), buy, noon + 2_000, tapes));
    const rewound = expectAccepted(
      await applyCommand(bought, { type: "seek", to: { seq: 3 } }, noon + 3_000, forkOpens),
    );
    expect(rewound).toMatchObject({ tape: bought.tape, account: bought.account, orders: 1 });
    const replaying = await toMode(rewound, "REPLAY");
    expect(replaying.account).toEqual({ position: 0, average_price: null, realized_pnl: 0 });
    const back = await toMode(replaying, "SIMULATION");
    expect(back).toMatchObject({ tape: bought.tape, account: bought.account, orders: 1, lastFill: bought.lastFill });
    const other = await toMode(back, "SIMULATION", { seed: 43 });
    expect(other).toMatchObject({ account: { position: 0, average_price: null, realized_pnl: 0 }, lastFill: null });
    expect(other.orders).toBe(1);
    const anew = await toMode(other, "SIMULATION", { seed: 42 });
    expect(anew).toMatchObject({ account: { position: 0 }, tape: (await simulating()).tape });
  });

  test("[SO13] [SO17] an order that waits for its frame still waits for it when the session returns to its market", async () => {
    const given: number[] = [];
    const noting: Tapes = {
      ...forkOpens,
      fork: (tape, id, order) => {
        given.push(order.seq);
        return tapes.fork(tape, id, order);
      },
    };
    const waiting = {
      ...expectAccepted(await applyCommand(await simulating(), buy, noon + 1_000, noting)),
      orderSeq: 55,
    };
    const back = await toMode(await toMode(waiting, "REPLAY"), "SIMULATION");
    expect(back.orderSeq).toBe(55);
    await applyCommand(back, buy, noon + 4_010, noting);
    expect(given).toEqual([11, 55]);
  });

  test("[SO14] the hash has the account, the view shows it only in SIMULATION, and older hashes are read", async () => {
    const after = expectAccepted(await applyCommand(await simulating(), buy, noon + 1_000, tapes));
    const hash = encodeRecord(after);
    expect(decodeRecord(hash)).toEqual(after);
    const {
      position: _,
      average_price: __,
      realized_pnl: ___,
      orders: ____,
      last_fill: _____,
      order_seq: ______,
      ...older
    } = hash;
    expect(decodeRecord(older)).toMatchObject({
      account: { position: 0, average_price: null, realized_pnl: 0 },
      orders: 0,
      lastFill: null,
      orderSeq: null,
    });
    expect(() => decodeRecord({ ...hash, last_fill: "{" })).toThrow("last_fill");
    const context = { position: undefined, tape: undefined, now: noon, connections: 0 };
    expect(viewOf(after, context).account).toEqual({ ...after.account, unrealized_pnl: null, total_pnl: null });
    expect(viewOf(after, { ...context, mid: 99.5 }).account).toMatchObject({ unrealized_pnl: -1, total_pnl: -1 });
    expect(viewOf({ ...after, mode: "REPLAY" }, context)).not.toHaveProperty("account");
  });
});

describe("on Redis", () => {
  const catalog: TapeCatalog = new TapeCatalog(new MemoryTapeStore(), {
    cacheBytes: 8 << 20,
    orders: (id) => rig.store.orders(id),
  });
  const rig = sessionsOnRedis(inject("redisUrl"), { tapes: catalog });
  afterAll(() => rig.close());

  test("[SO15] orders are stored with their change, live as long as the session and are deleted with it", async () => {
    const { record } = await rig.sessions.open("mine", { mode: "SIMULATION", seed: 42 });
    const first = (await rig.sessions.perform("mine", buy)).record;
    const second = (await rig.sessions.perform("mine", sell)).record;
    const orders = await rig.store.orders("mine");
    expect(orders).toMatchObject([
      { side: "BUY", quantity: 2, after: "", filled: 2 },
      { side: "SELL", quantity: 1, after: orders[0]?.id, filled: 1 },
    ]);
    const seq = orders[1]?.seq ?? 0;
    expect(seq).toBeGreaterThanOrEqual(second.epochFromSeq);
    expect(second.account.position).toBe(1);
    expect(second.lastFill).toMatchObject({ type: "EXIT", side: "SELL", size: 1 });
    expect(second).toMatchObject({ epoch: first.epoch, epochFromSeq: first.epochFromSeq, rev: first.rev + 1 });
    expect((await rig.store.epochs("mine")).map(({ tape }) => tape)).toEqual([record.tape]);
    expect(await rig.redis.ttl(rig.keys.orders("mine"))).toBe(3600);

    const elsewhere = new TapeCatalog(new MemoryTapeStore(), {
      cacheBytes: 8 << 20,
      orders: (id) => rig.store.orders(id),
    });
    const [here, there] = [await catalog.open(second.tape), await elsewhere.open(second.tape)];
    expect((await there.load(seq)).json(seq)).toBe((await here.load(seq)).json(seq));

    await rig.sessions.perform("mine", { type: "pause" });
    await expect(rig.sessions.perform("mine", buy)).rejects.toMatchObject({ code: "NOT_PLAYING", status: 409 });
    expect(await rig.store.orders("mine")).toHaveLength(2);
    await rig.sessions.remove("mine");
    expect(await rig.redis.exists(rig.keys.orders("mine"))).toBe(0);
  });

  test("[SO16] Redis refuses an order whose frame is due, whatever the node's clock says", async () => {
    const { record } = await rig.sessions.open("late", { mode: "SIMULATION", seed: 44 });
    const given = async (ms: number) => {
      const after = { ...record, rev: record.rev + 1, orders: 1 };
      const order = { id: "0123456789ab", after: "", seq: 9, side: "BUY", quantity: 1, filled: 1 } as const;
      return rig.store.replace(record, after, "command", { order, by: (await rig.store.now()) + ms });
    };
    expect(await given(-1)).toBe("too late");
    expect(await rig.store.orders("late")).toEqual([]);
    expect((await rig.store.read("late"))?.record).toEqual(record);
    expect(await given(5_000)).toMatchObject({ rev: record.rev + 1 });
    expect(await rig.store.orders("late")).toHaveLength(1);
    await rig.sessions.remove("late");
  });

  test("[SO15] concurrent orders are each stored once", async () => {
    // Slow enough that the frames of the orders are known, also on a busy machine: in other frames there may be no liquidity.
    await rig.sessions.open("many", { mode: "SIMULATION", seed: 43, speed: 0.1 });
    const performed = await Promise.all(Array.from({ length: 4 }, () => rig.sessions.perform("many", sell)));
    const orders = await rig.store.orders("many");
    expect(orders.map(({ after }) => after)).toEqual(["", ...orders.slice(0, -1).map(({ id }) => id)]);
    expect(Math.min(...performed.map(({ record }) => record.account.position))).toBe(-4);
    await rig.sessions.remove("many");
  });
});
