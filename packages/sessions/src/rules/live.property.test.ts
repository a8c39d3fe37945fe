import { isRefusal } from "@tapedeck/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { commandsOf } from "../testing/any-command.js";
import { applyCommand, createdSession, noon } from "../testing/apply-command.js";
import { Market, marketsAt } from "../testing/market.js";
import type { Tapes } from "./choose-mode.js";
import { positionAt } from "./playhead.js";
import { needsTicker, type SessionRecord } from "./record.js";

const command = commandsOf({ fromMs: noon - 70_000, toMs: noon + 40_000, frames: 900 });
const course = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 3000 }), command }), { maxLength: 40 });
/** When the first feed ends, and when the one that makes another tape begins. */
const feeds = fc.record({ ends: fc.integer({ min: 0, max: 60_000 }), again: fc.integer({ min: 0, max: 30_000 }) });

test("[LV3] [LV10] any sequence of commands on tapes that grow, end and have successors keeps the rules", async () => {
  await fc.assert(
    fc.asyncProperty(feeds, course, async ({ ends, again }, moves) => {
      const former = new Market("live.BINANCE.BTCUSDT.1@1", noon - 60_000, noon + ends);
      const other = new Market("live.BINANCE.BTCUSDT.2@1", noon + ends + again);
      const at = (now: number): Tapes => {
        const tapes = marketsAt(now, former, other);
        return { ...tapes, choose: (selector) => tapes.choose({ ...selector, tape: selector.tape ?? former.id }) };
      };
      let session = await createdSession(at(noon), { mode: "LIVE" });
      let now = noon;
      for (const { afterMs, command } of moves) {
        now += afterMs;
        for (const next of [await reaching(session, now, at(now)), command]) {
          if (next === undefined) continue;
          const shown = await shownBy(session, now, at(now));
          // Its ticker writes how far it has come.
          const before = needsTicker(session)
            ? { ...session, publishedSeq: Math.max(session.publishedSeq, shown) }
            : session;
          const after = await applyCommand(before, next, now, at(now));
          if (isRefusal(after)) continue;
          expectSound(after);
          const present = await shownBy(after, now, at(now));
          if (after.epoch === session.epoch) {
            expect(after.tape).toBe(session.tape);
            // Nothing that was shown comes again, and the chain of frames goes on where it was.
            expect(present).toBeGreaterThanOrEqual(next.type === "failover" ? after.anchorSeq : shown);
            expect(after.publishedSeq).toBeLessThanOrEqual(present);
          } else {
            expect(after.epoch).toBeGreaterThan(session.epoch);
          }
          session = after;
        }
      }
    }),
    { numRuns: 400 },
  );
});

function expectSound(session: SessionRecord): void {
  const { edge, mode, state, parked, speed, toNs, loop, ticker, publishedSeq, anchorSeq } = session;
  if (edge)
    expect({ mode, state, parked, toNs, loop }).toEqual({
      mode: "LIVE",
      state: "PLAYING",
      parked: false,
      toNs: null,
      loop: false,
    });
  if (edge) expect(speed).toBeGreaterThanOrEqual(1);
  if (!needsTicker(session)) expect(ticker).toBe("");
  expect(publishedSeq).toBeGreaterThanOrEqual(anchorSeq);
}

/** The last frame that viewers have received, if tickers and gateways do their work. */
async function shownBy(session: SessionRecord, now: number, tapes: Tapes): Promise<number> {
  return session.tape === "" ? 0 : (await positionAt(session, now, await tapes.open(session.tape))).seq;
}

/** What its ticker does when it has published all that there is. */
async function reaching(session: SessionRecord, now: number, tapes: Tapes) {
  if (session.ticker === "" || session.tape === "") return undefined;
  const { span } = await tapes.open(session.tape);
  const seq = await shownBy(session, now, tapes);
  return seq === span.lastSeq ? ({ type: "reach", node: session.ticker, seq } as const) : undefined;
}

test("[LV4] [LV6] a pause of any length, then faster than the market, reaches the edge with each frame shown once", async () => {
  const market = new Market("live.BINANCE.BTCUSDT.1@1", noon - 60_000);
  const pauses = fc.record({
    restMs: fc.integer({ min: 0, max: 20_000 }),
    speed: fc.integer({ min: 15, max: 100 }).map((n) => n / 10),
  });
  await fc.assert(
    fc.asyncProperty(pauses, async ({ restMs, speed }) => {
      let now = noon;
      const step = async (session: SessionRecord, ...commands: Parameters<typeof applyCommand>[1][]) => {
        let next = session;
        for (const command of commands) {
          const after = await applyCommand(next, command, now, marketsAt(now, market));
          if (!isRefusal(after)) next = after;
        }
        return next;
      };
      const first = await createdSession(marketsAt(now, market), { mode: "LIVE" });
      const paused = await step(first, { type: "pause" });
      now += restMs;
      let session = await step(
        paused,
        { type: "resume" },
        { type: "claim", node: "t" },
        { type: "speed", value: speed },
      );
      let shown = session.publishedSeq;
      expect(shown).toBe(paused.anchorSeq);
      for (let waited = 0; !session.edge; waited += 100) {
        expect(waited).toBeLessThanOrEqual(restMs / (speed - 1) + 300);
        now += 100;
        const seq = await shownBy(session, now, marketsAt(now, market));
        expect(seq).toBeGreaterThanOrEqual(shown);
        shown = seq;
        if (seq === market.edge(now)) session = await step(session, { type: "reach", node: "t", seq });
      }
      expect(session).toMatchObject({ epoch: first.epoch, anchorSeq: shown, publishedSeq: shown, speed });
    }),
    { numRuns: 50 },
  );
});
