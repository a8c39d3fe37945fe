import { type Command, isRefusal } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { Market, marketsAt } from "../testing/market.js";
import { shelf } from "../testing/synthetic-tape.js";
import type { SystemCommand } from "./commands.js";
import { positionAt } from "./playhead.js";
import { needsTicker, type SessionRecord } from "./record.js";

// A frame every 100 ms since a minute before noon: at noon the edge is frame 600.
const market = new Market("live.BINANCE.BTCUSDT.1@1", noon - 60_000);
const claim: SystemCommand = { type: "claim", node: "ticker-1" };
const live: Command = { type: "live" };
const tune: SystemCommand = { type: "tune" };
const reach = (seq: number): SystemCommand => ({ type: "reach", node: "ticker-1", seq });

/** What commands make of a session at a moment, where these markets are all there is. */
async function after(session: SessionRecord, now: number, commands: (Command | SystemCommand)[], ...markets: Market[]) {
  let next = session;
  const there = marketsAt(now, ...(markets.length > 0 ? markets : [market]));
  for (const command of commands) next = expectAccepted(await applyCommand(next, command, now, there));
  return next;
}

const atEdge = () => createdSession(marketsAt(noon, market), { mode: "LIVE" });

describe("LIVE", () => {
  test("[LV2] plays at the edge of its feed's tape, with no history", async () => {
    expect(await atEdge()).toMatchObject({
      mode: "LIVE",
      symbol: "BTCUSDT",
      source: "BINANCE",
      state: "PLAYING",
      edge: true,
      tape: market.id,
      anchorSeq: 600,
      epochFromSeq: 600,
      historyFromSeq: 600,
      feed: null,
    });
    const replaying = await createdSession(marketsAt(noon, market));
    const switched = await after(replaying, noon + 1000, [{ type: "mode", mode: "LIVE" }]);
    expect(switched).toMatchObject({ edge: true, anchorSeq: 610, historyFromSeq: 610 });
    expect(switched.epoch).toBeGreaterThan(replaying.epoch);
  });

  test("[LV70] a session that is not playing moves to a later frame that was delivered; one that plays, or is in another epoch, does not", async () => {
    const playing = await atEdge();
    const shown = (epoch: number, seq: number): SystemCommand => ({ type: "shown", epoch, seq });
    const resting = await after(playing, noon + 1000, [{ type: "pause" }]);
    const later = noon + 1100;
    expect(await after(resting, later, [shown(resting.epoch, 611)])).toMatchObject({
      state: "PAUSED",
      epoch: resting.epoch,
      anchorSeq: 611,
      anchorNs: 61.1e9,
      publishedSeq: 611,
    });
    expect(await after(resting, later, [shown(resting.epoch, 610)])).toBe(resting);
    expect(await after(resting, later, [shown(resting.epoch - 1, 611)])).toBe(resting);
    expect(await after(playing, later, [shown(playing.epoch, 611)])).toBe(playing);
  });

  test("[LV2] waits for a tape while its feed has none, and [LV7] switches to it when the feed begins one", async () => {
    const waiting = await createdSession(shelf(), { mode: "LIVE", symbol: "ethusdt" });
    expect(waiting).toMatchObject({ state: "PLAYING", edge: true, tape: "", symbol: "ETHUSDT", feed: null });
    expect(await applyCommand(waiting, tune, noon, shelf())).toBe(waiting);
    expect(await applyCommand(waiting, { type: "goback", seconds: 1 }, noon, shelf())).toMatchObject({
      refused: "NO_TAPE",
    });
    const tuned = await after(waiting, noon, [tune]);
    expect(tuned).toMatchObject({ state: "PLAYING", edge: true, tape: market.id, anchorSeq: 600, historyFromSeq: 600 });
    expect(tuned.epoch).toBeGreaterThan(waiting.epoch);
    const resting = expectAccepted(await applyCommand(waiting, { type: "pause" }, noon, shelf()));
    expect(await after(resting, noon, [tune])).toMatchObject({ state: "PAUSED", edge: false, anchorSeq: 600 });
  });

  test("[LV1] an unknown source is refused, and nothing is changed", async () => {
    const session = await atEdge();
    const result = await applyCommand(
      session,
      { type: "mode", mode: "LIVE", source: "MOON" },
      noon,
      marketsAt(noon, market),
    );
    expect(result).toMatchObject({ refused: "INVALID_VALUE" });
  });

  test("[LV3] follows the edge, and needs and gets no ticker", async () => {
    const session = await atEdge();
    for (const ms of [0, 100, 60_000]) {
      const seq = 600 + ms / 100;
      expect(await positionAt(session, noon - 5, market.tape(noon + ms))).toEqual({ seq, ns: seq * 1e8 });
    }
    expect(needsTicker(session)).toBe(false);
    expect(await after(session, noon, [claim])).toBe(session);
  });

  test("[LV3] raises a lower speed, and keeps a higher one", async () => {
    const slow = await createdSession(marketsAt(noon, market), { speed: 0.5 });
    expect(await after(slow, noon, [{ type: "mode", mode: "LIVE" }])).toMatchObject({ edge: true, speed: 1 });
    const fast = await after(await atEdge(), noon, [{ type: "speed", value: 4 }]);
    expect(fast).toMatchObject({ edge: true, speed: 4 });
  });
});

