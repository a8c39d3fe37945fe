import { type Command, isRefusal, sessionView } from "@tapedeck/protocol";
import { timelineOf } from "@tapedeck/tape";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeRecord, encodeRecord } from "../store/record-codec.js";
import { anySpeed, commandsOf } from "../testing/any-command.js";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { shelf, syntheticTape } from "../testing/synthetic-tape.js";
import { viewOf } from "../view.js";
import type { Tapes } from "./choose-mode.js";
import type { SystemCommand } from "./commands.js";
import { endOfRange, startOfRange } from "./places.js";
import { playheadAt, positionAt, type SeekableTape } from "./playhead.js";
import { needsTicker, type SessionRecord } from "./record.js";

interface Moved {
  readonly afterMs: number;
  readonly command: Command | SystemCommand;
}

/** Up to 80 frames, some at the same time, some after a silence of which a part is a marked gap. */
const tapeOfAnyKind = fc
  .record({
    steps: fc.array(fc.oneof(fc.integer({ min: 0, max: 3e8 }), fc.constant(0), fc.constant(2e10)), { maxLength: 80 }),
    skip: fc.boolean(),
  })
  .map(({ steps, skip }): SeekableTape => {
    const times = [0];
    for (const step of steps) times.push((times.at(-1) ?? 0) + step);
    const gaps = steps.flatMap((step, at) =>
      step === 2e10 ? [{ afterSeq: at, fromNs: times[at] ?? 0, toNs: times[at + 1] ?? 0, reason: "silence" }] : [],
    );
    const events = times.flatMap((ns, seq) =>
      seq % 7 === 3 ? [{ seq, ns, type: "SPOOFING", severity: "high" as const }] : [],
    );
    return syntheticTape({ times, events, timeline: timelineOf(skip ? gaps : [], "skip") });
  });

const anyCommand = commandsOf({ fromMs: 1_723_161_254_000, toMs: 1_723_161_315_000, frames: 90 });

const course = fc.array(fc.record({ afterMs: fc.double({ min: 0, max: 3000, noNaN: true }), command: anyCommand }), {
  maxLength: 30,
});

