import {
  cuts,
  isCacheMiss,
  type Pace,
  render,
  renderStretch,
  type Seq,
  type Tape,
  type UnfinishedTape,
} from "@tapedeck/tape";
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests
import { expect } from "vitest";

interface Stretch {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
}

/** Expects that a tape gives the same answers as `whole` between its own first and last frame. */
export async function expectSame(tape: Tape, whole: Tape): Promise<void> {
  const { span } = tape;
  const { firstSeq, lastSeq } = span;
  expect(span).toMatchObject({ firstNs: await whole.nsOf(firstSeq), lastNs: await whole.nsOf(lastSeq) });
  expectEach("frames", await framesOf(tape, span), await framesOf(whole, span));
  expectEach("times", await timesOf(tape, span), await timesOf(whole, span));
  expect(tape.gaps).toEqual(whole.gaps.filter(({ afterSeq }) => afterSeq >= firstSeq && afterSeq < lastSeq));
  expectEach("events", await eventsOf(tape, span), await eventsOf(whole, span));
  for (const [speed, maxFps] of paces) {
    const expected = await messagesOf(whole, span, speed, maxFps);
    expectEach(`messages at ${speed}x`, await messagesOf(tape, span, speed, maxFps), expected);
  }
  if (lastSeq !== tape.span.lastSeq) return; // it has grown meanwhile
  expectIndex(tape);
  await expect(tape.load(lastSeq + 1)).rejects.toThrow(RangeError);
  await expect(tape.load(firstSeq - 1)).rejects.toThrow(RangeError);
}

const paces = [
  [1, 0],
  [1, 7],
  [20, 7],
] as const;

/** Like `toEqual`, but reports only the first difference, because these lists are long. */
function expectEach(what: string, found: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((each, index) => each !== found[index]);
  if (at >= 0) expect(`${what} ${at}: ${found[at]}`).toBe(`${what} ${at}: ${expected[at]}`);
  expect(found.length).toBe(expected.length);
}

async function framesOf(tape: Tape, { firstSeq, lastSeq }: Stretch): Promise<string[]> {
  const frames: string[] = [];
  for (let seq = firstSeq; seq <= lastSeq; seq++) {
    const block = await tape.load(seq);
    frames.push(
      [block.json(seq), block.head(seq), block.trades(seq), block.anomalies(seq), block.nsOf(seq)].join("\n"),
      [
        block.tradeCountOf(seq),
        block.tradeVolumeOf(seq),
        block.lastTradePriceOf(seq),
        block.lastTradeSideOf(seq),
      ].join(),
      [block.effectiveSpreadOf(seq), block.gapBeforeNsOf(seq)].join(),
    );
  }
  return frames;
}

/** The time of each frame, the frame at times near it, and its playing time since the first frame, converted both ways. */
async function timesOf(tape: Tape, { firstSeq, lastSeq }: Stretch): Promise<string[]> {
  const times: string[] = [];
  const [firstNs, lastNs] = [await tape.nsOf(firstSeq), await tape.nsOf(lastSeq)];
  for (let seq = firstSeq; seq <= lastSeq; seq++) {
    const ns = await tape.nsOf(seq);
    const around = [ns - 1, ns, ns + 1, ns + 30e6];
    const found = await Promise.all(around.map((near) => tape.seqAt(near)));
    const playing = (["skip", "keep"] as const).flatMap((policy) => {
      const line = tape.timeline(policy);
      return [ns, Math.min(lastNs, ns + 5e6)].flatMap((near) => {
        const played = line.playingOf(near);
        return [played - line.playingOf(firstNs), line.tapeOf(played)];
      });
    });
    times.push([ns, tape.iso(ns), ...found.map((at) => Math.min(lastSeq, Math.max(firstSeq, at))), ...playing].join());
  }
  return times;
}

async function eventsOf(tape: Tape, { firstSeq, lastSeq }: Stretch): Promise<string[]> {
  const events: string[] = [];
  for (const filter of [{}, { type: "SPOOFING" }, { type: "LAYERING" }, { minSeverity: "critical" as const }]) {
    for (let from = firstSeq; from <= lastSeq; from += 11) {
      for (const direction of ["next", "previous"] as const) {
        const event = await tape.findEvent(from, direction, filter);
        const there = event !== undefined && event.seq >= firstSeq && event.seq <= lastSeq;
        events.push(there ? JSON.stringify(event) : "none");
      }
    }
  }
  return events;
}

async function messagesOf(tape: Tape, stretch: Stretch, speed: number, maxFps: number): Promise<string[]> {
  const { firstSeq, lastSeq } = stretch;
  const pace: Pace = { timeline: tape.timeline("skip"), anchorNs: await tape.nsOf(firstSeq), speed, maxFps };
  const messages: string[] = [];
  let prev = firstSeq;
  for await (const { seq, ns } of cuts(tape, pace, firstSeq, lastSeq)) {
    const text = await render(tape, prev, seq);
    const atOnce = renderStretch(tape, prev, seq);
    if (!isCacheMiss(atOnce) && atOnce !== text)
      throw new Error(`frames after ${prev} to ${seq} are rendered differently with and without waiting`);
    messages.push(`${seq} ${ns} ${text}`);
    prev = seq;
  }
  return messages;
}

/** Each frame is in one block, and the index agrees with the blocks. */
function expectIndex({ index, span }: Tape): void {
  let next = span.firstSeq;
  for (let block = 0; block < index.blocks; block++) {
    const [first, last] = [index.firstSeq(block), index.lastSeq(block)];
    expect([first, index.blockOf(first), index.blockOf(last)]).toEqual([next, block, block]);
    next = last + 1;
  }
  expect([next - 1, index.blockOf(span.firstSeq - 10)]).toEqual([span.lastSeq, 0]);
  expect(index.blockOf(span.lastSeq + 10)).toBe(index.blocks - 1);
}

/** The points of an overview cover each frame once. */
export async function expectOverview(tape: UnfinishedTape, prices: readonly number[]): Promise<void> {
  const points = await tape.overview();
  const expected = points.map(({ seq }, at) => {
    const run = prices.slice(seq, points[at + 1]?.seq ?? tape.span.lastSeq + 1);
    return [run[0], Math.min(...run), Math.max(...run)];
  });
  expect(points.map(({ price, low, high }) => [price, low, high])).toEqual(expected);
  expect(points[0]?.seq).toBe(tape.span.firstSeq);
}