describe("leaving the edge", () => {
  test.each<[Command, object]>([
    [{ type: "pause" }, { state: "PAUSED", anchorSeq: 650 }],
    [{ type: "stop" }, { state: "STOPPED", reason: "stop", anchorSeq: 650 }],
    [
      { type: "speed", value: 0.5 },
      { state: "PLAYING", anchorSeq: 650, speed: 0.5 },
    ],
    [
      { type: "goback", seconds: 20 },
      { state: "PLAYING", anchorSeq: 450, anchorNs: 45e9 },
    ],
    [
      { type: "seek", to: { fraction: 0 } },
      { state: "PLAYING", anchorSeq: 0 },
    ],
    [
      { type: "step", by: { frames: -1 } },
      { state: "PAUSED", anchorSeq: 649 },
    ],
    [
      { type: "range", to: noon + 60_000 },
      { state: "PLAYING", anchorSeq: 650 },
    ],
    [
      { type: "range", from: noon, loop: true },
      { state: "PLAYING", anchorSeq: 650, toNs: 65e9 },
    ],
  ])("[LV4] by %j begins a new epoch only where frames come again", async (command, expected) => {
    const session = await atEdge();
    const left = await after(session, noon + 5000, [command], market);
    expect(left).toMatchObject({ edge: false, ticker: "", publishedSeq: left.anchorSeq, ...expected });
    expect(left.epoch === session.epoch).toBe(left.anchorSeq === 650);
    expect(needsTicker(left)).toBe(left.state === "PLAYING");
  });

  test("[LV4] a command that changes none of that stays at the edge", async () => {
    const session = await atEdge();
    for (const command of [{ type: "start" }, { type: "resume" }, live, { type: "range", to: null }] as Command[]) {
      expect(await after(session, noon + 5000, [command])).toBe(session);
    }
    const kept = await after(session, noon + 5000, [{ type: "range", from: noon - 30_000 }]);
    expect(kept).toMatchObject({ edge: true, epoch: session.epoch });
  });

  test("[LV4] a pause of 20 s leaves the session 20 s behind, frame by frame", async () => {
    const paused = await after(await atEdge(), noon + 5000, [{ type: "pause" }]);
    const resumed = await after(paused, noon + 25_000, [{ type: "resume" }, claim]);
    expect(resumed).toMatchObject({ state: "PLAYING", edge: false, epoch: paused.epoch, publishedSeq: 650 });
    for (const ms of [0, 100, 5_000, 500_000]) {
      const now = noon + 25_000 + ms;
      expect(await positionAt(resumed, now, market.tape(now))).toMatchObject({ seq: 650 + ms / 100 });
    }
  });
});