describe("any course of commands on any tape", () => {
  test("[D2] [D14] [D15] [D30] [D46] keeps the playhead in range, raises rev and epoch, and refuses without a trace", async () => {
    await fc.assert(
      fc.asyncProperty(tapeOfAnyKind, course, async (tape, moves) => {
        const tapes = shelf(tape);
        let session = Object.freeze(await createdSession(tapes));
        let now = noon;
        for (const { afterMs, command } of moves) {
          now += afterMs;
          const result = await applyCommand(session, command, now, tapes);
          if (isRefusal(result) || result === session) continue;
          expect(result.rev).toBe(session.rev + 1);
          expect(result.epoch).toBeGreaterThanOrEqual(session.epoch);
          if (result.epoch === session.epoch) {
            const goesBack = result.anchorSeq < session.anchorSeq;
            expect(goesBack).toBe(false);
            expect(result.epochFromSeq).toBe(session.epochFromSeq);
          }
          if (!needsTicker(result)) expect(result.ticker).toBe("");
          expect(decodeRecord(encodeRecord(result))).toEqual(result);
          for (const later of [0, 1, 777.7, 1e9]) await expectWithin(result, now + later, tapes);
          session = Object.freeze(result);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("[D31] ends alike wherever it is applied", async () => {
    await fc.assert(
      fc.asyncProperty(tapeOfAnyKind, course, async (tape, moves) => {
        expect(await played(moves, tape)).toEqual(await played(moves, { ...tape }));
      }),
      { numRuns: 50 },
    );
  });
});

test("[D43] nothing moves the playhead of a session that trades back within its epoch, but what a jump of Redis's clock mends", async () => {
  const slowCourse = fc.array(
    fc.record({ afterMs: fc.double({ min: 0, max: 30_000, noNaN: true }), command: anyCommand }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(tapeOfAnyKind, slowCourse, async (tape, moves) => {
      const tapes = shelf(tape);
      let session: SessionRecord = { ...(await createdSession(tapes)), chain: { root: 1, head: 2, tag: "a", ns: 0 } };
      let now = noon;
      for (const { afterMs, command } of moves) {
        now += afterMs;
        const result = await applyCommand(session, command, now, tapes);
        if (isRefusal(result)) continue;
        const chain = result.chain ?? session.chain; // another mode has none
        if (result.epoch === session.epoch && result.tape === tape.id && command.type !== "failover")
          expect(playheadAt(result, now, tape)).toBeGreaterThanOrEqual(playheadAt(session, now, tape) - 1);
        session = { ...result, chain };
      }
    }),
    { numRuns: 300 },
  );
});

test("[D3] pausing and resuming at any moment shows the frames of an uninterrupted playing, each once", async () => {
  const pauses = fc.array(
    fc.record({ plays: fc.integer({ min: 0, max: 5000 }), rests: fc.double({ min: 0, max: 1e5, noNaN: true }) }),
    { minLength: 1, maxLength: 10 },
  );
  await fc.assert(
    fc.asyncProperty(tapeOfAnyKind, anySpeed, pauses, async (tape, value, rounds) => {
      const tapes = shelf(tape);
      const first = await createdSession(tapes, { speed: value, start: true });
      let session = first;
      let now = noon;
      let playedMs = 0;
      for (const { plays, rests } of rounds) {
        now += plays;
        playedMs += plays;
        const paused = expectAccepted(await applyCommand(session, { type: "pause" }, now, tapes));
        // What was shown so far is everything up to here, and what comes is everything after it.
        expect(paused.publishedSeq).toBe((await positionAt(session, now, tape)).seq);
        now += rests;
        session = expectAccepted(await applyCommand(paused, { type: "resume" }, now, tapes));
        expect(session).toMatchObject({ epoch: first.epoch, anchorSeq: paused.anchorSeq, anchorNs: paused.anchorNs });
        expect(session.publishedSeq).toBe(paused.publishedSeq);
      }
      const interrupted = playheadAt(session, now, tape);
      const uninterrupted = playheadAt(first, noon + playedMs, tape);
      if (tape.timeline("skip").playingOf(1e18) === 1e18) {
        expect(Math.abs(interrupted - uninterrupted)).toBeLessThanOrEqual(rounds.length * (1 + value));
      } else {
        // Within a skipped gap the playhead waits the whole second again.
        expect(interrupted).toBeLessThanOrEqual(uninterrupted + rounds.length);
      }
    }),
    { numRuns: 300 },
  );
});

async function expectWithin(session: SessionRecord, now: number, tapes: Tapes): Promise<void> {
  if (session.tape === "") return;
  const tape = await tapes.open(session.tape);
  const [start, end, here] = [
    await startOfRange(session, tape),
    await endOfRange(session, tape),
    await positionAt(session, now, tape),
  ];
  expect(here.seq).toBeGreaterThanOrEqual(start.seq);
  expect(here.seq).toBeLessThanOrEqual(end.seq);
  expect(here.ns).toBeGreaterThanOrEqual(start.ns);
  expect(here.ns).toBeLessThanOrEqual(end.ns);
  expect(Number.isInteger(here.ns)).toBe(true);
  expect(await tape.nsOf(here.seq)).toBeLessThanOrEqual(here.ns);
  sessionView.parse(viewOf(session, { position: here, tape, now, connections: 0 }));
}

async function played(moves: readonly Moved[], tape: SeekableTape): Promise<SessionRecord> {
  const tapes = shelf(tape);
  let session = await createdSession(tapes);
  let now = noon;
  for (const { afterMs, command } of moves) {
    now += afterMs;
    const result = await applyCommand(session, command, now, tapes);
    if (!isRefusal(result)) session = result;
  }
  return session;
}
