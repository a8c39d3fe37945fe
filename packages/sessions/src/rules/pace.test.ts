import { isRefusal } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import { boundAt, movedTo, nextDueMs, reachOf } from "./pace.js";
import { isMoving, isPaced, planPlayback, playheadAt, positionAt } from "./playhead.js";
import { needsTicker, type SessionRecord } from "./record.js";

const tape = steadyTape(100); // a frame each 100 ms
const tapes = shelf(tape);
const frame = (seq: number, wallMs?: number) => ({ seq, ns: seq * 1e8, ...(wallMs === undefined ? {} : { wallMs }) });

async function lossless(choice: Parameters<typeof createdSession>[1] = {}): Promise<SessionRecord> {
  return createdSession(tapes, { start: true, pace: "lossless", ...choice });
}

const changed = async (session: SessionRecord, command: Parameters<typeof applyCommand>[1], now: number) =>
  expectAccepted(await applyCommand(session, command, now, tapes));

test("[LP1] in lossless pace the clock does not move the playhead, and no ticker is needed", async () => {
  const session = await lossless();
  expect(session).toMatchObject({ state: "PLAYING", lossless: { window: 1, bounded: false } });
  expect([isMoving(session), isPaced(session), needsTicker(session)]).toEqual([false, true, false]);
  expect(playheadAt(session, noon + 60_000, tape)).toBe(0);
  const moved = movedTo(session, frame(7, noon + 5));
  expect(await positionAt(moved, noon + 60_000, tape)).toEqual(frame(7));
  expect(moved.rev).toBe(session.rev);
});

test("[LP2] the playhead is the slowest reader's acknowledged frame plus the window, within the range", async () => {
  const session = await lossless({ window: 10 });
  const plan = await planPlayback(session, tape);
  expect(await reachOf(4, plan)).toEqual(frame(14));
  expect(await reachOf(95, plan)).toEqual(frame(99));
  const ranged = await changed(session, { type: "range", to: tape.iso(2e9) }, noon);
  expect(await reachOf(95, await planPlayback(ranged, tape))).toEqual(
    await reachOf(20, await planPlayback(ranged, tape)),
  );
  // An epoch has begun in which it has acknowledged nothing: its first frame is shown already.
  expect(await reachOf(-1, await planPlayback({ ...session, lossless: { window: 1, bounded: false } }, tape))).toEqual(
    frame(0),
  );
});

test("[LP3] with a speed as bound the playhead is not ahead of the clock, which goes on from where readers let it", async () => {
  const session = await lossless({ speed: 2 });
  expect(session.lossless).toEqual({ window: 1, bounded: true });
  const plan = await planPlayback(session, tape);
  expect(await boundAt(plan, noon + 49)).toMatchObject({ seq: 0 });
  expect(await boundAt(plan, noon + 50)).toEqual(frame(1, noon + 50));
  expect(await boundAt(plan, noon + 120)).toEqual(frame(2, noon + 100));
  expect(await nextDueMs(plan, 0)).toBe(noon + 50);
  expect(await nextDueMs(plan, 99)).toBeUndefined();
  // Readers let it go on at 10 s only: the clock goes on from there, and catches nothing up.
  const late = await planPlayback(movedTo(session, frame(1, noon + 10_000)), tape);
  expect(await boundAt(late, noon + 10_049)).toMatchObject({ seq: 1 });
  expect(await boundAt(late, noon + 10_050)).toMatchObject({ seq: 2 });
});

test("[LP4] a change of pace or of the bound is made at the playhead, within the epoch", async () => {
  const session = movedTo(await lossless(), frame(40, noon + 1));
  const bounded = await changed(session, { type: "speed", value: 4 }, noon + 100);
  expect(bounded).toMatchObject({
    speed: 4,
    lossless: { window: 1, bounded: true },
    anchorSeq: 40,
    epoch: session.epoch,
  });
  const wider = await changed(bounded, { type: "pace", pace: "lossless", window: 50 }, noon + 100);
  expect(wider).toMatchObject({ lossless: { window: 50, bounded: true }, rev: bounded.rev + 1 });
  expect(await changed(wider, { type: "pace", pace: "lossless" }, noon + 200)).toBe(wider);
  const clock = await changed(wider, { type: "pace", pace: "clock", speed: 1 }, noon + 1000);
  expect(clock).toMatchObject({
    lossless: null,
    speed: 1,
    anchorSeq: 40,
    anchorWallMs: noon + 1000,
    epoch: session.epoch,
  });
  expect(needsTicker(clock)).toBe(true);
  expect(await positionAt(clock, noon + 1500, tape)).toEqual(frame(45));
});

test("[LP4] commands find the session standing at its playhead", async () => {
  const session = movedTo(await lossless(), frame(40, noon + 1));
  const paused = await changed(session, { type: "pause" }, noon + 9000);
  expect(paused).toMatchObject({ state: "PAUSED", anchorSeq: 40, epoch: session.epoch });
  expect(await changed(paused, { type: "step", by: { frames: 1 } }, noon + 9000)).toMatchObject({ anchorSeq: 41 });
  const back = await changed(session, { type: "goback", seconds: 1 }, noon + 9000);
  expect(back).toMatchObject({ state: "PLAYING", anchorSeq: 30, epochFromSeq: 30, lossless: session.lossless });
  expect(back.epoch).toBeGreaterThan(session.epoch);
});

test("[LP5] the end and the next round of a loop come at the last frame", async () => {
  const session = await lossless();
  expect(await changed(movedTo(session, frame(98)), { type: "end" }, noon + 1)).toMatchObject({ state: "PLAYING" });
  expect(await changed(movedTo(session, frame(99)), { type: "end" }, noon + 1)).toMatchObject({ reason: "ended" });
  const loop = await lossless({ loop: true });
  const round = await changed(movedTo(loop, frame(99)), { type: "wrap" }, noon + 1);
  expect(round).toMatchObject({ state: "PLAYING", anchorSeq: 0, epochFromSeq: 0, epoch: loop.epoch + 1 });
});

test("[LP6] LIVE refuses lossless pace, and entering LIVE returns to the clock; so do invalid choices", async () => {
  const session = await lossless();
  const live = await changed(session, { type: "mode", mode: "LIVE", symbol: "BTCUSDT", source: "BINANCE" }, noon + 1);
  expect(live.lossless).toBeNull();
  expect(await changed(live, { type: "mode", mode: "REPLAY" }, noon + 2)).toMatchObject({ lossless: null });
  for (const choice of [{ pace: "clock", speed: "max" } as const, { pace: "clock", window: 3 } as const]) {
    const refused = await applyCommand(session, { type: "pace", ...choice }, noon, tapes);
    expect(isRefusal(refused) ? refused.message : "").toMatch(/^pace: .* needs pace lossless.* Nothing was changed\.$/);
  }
  const refused = await applyCommand(live, { type: "pace", pace: "lossless" }, noon + 1, tapes);
  expect(isRefusal(refused) ? refused.message : "").toMatch(/^pace: a live market does not wait/);
});