describe("returning to the edge", () => {
  test("[LV5] live jumps there from anywhere, and start from STOPPED", async () => {
    const session = await atEdge();
    const behind = await after(session, noon + 5000, [{ type: "goback", seconds: 30 }]);
    const slow = await after(behind, noon + 5000, [{ type: "speed", value: 0.1 }]);
    const stopped = await after(behind, noon + 6000, [{ type: "stop" }]);
    expect(stopped).toMatchObject({ state: "STOPPED", anchorSeq: 360, epoch: behind.epoch });
    for (const [from, command] of [
      [behind, live],
      [slow, live],
      [stopped, live],
      [stopped, { type: "start" }],
      [stopped, { type: "resume" }],
    ] as [SessionRecord, Command][]) {
      const back = await after(from, noon + 7000, [command]);
      expect(back).toMatchObject({ state: "PLAYING", edge: true, anchorSeq: 670, epochFromSeq: 670, speed: 1 });
      expect(back.epoch).toBeGreaterThan(from.epoch);
    }
  });

  test("[LV5] in its epoch if the session is at the newest frame, and the range is dropped", async () => {
    const stopped = await after(await atEdge(), noon + 5000, [{ type: "stop" }]);
    expect(await after(stopped, noon + 5050, [live])).toMatchObject({ edge: true, epoch: stopped.epoch });
    const ranged = await after(stopped, noon + 5050, [
      { type: "range", from: noon - 9000, to: noon, loop: true },
      live,
    ]);
    expect(ranged).toMatchObject({ edge: true, fromNs: null, toNs: null, loop: false, anchorSeq: 650 });
  });

  test("[LV5] a parked session is not parked at the edge", async () => {
    const behind = await after(await atEdge(), noon, [{ type: "goback", seconds: 9 }, claim]);
    const parked = await after(behind, noon + 100, [{ type: "park", node: "ticker-1" }]);
    expect(parked.parked).toBe(true);
    expect(await after(parked, noon + 200, [live])).toMatchObject({ edge: true, parked: false });
  });

  test("[LV5] on the tape that the feed makes now, whatever the session's own is", async () => {
    const other = new Market("live.BINANCE.BTCUSDT.2@1", noon - 1000);
    const gone = new Market(market.id, noon - 60_000, noon);
    const resting = await after(await atEdge(), noon, [{ type: "pause" }]);
    const there = await after(resting, noon + 500, [live], gone, other);
    expect(there).toMatchObject({ edge: true, tape: other.id, anchorSeq: 15, historyFromSeq: 15 });
    expect(there.epoch).toBeGreaterThan(resting.epoch);
    // Nor does it take a feed that runs: the end of the tape is the edge until one does.
    expect(await after(resting, noon + 500, [live], gone)).toMatchObject({
      edge: true,
      tape: market.id,
      anchorSeq: 600,
    });
  });

  test("[LV6] a session that has shown the whole tape goes on at the edge, in its epoch", async () => {
    const behind = await after(await atEdge(), noon, [
      { type: "goback", seconds: 3 },
      { type: "speed", value: 4 },
      claim,
    ]);
    const there = await after(behind, noon + 1000, [reach(610)]);
    expect(there).toMatchObject({
      edge: true,
      epoch: behind.epoch,
      anchorSeq: 610,
      publishedSeq: 610,
      ticker: "",
      speed: 4,
    });
    expect(there.rev).toBe(behind.rev + 1);
  });

  test("[LV6] only the ticker that has claimed it can issue that, and only close to the edge", async () => {
    const behind = await after(await atEdge(), noon, [{ type: "goback", seconds: 3 }, claim]);
    const stays = async (session: SessionRecord, command: SystemCommand) =>
      expect(await after(session, noon + 3000, [command])).toBe(session);
    await stays(behind, { type: "reach", node: "ticker-2", seq: 630 });
    await stays(behind, reach(619));
    await stays({ ...behind, speed: 0.5 }, reach(630));
    await stays({ ...behind, toNs: 70e9 }, reach(630));
    await stays({ ...behind, loop: true }, reach(630));
    await stays({ ...behind, mode: "REPLAY" }, reach(630));
    expect(await after(behind, noon + 3000, [reach(629)])).toMatchObject({ edge: true, anchorSeq: 629 });
  });

  test("[LV6] the end of a finished tape is its edge at any speed, and no end of LIVE", async () => {
    const finished = new Market(market.id, noon - 60_000, noon + 1000);
    const behind = await after(await atEdge(), noon, [{ type: "speed", value: 0.5 }, claim]);
    expect(await after(behind, noon + 3000, [reach(610)], finished)).toMatchObject({
      edge: true,
      speed: 1,
      anchorSeq: 610,
    });
  });
});

