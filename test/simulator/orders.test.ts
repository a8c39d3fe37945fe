import { describe, expect } from "vitest";
import { test } from "../support/cluster.js";
import "../support/expect.js";
import { anotherNode, bytes, framesOfOrders, market, ownTrades, simulate } from "./simulate.js";

describe("orders in a simulated market", () => {
  test("[SO20] a user's orders show in their own frames, on any node and after a ticker's death, and not in other users' frames", async ({
    cluster,
  }) => {
    const seed = 8_001;
    const mine = await simulate(cluster, { seed });
    const others = await simulate(cluster, { seed });
    const [one, two] = mine.viewers;
    if (one === undefined || two === undefined) throw new Error("two sockets");
    await Promise.all([...mine.viewers, ...others.viewers].map((viewer) => viewer.next(10)));

    const { account, epoch } = await one.command("order", { side: "buy", quantity: 2 });
    expect(account).toMatchObject({ position: 2, realized_pnl: 0, unrealized_pnl: expect.any(Number) });
    for (const viewer of mine.viewers) {
      await viewer.until(() => viewer.messagesOf("trade_event").length === 1, "the fill");
      expect(viewer.messagesOf("trade_event")[0]?.data).toMatchObject({ side: "BUY", size: 2, type: "ENTRY", pnl: 0 });
      await viewer.until(() => bytes(viewer.frames, epoch).size > 20, "frames after the order");
    }
    const { epochFromSeq, tape: name } = await cluster.record(mine.id);
    expect([...bytes(one.frames, epoch).keys()][0]).toBe(epochFromSeq);
    const [first = 0] = await framesOfOrders(cluster, mine.id);
    expect(ownTrades(bytes(one.frames, epoch).get(first)).reduce((sum, { size }) => sum + size, 0)).toBeCloseTo(2, 8);

    const fill = one.marketFills[0];
    const { mid_price } = JSON.parse(bytes(one.frames, epoch).get(first) ?? "");
    expect(fill?.account?.unrealized_pnl).toBeCloseTo(2 * (mid_price - (fill?.price ?? Number.NaN)), 6);
    const held = (await cluster.http.session(mine.id)).account;
    expect(held?.total_pnl).toBe(held?.unrealized_pnl);

    const { ticker } = await cluster.record(mine.id);
    const victim = cluster.tickers.find(({ name }) => ticker.startsWith(`${name}-`));
    if (victim === undefined) throw new Error(`no ticker ${ticker}`);
    cluster.signal(victim, "SIGKILL");
    const dead = one.lastSeq;
    await Promise.all(mine.viewers.map((viewer) => viewer.until(() => viewer.lastSeq > dead + 20, "frames again")));
    const [here, there] = mine.viewers.map(({ frames }) => bytes(frames, epoch));
    const shared = [...(here ?? [])].filter(([seq]) => there?.has(seq));
    expect(shared.length).toBeGreaterThan(30);
    for (const [seq, json] of shared) expect(there?.get(seq)).toBe(json);

    const base = await market(seed);
    const own = await anotherNode(cluster, mine.id).open(name);
    for (const [seq, json] of here ?? []) expect(json).toBe((await own.load(seq)).json(seq));
    expect(here?.get(first)).not.toBe((await base.load(first)).json(first));
    for (const viewer of others.viewers) {
      await viewer.until(() => viewer.lastSeq > first + 20, "the others' frames");
      expect(viewer.frames).toHaveConsecutiveSeqs();
      for (const [seq, json] of bytes(viewer.live)) expect(json).toBe((await base.load(seq)).json(seq));
      expect(viewer.messagesOf("trade_event")).toEqual([]);
    }
    await cluster.end(mine);
    await cluster.end(others);
    await cluster.untilAllReady();
  });

  test.for([
    { max_fps: 5, speed: 2, pause: 5 },
    { max_fps: 0, speed: 20, pause: 40 },
    { max_fps: 30, speed: 1, pause: 0 },
    // Three seconds of market a message. Ten times as fast a market would keep more than a core busy: the rules' tests have that.
    { max_fps: 30, speed: 100, pause: 4 },
  ])(
    "[SO21] no frame is left out around an order, and fills are shown once; history is kept: %j",
    async ({ pause, ...choice }, { cluster }) => {
      const mine = await simulate(cluster, { seed: 8_002, ...choice });
      const [viewer, late] = mine.viewers;
      await viewer?.next(5);
      for (const side of ["BUY", "SELL"]) {
        await cluster.http.control(mine.id, "order", { side, quantity: 1 });
        await viewer?.next(pause);
      }
      const [, last = 0] = await framesOfOrders(cluster, mine.id);
      for (const each of mine.viewers) await each.until(() => each.lastSeq >= last, "the frame of the last order");
      const frames = viewer?.live ?? [];
      const order = await framesOfOrders(cluster, mine.id);
      for (const seq of order) {
        const shown = frames.filter((frame) => frame.prev < seq && seq <= frame.seq);
        expect(shown).toHaveLength(1);
        expect(ownTrades(shown[0]?.json).length).toBeGreaterThan(0);
      }
      const gaps = frames.filter(({ prev }, at) => at > 0 && prev > (frames[at - 1]?.seq ?? 0));
      expect(gaps).toEqual([]);
      // The first order forks the tape; the next one goes on from it, and so does the epoch.
      const states = viewer?.messagesOf("state").filter(({ session }) => session.tape?.includes("~")) ?? [];
      expect(new Set(states.map(({ session }) => session.epoch)).size).toBe(1);
      expect(new Set(states.map(({ session }) => session.tape)).size).toBe(2);
      expect(late?.marketFills.map(({ type }) => type)).toEqual(["ENTRY", "EXIT"]);
      expect(await cluster.record(mine.id)).toMatchObject({ historyFromSeq: 0 });
      const newcomer = await cluster.watch(mine.id);
      await newcomer.next(1);
      await cluster.end({ id: mine.id, viewers: [...mine.viewers, newcomer] });
    },
  );

  test("[SO25] who was away when orders were given gets every frame, with the fills, on coming back", async ({
    cluster,
  }) => {
    const mine = await simulate(cluster, { seed: 8_006, speed: 3 });
    const [viewer, other] = mine.viewers;
    await viewer?.next(5);
    viewer?.drop();
    await viewer?.until(() => viewer.closed !== undefined, "the loss");
    for (const side of ["BUY", "SELL"]) {
      await other?.command("order", { side, quantity: 1 });
      await other?.next(10);
    }
    const orders = await framesOfOrders(cluster, mine.id);
    await other?.until(() => other.lastSeq >= Math.max(...orders), "the frame of the last order");
    await viewer?.resume();
    await viewer?.until(() => viewer.lastSeq > Math.max(...orders) + 5, "the frames since");
    const frames = viewer?.frames ?? [];
    expect(frames.filter(({ prev }, at) => at > 0 && prev > (frames[at - 1]?.seq ?? 0))).toEqual([]);
    for (const seq of orders) {
      const sides = frames.filter((frame) => frame.seq === seq).map(({ json }) => ownTrades(json).length > 0);
      expect(sides).toEqual([true]);
    }
    const resumed = viewer?.messagesOf("history").slice(1);
    expect(resumed?.every(({ complete }) => complete)).toBe(true);
    await cluster.end(mine);
  });

  test("[SO22] a rewind keeps the account, and the next order leaves those after it behind", async ({ cluster }) => {
    const mine = await simulate(cluster, { seed: 8_003 });
    const [viewer] = mine.viewers;
    await viewer?.next(15);
    const { session_id: id } = await cluster.http.control(mine.id, "order", { side: "SELL", quantity: 1 });
    const [first = 0] = await framesOfOrders(cluster, id);
    await viewer?.next(5);
    // So slow that however long it takes to give the next order, it comes before the first one's frame.
    await cluster.http.control(id, "speed/0.1");
    const { account } = await cluster.http.control(id, "seek", { seq: 1 });
    expect(account?.position).toBe(-1);
    const bought = await cluster.http.control(id, "order", { side: "BUY", quantity: 3 });
    await cluster.http.control(id, "speed/10");
    expect(bought.account?.position).toBe(2);
    const orders = (await cluster.redis.lrange(cluster.keys.orders(id), 0, -1)).map((text) => JSON.parse(text));
    expect(orders).toMatchObject([
      { side: "SELL", after: "" },
      { side: "BUY", after: "" },
    ]);
    await viewer?.until(() => bytes(viewer.frames, bought.epoch).has(first), "the frame of the first order");
    expect(ownTrades(bytes(viewer?.frames ?? [], bought.epoch).get(first))).toEqual([]);
    await cluster.end(mine);
  });

  test("[SO23] what cannot be is refused with 409, and nothing was changed", async ({ cluster }) => {
    const mine = await simulate(cluster, { seed: 8_004 });
    const [viewer] = mine.viewers;
    await viewer?.next(2);
    await cluster.http.control(mine.id, "pause");
    const order = (body: unknown, id = mine.id) => cluster.http.refused("POST", `/replay/order/${id}`, body);
    expect(await order({ side: "BUY" })).toEqual({ status: 409, code: "NOT_PLAYING" });
    expect(await order({ side: "HOLD" })).toEqual({ status: 422, code: "INVALID_VALUE" });
    expect(await order({ side: "BUY", quantity: -1 })).toEqual({ status: 422, code: "INVALID_VALUE" });
    await viewer?.until(() => viewer.session?.state === "PAUSED", "word of the pause");
    viewer?.send(JSON.stringify({ type: "ORDER", side: "SELL" }));
    await viewer?.until(() => viewer.messagesOf("error").length === 1, "the refusal");
    expect(viewer?.messagesOf("error")[0]).toMatchObject({ code: "NOT_PLAYING" });
    const { session_id: replay } = await cluster.http.create({});
    expect(await order({ side: "BUY" }, replay)).toEqual({ status: 409, code: "NOT_SIMULATION" });
    expect((await cluster.record(mine.id)).orders).toBe(0);
    await cluster.http.delete(replay);
    await cluster.end(mine);
  });

  test("[SO24] a legacy socket's order is carried out, and whatever else it sends is ignored", async ({ cluster }) => {
    const mine = await simulate(cluster, { seed: 8_005 });
    const old = await cluster.watch(mine.id, { legacy: true });
    await old.next(3);
    for (const side of [undefined, null, 7, "HOLD", {}, "x".repeat(1_000)]) {
      old.send(JSON.stringify({ type: "ORDER", side, quantity: 1 }));
    }
    for (const quantity of [-1, 0, "1", {}, 1e-9]) old.send(JSON.stringify({ type: "ORDER", side: "buy", quantity }));
    old.send("ORDER");
    old.send(JSON.stringify({ type: "ORDER", side: "sElL", quantity: 0.5 }));
    const [viewer] = mine.viewers;
    await viewer?.until(() => viewer.messagesOf("trade_event").length > 0, "the fill");
    expect(viewer?.marketFills.map(({ side, size }) => [side, size])).toEqual([["SELL", 0.5]]);
    const [seq = 0] = await framesOfOrders(cluster, mine.id);
    await old.until(() => old.lastSeq > seq + 3, "frames after the order");
    const sold = ownTrades(old.live.findLast((frame) => frame.prev < seq && seq <= frame.seq)?.json);
    expect(sold.length).toBeGreaterThan(0);
    expect(sold.every(({ side }) => side === "sell")).toBe(true);
    expect(old.types.filter((type) => type !== "snapshot")).toEqual(["history"]);
    expect(old.closed).toBeUndefined();
    await cluster.end({ id: mine.id, viewers: [...mine.viewers, old] });
  });
});
