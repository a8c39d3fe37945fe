import { RandomStream } from "@tapedeck/market";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Tape, TrackedEvent, TrackReader } from "@tapedeck/tape";
import { afterAll, describe, expect, inject, test } from "vitest";
import { recordedFiles } from "../../../test/support/tapes.js";
import { importedTape, tapeWithin, tradingOnRedis } from "./testing.js";
import { Trading } from "./trading.js";

const { store, tape: name } = await importedTape(recordedFiles("primary"));
const rig = tradingOnRedis(inject("redisUrl"), store);
afterAll(() => rig.close());
if (name === undefined) process.stderr.write("\nSKIPPED: events that come late, without the recording of 2023\n\n");

const [first, last] = [700, 1_000];

/** Market orders at random frames, and the tape that they are on. */
async function traded(random: RandomStream): Promise<{ record: SessionRecord; whole: Tape }> {
  const { id, tape } = await rig.open({ tape: name, seq: first });
  for (let seq = first; seq < last - 50; seq += 1 + random.integerBelow(20)) {
    await rig.sessions.perform(id, { type: "seek", to: { seq } });
    const side = random.chance(0.5) ? "buy" : "sell";
    await rig.trading.act(id, { kind: "place", order: { side, type: "MARKET", amount: "0.050" } });
  }
  return { record: await rig.record(id), whole: await rig.tapes.open(tape) };
}

/** A track without the events from a number on. */
function knownBefore(track: TrackReader, end: () => number): TrackReader {
  const { decimals } = track;
  return {
    decimals,
    async *events(range): AsyncGenerator<TrackedEvent, void, undefined> {
      for await (const event of track.events(range)) if (event.n < end()) yield event;
    },
    bookBatches: (range) => track.bookBatches(range),
    tradeBatches: (range) => track.tradeBatches(range),
    bookAt: (place) => track.bookAt(place),
  };
}

describe.skipIf(name === undefined)("on a tape whose events come after the frames that show them", () => {
  test("[TR50] orders see an event that comes late as soon as it is there, on every node", async () => {
    const random = new RandomStream("late", "events", 0);
    const { record, whole } = await traded(random);
    const { track } = whole;
    if (track === undefined) throw new Error("the recording has no track");
    /** By frame, the number of the first event that it does not show. */
    const ends: number[] = [];
    for await (const { n, seq } of track.events({ from: { seq: first - 100 }, to: { seq: last + 1 } }))
      ends[seq] = n + 1;
    let [shown, known] = [first, first];
    const endOf = (seq: number) => ends.slice(0, seq + 1).findLast((end) => end !== undefined) ?? 0;
    const open = async (): Promise<Tape> => {
      const tape = await tapeWithin(whole, { lastSeq: shown });
      return { ...tape, span: { ...tape.span, growing: true }, track: knownBefore(track, () => endOf(known)) };
    };
    const node = new Trading({
      store: rig.store,
      sessions: rig.sessions,
      tapes: { open, react: rig.tapes.react.bind(rig.tapes) },
    });
    const missed = new Set<number>();
    for (shown = first; shown <= last; shown++) {
      // Sometimes nothing comes for some frames.
      known = random.chance(0.7) || shown === last ? shown : known;
      if (known < shown) missed.add(shown);
      await node.at(record, shown);
    }
    expect(missed.size).toBeGreaterThan(30);
    const truth = await rig.another().at(record, last);
    expect(truth?.fills.length).toBeGreaterThan(10);
    expect(await node.at(record, last)).toEqual(truth);
  });
});
