import { RandomStream } from "@tapedeck/market";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Seq, Tape, TapePosition } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { recordedFiles } from "../../../test/support/tapes.js";
import type { ActionRequest } from "./actions/plan-action.js";
import type { TradingMessage } from "./ledger/ledger.js";
import { anyList, importedTape, tradingOnRedis } from "./testing.js";

const { store, tape: name } = await importedTape(recordedFiles("primary"));
const rig = tradingOnRedis(inject("redisUrl"), store);
afterAll(() => rig.close());
if (name === undefined) process.stderr.write("\nSKIPPED: orders between frames, without the recording of 2023\n\n");

const [first, last] = [300, 1_500];
const travel = (median_ms: number) =>
  ({ kind: "log-normal", median_ms, sigma: 0.5, min_ms: 0, max_ms: 1_000 }) as const;
const latencies = [
  { entry: travel(5), response: travel(5) },
  { entry: { kind: "constant", ms: 0 }, response: { kind: "constant", ms: 0 } },
  { entry: travel(300), response: travel(200) },
] as const;

describe.skipIf(name === undefined).each(latencies)("orders between frames of a recording, %j", (latency) => {
  let record: SessionRecord;
  let tape: Tape;
  let whole: readonly TradingMessage[];
  beforeAll(async () => {
    const { id } = await rig.open({ tape: name, seq: first });
    const { settings } = await rig.trading.settings(await rig.record(id));
    await rig.trading.configure(id, { ...settings, latency });
    const random = new RandomStream("between", JSON.stringify(latency), 0);
    for (let seq = first; seq < last - 200; seq += 1 + random.integerBelow(25)) {
      await rig.sessions.perform(id, { type: "seek", to: { seq } });
      for (let orders = random.integerBelow(3); orders >= 0; orders--) await rig.trading.act(id, anyAction(random));
    }
    record = await rig.record(id);
    tape = await rig.tapes.open(record.tape);
    whole = await rig.another(undefined, rig.tapes).between(record, first, last);
  });

  const withFrame = async (seq: Seq): Promise<TapePosition> => ({ seq, ns: await tape.nsOf(seq) });
  const at = async (ns: number): Promise<TapePosition> => ({ seq: await tape.seqAt(ns), ns });
  const nsOf = ({ data }: TradingMessage) => Number(BigInt(Date.parse(timeOf(data))) * 1_000_000n - tape.startNs);
  const timeOf = (data: TradingMessage["data"]) => ("timestamp" in data ? data.timestamp : data.updated_at);

  test("[TR14] with a frame's time is with the frame", async () => {
    const [byFrames, byTimes] = [rig.another(undefined, rig.tapes), rig.another(undefined, rig.tapes)];
    for (let seq = first; seq <= last; seq += 97) {
      const place = await withFrame(seq);
      expect(await byTimes.standing(record, place)).toEqual(await byFrames.at(record, seq));
      expect(await byTimes.balance(record, place)).toMatchObject({
        account: (await byFrames.at(record, seq))?.account,
      });
    }
  });

  test("[TR14] nodes that look at random times, and are killed, tell everything once and in order", async () => {
    const random = new RandomStream("times", JSON.stringify(latency), 0);
    const nodes = [rig.another(undefined, rig.tapes), rig.another(undefined, rig.tapes)];
    const told: TradingMessage[] = [];
    const known = new Set<string>();
    const end = await withFrame(last);
    for (let from = await withFrame(first); from.ns < end.ns; ) {
      const nth = random.integerBelow(nodes.length);
      if (random.chance(0.02)) nodes[nth] = rig.another(undefined, rig.tapes);
      const stepNs = 10 ** (5 + random.integerBelow(5)) * (1 + random.integerBelow(9));
      const to = random.chance(0.1) ? await withFrame(from.seq + 1) : await at(Math.min(end.ns, from.ns + stepNs));
      for (const message of (await nodes[nth]?.told(record, from, to))?.messages ?? []) {
        const text = JSON.stringify(message);
        if (!known.has(text)) told.push(message); // a node that begins at a place repeats what is told there
        known.add(text);
      }
      from = to;
    }
    expect(told).toEqual(whole);
  });

  test("[TR14] a reader that looks only when the replay says so gets everything as soon as it has happened and travelled", async () => {
    const node = rig.another(undefined, rig.tapes);
    const end = await withFrame(last);
    let looks = 0;
    const told: TradingMessage[] = [];
    for (let place = await withFrame(first); place.ns < end.ns; looks++) {
      const { messages, nextNs = end.ns } = await node.told(record, place, place);
      for (const message of messages) {
        told.push(message);
        // Times in messages are when it happened. The next look is at the first moment after it.
        if (latency.response.kind === "constant") expect(place.ns - nsOf(message)).toBeLessThan(1e6);
      }
      expect(nextNs).toBeGreaterThan(place.ns);
      place = await at(Math.min(end.ns, nextNs));
    }
    expect(told).toEqual(whole.slice(0, told.length));
    expect(whole.length - told.length).toBeLessThan(3);
    expect(told.length).toBeGreaterThan(200);
    expect(looks).toBeLessThan(told.length + last - first); // not for each of the tape's events
  });
});

function anyAction(random: RandomStream): ActionRequest {
  if (random.chance(0.1)) return { kind: "place-list", list: anyList(random, 28_150) };
  if (random.chance(0.1)) return { kind: "countdown", ns: BigInt(random.integerBelow(20_000)) * 1_000_000n };
  if (random.chance(0.05)) return { kind: "cancel-all" };
  const side = random.chance(0.5) ? "buy" : "sell";
  if (random.chance(0.2)) return { kind: "place", order: { side, type: "MARKET", amount: "0.050" } };
  const price = (28_150 + Math.round(random.normal() * 20)).toFixed(1);
  if (random.chance(0.1)) return { kind: "place", order: { side, type: "STOP", amount: "0.050", stop_price: price } };
  return { kind: "place", order: { side, type: "LIMIT", amount: "0.200", price } };
}
