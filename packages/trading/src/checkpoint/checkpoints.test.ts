import { RandomStream } from "@tapedeck/market";
import { isoOfNs, type TradingSettingsInput, tradingSettings } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Seq, Tape } from "@tapedeck/tape";
import { afterAll, describe, expect, inject, test } from "vitest";
import { recordedFiles } from "../../../../test/support/tapes.js";
import { ActionChains } from "../actions/action-chains.js";
import type { ActionRequest } from "../actions/plan-action.js";
import { EventWindows } from "../events/event-windows.js";
import { ChainReplay } from "../replay/chain-replay.js";
import type { ChainAction } from "../replay/sent-actions.js";
import { actionOf } from "../replay/session-replays.js";
import { type ChainSettings, decodeSettings } from "../settings.js";
import { anyList, importedTape, tapeWithin, tradingOnRedis } from "../testing.js";
import { SessionCheckpoints } from "./session-checkpoints.js";

const { store, tape } = await importedTape(recordedFiles("primary"));
const never = { frames: Number.POSITIVE_INFINITY, actions: Number.POSITIVE_INFINITY, everyMs: 0 };
const rig = tradingOnRedis(inject("redisUrl"), store, never);
afterAll(() => rig.close());
if (tape === undefined) process.stderr.write("\nSKIPPED: checkpoints, without the recording of 2023\n\n");

const [first, last] = [300, 1_600];
const windows = new EventWindows();
const often = { frames: 1, actions: 1, everyMs: 0 };

interface Traded {
  readonly record: SessionRecord;
  readonly tape: Tape;
  readonly settings: ChainSettings;
  readonly actions: readonly ChainAction[];
}

const latency = { kind: "log-normal", median_ms: 40, sigma: 0.8, min_ms: 0, max_ms: 1_000 } as const;
const variants: readonly TradingSettingsInput[] = [
  { queue: { model: "power-probability", n: 3 }, latency: { entry: latency, response: latency } },
  { fills: "whole", queue: { model: "log-probability" } },
  {
    account: { kind: "futures", wallet: "400", leverage: 100, maintenance_rate: "0.02" },
    queue: { model: "risk-averse" },
  },
];

