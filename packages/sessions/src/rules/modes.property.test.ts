import { type Command, isRefusal, type Mode } from "@tapedeck/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRecord, encodeRecord } from "../store/record-codec.js";
import { commandsOf } from "../testing/any-command.js";
import { applyCommand, createdSession, noon } from "../testing/apply-command.js";
import { Market, marketsAt } from "../testing/market.js";
import { steadyTape } from "../testing/synthetic-tape.js";
import type { Tapes } from "./choose-mode.js";
import { momentOnTape } from "./places.js";
import type { KeptMode, SessionRecord } from "./record.js";

const recorded = steadyTape(900, 100, { id: "recorded@1", startMs: noon - 60_000 });
const market = new Market("live.BINANCE.BTCUSDT.1@1", noon - 60_000);
const command = commandsOf({ fromMs: noon - 70_000, toMs: noon + 40_000, frames: 900 });
const switching = fc
  .constantFrom<Mode>("REPLAY", "LIVE", "SIMULATION")
  .map((mode): Command => ({ type: "mode", mode }));
const course = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 3000 }),
    command: fc.oneof({ arbitrary: command, weight: 2 }, { arbitrary: switching, weight: 1 }),
  }),
  { minLength: 15, maxLength: 60 },
);

/** The recorded tape for REPLAY, the market for LIVE; forks of simulated tapes open like these. */
function tapesAt(now: number): Tapes {
  const live = marketsAt(now, market);
  return {
    ...live,
    open: async (id) =>
      id === recorded.id ? recorded : id.startsWith("sim") ? steadyTape(100, 100, { id }) : live.open(id),
    choose: async () => recorded,
  };
}

test("[D72] [D74] after any sequence of commands and modes, a mode resumes exactly as it was left", {
  timeout: 60_000,
}, async () => {
  let returns = 0;
  await fc.assert(
    fc.asyncProperty(course, async (moves) => {
      const left = new Map<Mode, KeptMode>();
      let session = await createdSession(tapesAt(noon));
      let now = noon;
      for (const { afterMs, command } of moves) {
        now += afterMs;
        const after = await applyCommand(session, command, now, tapesAt(now));
        if (isRefusal(after) || after === session) continue;
        expect(decodeRecord(encodeRecord(after))).toEqual(after);
        if (after.mode !== session.mode) {
          left.set(session.mode, await asLeft(session, now));
          const kept = left.get(after.mode);
          const namedAnother =
            command.type === "mode" && command.seed !== undefined && kept?.seed !== `${command.seed}`;
          expect(after.epoch).toBeGreaterThan(session.epoch);
          expect(after.kept[after.mode]).toBeNull();
          if (kept !== undefined && !namedAnother) {
            returns++;
            expectBack(after, kept, now);
          }
        }
        session = after;
      }
    }),
    { numRuns: 200 },
  );
  expect(returns).toBeGreaterThan(200);
});

async function asLeft(session: SessionRecord, now: number): Promise<KeptMode> {
  const { here } = await momentOnTape(await tapesAt(now).open(session.tape), session, now);
  return { ...session, anchorSeq: here.seq, anchorNs: here.ns };
}

function expectBack(after: SessionRecord, kept: KeptMode, now: number): void {
  const { state, reason, speed, symbol, source, tape, seed, scenario, fromNs, toNs, loop, edge } = kept;
  const { account, anchorNs, anchorSeq, historyFromSeq, orderSeq } = kept;
  expect(after).toMatchObject({ state, reason, speed, symbol, source, tape, seed, scenario, fromNs, toNs, loop, edge });
  expect(after.account).toEqual(account);
  expect(after).toMatchObject({ historyFromSeq, orderSeq });
  expect(after).toMatchObject(edge ? { anchorSeq: market.edge(now) } : { anchorSeq, anchorNs });
  expect(after).toMatchObject({ anchorWallMs: now, publishedSeq: after.anchorSeq, epochFromSeq: after.anchorSeq });
}