describe("another tape of the feed", () => {
  const other = new Market("live.BINANCE.BTCUSDT.2@1", noon + 1000);
  const former = new Market(market.id, noon - 60_000, noon + 1000);

  test("[LV7] is followed by sessions at the edge, once however often the command is repeated", async () => {
    const session = await atEdge();
    const tuned = await after(session, noon + 2000, [tune], former, other);
    expect(tuned).toMatchObject({ edge: true, tape: other.id, anchorSeq: 10, epochFromSeq: 10, historyFromSeq: 10 });
    expect(tuned.epoch).toBeGreaterThan(session.epoch);
    expect(await after(tuned, noon + 2500, [tune], former, other)).toBe(tuned);
    expect(await after(session, noon + 2000, [tune], former)).toBe(session);
  });

  test("[LV7] does not affect sessions behind the edge, unless their tape is lost", async () => {
    const behind = await after(await atEdge(), noon, [{ type: "goback", seconds: 9 }]);
    expect(await after(behind, noon + 2000, [tune], former, other)).toBe(behind);
    expect(await after(behind, noon + 2000, [tune], other)).toMatchObject({ edge: true, tape: other.id });
    const resting = await after(behind, noon, [{ type: "pause" }]);
    expect(await after(resting, noon + 2000, [tune], other)).toMatchObject({
      state: "PAUSED",
      edge: false,
      tape: other.id,
    });
    const replaying = await createdSession(marketsAt(noon, market), { tape: market.id });
    expect(await after(replaying, noon + 2000, [tune], other)).toBe(replaying);
  });

  test("[LV7] a session whose tape is lost can pause, play, go live and change its mode", async () => {
    const session = await atEdge();
    const paused = expectAccepted(await applyCommand(session, { type: "pause" }, noon, shelf()));
    expect(paused).toMatchObject({ state: "PAUSED", edge: false, anchorSeq: 600 });
    expect(expectAccepted(await applyCommand(paused, { type: "resume" }, noon, shelf()))).toMatchObject({
      state: "PLAYING",
    });
    expect(await applyCommand(session, { type: "goback", seconds: 1 }, noon, shelf())).toMatchObject({
      refused: "NO_TAPE",
    });
    expect(await applyCommand(session, live, noon, shelf())).toBe(session);
    expect(await applyCommand(session, { type: "mode", mode: "SIMULATION", seed: 1 }, noon, shelf())).toMatchObject({
      edge: false,
    });
    expect(isRefusal(await applyCommand(session, { type: "mode", mode: "REPLAY" }, noon, shelf()))).toBe(false);
  });
});

describe("frames that retention has removed", () => {
  test("[LV8] are skipped by a session that is paused or plays there", async () => {
    const behind = await after(await atEdge(), noon, [{ type: "seek", to: { seq: 100 } }, claim]);
    const cut = market.tape(noon, 300);
    const here = { seq: 300, ns: 30e9 };
    expect(await positionAt(behind, noon + 1000, cut)).toEqual(here);
    const paused = expectAccepted(await applyCommand(behind, { type: "pause" }, noon + 1000, shelf(cut)));
    expect(paused).toMatchObject({ state: "PAUSED", anchorSeq: 300, epoch: behind.epoch });
    const rested = await after(behind, noon, [{ type: "pause" }]);
    expect(await positionAt(rested, noon, cut)).toEqual(here);
    const far: Command = { type: "goback", seconds: 1000 };
    expect(expectAccepted(await applyCommand(paused, far, noon + 1000, shelf(cut)))).toMatchObject({ anchorSeq: 300 });
  });

  test("[LV8] are skipped by a session that was not rendered for long", async () => {
    const behind = await after(await atEdge(), noon, [{ type: "seek", to: { seq: 100 } }]);
    const claimed = expectAccepted(
      await applyCommand(behind, claim, noon + 40_000, shelf(market.tape(noon + 40_000, 300))),
    );
    expect(claimed).toMatchObject({ anchorSeq: 300, anchorWallMs: noon + 40_000 });
  });
});

test("[LV9] a loop without an end ends at the newest frame at the time of the command, and repeats", async () => {
  const looped = await after(await atEdge(), noon, [{ type: "range", from: noon - 2000, loop: true }, claim]);
  expect(looped).toMatchObject({ fromNs: 58e9, toNs: 60e9, loop: true, edge: false });
  const wrapped = await after(looped, noon + 500, [{ type: "wrap" }]);
  expect(wrapped).toMatchObject({ anchorSeq: 580 });
  expect(wrapped.epoch).toBeGreaterThan(looped.epoch);
});

test("[LV9] a range that ends in the future ends when the market reaches its end", async () => {
  const ranged = await after(await atEdge(), noon, [{ type: "range", to: noon + 1000 }, claim]);
  expect(ranged).toMatchObject({ toNs: 61e9, edge: false });
  for (const command of [{ type: "end" }, reach(605)] as SystemCommand[]) {
    expect(await after(ranged, noon + 500, [command])).toBe(ranged);
  }
  expect(await after(ranged, noon + 1200, [{ type: "end" }])).toMatchObject({
    state: "STOPPED",
    reason: "ended",
    anchorSeq: 610,
  });
});