describe.skipIf(tape === undefined)("checkpoints of orders on the futures recording of 2023", () => {
  test.each(variants)(
    "[TR70] a replay from a checkpoint is the one from the beginning, bit for bit: %j",
    { timeout: 180_000 },
    async (of) => {
      const traded = await tradeAtRandom(`a${JSON.stringify(of)}`, of);
      const { record, settings, actions } = traded;
      const whole = await fromBeginning(traded);
      const random = new RandomStream("cuts", JSON.stringify(of), 0);
      const restored: ChainReplay[] = [];
      const checkpoints = checkpointsOf(record);
      for (let seq = first + 40; seq < last; seq += 1 + random.integerBelow(200)) {
        await whole.advance(seq);
        await checkpoints.keep(whole, async (look) => look());
        const other = await checkpointsOf(record).restore(traded.tape, settings, actions, seq, windows);
        if (other === undefined) throw new Error(`no checkpoint at frame ${seq}`);
        expect(other.began.seq).toBe(seq);
        expect(stateOf(other)).toEqual(stateOf(whole));
        restored.push(other);
      }
      await whole.advance(last);
      expect(whole.ledger.fills.length).toBeGreaterThan(30);
      expect(restored.length).toBeGreaterThan(5);
      for (const replay of restored) {
        await replay.advance(last);
        expect(stateOf(replay)).toEqual(stateOf(whole));
        expect(replay.told.shown).toEqual(whole.told.shown.filter(({ seq }) => seq > replay.began.seq));
      }
      if (of.account?.kind === "futures") expect([...whole.ledger.orders.keys()].join()).toContain("liquidation");
    },
  );

  test("[TR71] a checkpoint that is gone, broken, or of something else is not used, and the same comes out", async () => {
    const traded = await tradeAtRandom("spoiled", {}, 900);
    const { record, tape: of, settings, actions } = traded;
    const whole = await fromBeginning(traded);
    for (const seq of [500, 700, 900]) await keepAt(whole, seq, record);
    await whole.advance(last);
    const { redis } = rig;
    const key = rig.store.keys.checkpoints(record.id);
    const good = await redis.hgetallBuffer(key);
    const indexed = `${good.index}`;
    const [oldest, middle, newest] = Object.keys(good)
      .filter((field) => field.startsWith("head:"))
      .sort();
    const set = (field: string, value: Uint8Array | string) =>
      redis.hset(key, field, typeof value === "string" ? value : Buffer.from(value));
    const flipped = (bytes: Buffer) => bytes.map((byte, at) => (at === bytes.length - 9 ? byte ^ 1 : byte));
    const other = await tradeAtRandom("another", {}, 600);
    await keepAt(await fromBeginning(other), 550, other.record);
    const foreign = await redis.hgetallBuffer(rig.store.keys.checkpoints(other.record.id));

    const goesOnFrom = async (seq: Seq | undefined, spoil: () => Promise<unknown>) => {
      await redis.del(key);
      for (const [field, value] of Object.entries(good)) await set(field, value);
      await spoil();
      const restored = await checkpointsOf(record).restore(of, settings, actions, last, windows);
      expect(restored?.began.seq).toBe(seq);
      await restored?.advance(last);
      if (restored !== undefined) expect(stateOf(restored)).toEqual(stateOf(whole));
    };
    await goesOnFrom(900, async () => undefined);
    await goesOnFrom(undefined, () => redis.del(key));
    await goesOnFrom(undefined, () => set("index", "{"));
    await goesOnFrom(undefined, () => set("index", indexed.replace(/"version":\d+/, '"version":0')));
    await goesOnFrom(undefined, () => set("index", indexed.replace(of.id, "another@1")));
    await goesOnFrom(undefined, () => set("index", indexed.replace(/"settings":"./, '"settings":"_')));
    await goesOnFrom(700, () => redis.hdel(key, newest ?? ""));
    await goesOnFrom(700, () => set(newest ?? "", flipped(good[newest ?? ""] ?? Buffer.of())));
    await goesOnFrom(undefined, async () => {
      for (const head of [oldest, middle, newest]) await set(head ?? "", "nothing");
    });
    await goesOnFrom(undefined, async () => {
      for (const field of Object.keys(good)) if (field.startsWith("history:")) await set(field, "nothing");
    });
    await goesOnFrom(undefined, async () => {
      await redis.del(key);
      for (const [field, value] of Object.entries(foreign)) await set(field, value);
    });
    await goesOnFrom(700, () =>
      set(newest ?? "", foreign[Object.keys(foreign).find((each) => each.startsWith("head:")) ?? ""] ?? ""),
    );
  });

  test("[TR71] a chain goes on from a checkpoint where the tape no longer has the chain's beginning", async () => {
    const traded = await tradeAtRandom("trimmed", {}, 700);
    const { record, settings, actions } = traded;
    const whole = await fromBeginning(traded);
    await keepAt(whole, 600, record);
    const trimmed = await tapeWithin(traded.tape, { firstSeq: 590 });
    await expect(fromBeginning({ ...traded, tape: trimmed }).then((replay) => replay.advance(900))).rejects.toThrow();
    const own = new EventWindows();
    const restored = await checkpointsOf(record).restore(trimmed, settings, actions, 900, own);
    await restored?.advance(900);
    await whole.advance(900);
    expect(restored && stateOf(restored)).toEqual(stateOf(whole));
  });

  test("[TR72] after a rewind it goes on from a checkpoint before that place, and those of what was undone are dropped", async () => {
    const { record } = await tradeAtRandom("rewound", {}, 1_000);
    const undone = await tradedBy(record.id);
    const replay = await fromBeginning(undone);
    for (const seq of [400, 600, 800, 1_000]) await keepAt(replay, seq, record);
    await tradeOn(record.id, "after the rewind", 710, 1_100);
    const { tape: of, settings, actions } = await tradedBy(record.id);
    const whole = await fromBeginning(await tradedBy(record.id));
    for (const [seq, from] of [
      [900, 600],
      [650, 600],
      [500, 400],
      [350, undefined],
    ] as const) {
      const restored = await checkpointsOf(record).restore(of, settings, actions, seq, windows);
      expect(restored?.began.seq).toBe(from);
    }
    for (const seq of [900, 1_100]) {
      await keepAt(whole, seq, record);
      const restored = await checkpointsOf(record).restore(of, settings, actions, seq, windows);
      expect(restored?.began.seq).toBe(seq);
      expect(restored && stateOf(restored)).toEqual(stateOf(whole));
    }
    expect(
      await checkpointsOf(record).restore(undone.tape, undone.settings, undone.actions, 1_000, windows),
    ).toMatchObject({
      began: { seq: 600 },
    });
  });

  test("[TR70] [TR73] processes that trade write them as they go, and the session takes at most 2 KB and 200 bytes an order", async () => {
    const { record } = await tradeAtRandom("busy", {}, 1_000);
    const writer = rig.another(often);
    for (let seq = first; seq < 1_000; seq += 10) {
      await writer.between(record, seq, seq + 10);
      const { index = "{}", number: _, ...named } = await rig.redis.hgetall(rig.store.keys.checkpoints(record.id));
      const { heads = [], chunks = [] } = Object(JSON.parse(index));
      expect(Object.keys(named)).toHaveLength(heads.length + chunks.length);
    }
    const { orders = [] } = (await rig.standing(record.id)) ?? {};
    const { session, actions, checkpoints } = rig.store.keys;
    const usage = await Promise.all(
      [session, actions, checkpoints].map(async (key) =>
        Number(await rig.redis.memory("USAGE", key(record.id), "SAMPLES", 0)),
      ),
    );
    expect(await rig.redis.ttl(checkpoints(record.id))).toBeGreaterThan(0);
    expect(usage.at(-1)).toBeGreaterThan(500);
    expect(usage.reduce((sum, bytes) => sum + bytes)).toBeLessThan(2_048 + 200 * orders.length);
    await rig.sessions.remove(record.id);
    expect(await rig.redis.exists(checkpoints(record.id))).toBe(0);
  });
});

async function keepAt(replay: ChainReplay, seq: Seq, record: SessionRecord): Promise<void> {
  await replay.advance(seq);
  await checkpointsOf(record).keep(replay, async (look) => look());
}

test("[TR70] with queues of single orders, a replay from a checkpoint has the tape's orders, too", async () => {
  const { record } = await rig.sessions.open(undefined, { mode: "SIMULATION", seed: 42 });
  const { id } = record;
  await rig.sessions.perform(id, { type: "pause" });
  await rig.trading.configure(id, tradingSettings.parse({ queue: { model: "orders" } }));
  const seek = (seq: Seq) => rig.sessions.perform(id, { type: "seek", to: { seq } });
  await seek(700);
  await rig.trading.act(id, { kind: "place", order: { side: "buy", type: "MARKET", amount: "1" } });
  await seek(710);
  const price = Number((await rig.standing(id))?.account.last_price);
  for (let nth = 0; nth < 300; nth++) {
    if (nth % 20 === 0) await seek(710 + nth);
    const side = nth % 2 === 0 ? "buy" : "sell";
    const limit = (price * (1 + ((nth % 7) - 3) / 20_000)).toFixed(1);
    await rig.trading.act(id, { kind: "place", order: { side, type: "LIMIT", amount: "1", price: limit } });
  }
  const traded = await tradedBy(id);
  const whole = await fromBeginning(traded);
  await keepAt(whole, 1_100, traded.record);
  expect([...(whole.state().queue?.orders ?? [])].length).toBeGreaterThan(10);
  const restored = await checkpointsOf(traded.record).restore(
    traded.tape,
    traded.settings,
    traded.actions,
    1_100,
    windows,
  );
  for (const seq of [1_100, 1_250]) {
    await Promise.all([whole.advance(seq), restored?.advance(seq)]);
    expect(restored && stateOf(restored)).toEqual(stateOf(whole));
  }
  expect(whole.ledger.fills.length).toBeGreaterThan(20);
});

/** All that it is, beside messages of the past. */
function stateOf(replay: ChainReplay): unknown {
  const { ledger, seq, lastPrice, account } = replay;
  return {
    ...{ seq, lastPrice, account, fills: ledger.fills },
    orders: [...ledger.orders.values()],
    open: new Set([...ledger.open].map(({ id }) => id)),
    ended: ledger.ended.map(({ id }) => id),
    arrived: [...ledger.arrived].map(([number, { id }]) => [number, id]),
    replay: replay.state(),
  };
}

function checkpointsOf(record: SessionRecord): SessionCheckpoints {
  return new SessionCheckpoints(record, rig.store.checkpoints, often);
}

async function tradeAtRandom(seed: string, of: TradingSettingsInput, until: Seq = last): Promise<Traded> {
  const { id } = await rig.open({ tape, seq: first });
  await rig.trading.configure(id, tradingSettings.parse(of));
  await tradeOn(id, seed, first, until);
  return tradedBy(id);
}

async function tradeOn(id: string, seed: string, from: Seq, until: Seq): Promise<void> {
  const random = new RandomStream(seed, "orders", 0);
  for (let seq = from; seq < until; seq += 1 + random.integerBelow(50)) {
    await rig.sessions.perform(id, { type: "seek", to: { seq } });
    for (let orders = random.integerBelow(4); orders >= 0; orders--) await actAtRandom(id, random);
  }
}

async function tradedBy(id: string): Promise<Traded> {
  const record = await rig.record(id);
  const { chain } = record;
  if (chain === null) throw new Error("nothing was sent");
  const opened = await rig.tapes.open(record.tape);
  const chains = new ActionChains(id, rig.store);
  const settings = decodeSettings((await chains.root(chain)).body);
  const actions = ((await chains.actions(chain)) ?? []).map((action) => actionOf(action, opened));
  return { record, tape: opened, settings, actions };
}

async function fromBeginning({ tape: of, settings, actions }: Traded): Promise<ChainReplay> {
  const replay = await ChainReplay.begin(of, settings, actions[0]?.sentNs, windows);
  for (const action of actions) replay.append(action);
  return replay;
}

async function actAtRandom(id: string, random: RandomStream): Promise<void> {
  const standing = await rig.standing(id);
  const open = standing?.open ?? [];
  const chosen = open[random.integerBelow(Math.max(1, open.length))];
  const further = random.chance(0.15) ? await anyFurther(id, random) : undefined;
  await rig.trading.act(
    id,
    further ?? (chosen !== undefined && random.chance(0.3) ? changeOf(chosen.order_id, random) : anyOrder(random)),
  );
}

/** Orders that depend on each other, or on a time. */
async function anyFurther(id: string, random: RandomStream): Promise<ActionRequest> {
  if (random.chance(0.5)) return { kind: "place-list", list: anyList(random, Number(priceNear(random))) };
  const seconds = 1 + random.integerBelow(60);
  if (random.chance(0.5)) return { kind: "countdown", ns: BigInt(seconds) * 1_000_000_000n };
  const { tape: name, anchorNs } = await rig.record(id);
  const expires_at = isoOfNs(
    (await rig.tapes.open(name)).startNs + BigInt(anchorNs) + BigInt(seconds) * 1_000_000_000n,
    9,
  );
  return {
    kind: "place",
    order: { side: "buy", type: "LIMIT", amount: "0.100", price: priceNear(random), expires_at },
  };
}

function changeOf(orderId: string, random: RandomStream): ActionRequest {
  if (random.chance(0.5)) return { kind: "cancel", orderId };
  const change = { price: priceNear(random), amount: `0.${1 + random.integerBelow(9)}00` };
  if (random.chance(0.1)) return { kind: "cancel-all" };
  // Of an order that waits, its stop price; of another one it is refused.
  const stop = random.chance(0.3) ? { stop_price: priceNear(random) } : {};
  return { kind: "replace", orderId, change: { ...change, ...stop } };
}

function anyOrder(random: RandomStream): ActionRequest {
  const side = random.chance(0.5) ? "buy" : "sell";
  const named = random.chance(0.5) ? { client_order_id: `x-${random.integerBelow(1e9)}` } : {};
  const price = priceNear(random);
  if (random.chance(0.3)) return { kind: "place", order: { side, type: "MARKET", amount: "0.500", ...named } };
  if (random.chance(0.1))
    return { kind: "place", order: { side, type: "STOP", amount: "0.100", stop_price: price, ...named } };
  const time_in_force = random.chance(0.3) ? "GTX" : "GTC";
  return { kind: "place", order: { side, type: "LIMIT", amount: "0.200", price, time_in_force, ...named } };
}

function priceNear(random: RandomStream): string {
  return (28_150 + Math.round(random.normal() * 20)).toFixed(1);
}
