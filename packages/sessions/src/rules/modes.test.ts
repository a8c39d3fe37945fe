import type { Command, Mode } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import { decodeRecord, encodeRecord } from "../store/record-codec.js";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { Market, marketsAt } from "../testing/market.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import type { Tapes } from "./choose-mode.js";
import type { SystemCommand } from "./commands.js";
import { positionAt } from "./playhead.js";
import { needsTicker, type SessionRecord } from "./record.js";

// A frame every 100 ms, 0 to 99: 9.9 s.
const tape = steadyTape(100, 100, { id: "steady@1" });
const other = steadyTape(10, 100, { id: "other@3" });
const tapes = shelf(tape, other);
const at = (ms: number): string => tape.iso(ms * 1e6);
const seekTo = (seq: number): Command => ({ type: "seek", to: { seq } });
const atTheEnd: (Command | SystemCommand)[] = [{ type: "start" }, seekTo(99), { type: "end" }];
const to = (mode: Mode, choice: Omit<Extract<Command, { type: "mode" }>, "type" | "mode"> = {}): Command => ({
  type: "mode",
  mode,
  ...choice,
});

async function after(session: SessionRecord, now: number, commands: (Command | SystemCommand)[], there: Tapes = tapes) {
  let next = session;
  for (const command of commands) next = expectAccepted(await applyCommand(next, command, now, there));
  return next;
}

describe("a mode that the session enters for the first time", () => {
  test("[D26] begins anew at the tape's start, and plays as its mode says", async () => {
    const playing = await after(await createdSession(tapes, { start: true }), noon, [
      { type: "range", from: at(1000), loop: true },
    ]);
    const liveNow = await after(playing, noon + 10, [to("LIVE")]);
    expect(liveNow).toMatchObject({
      state: "PLAYING",
      mode: "LIVE",
      symbol: "BTCUSDT",
      source: "BINANCE",
      tape: "",
      fromNs: null,
      loop: false,
    });
    expect(liveNow.epoch).toBeGreaterThan(playing.epoch);
    const replayed = await after(await createdSession(tapes, { mode: "LIVE" }), noon, [to("REPLAY")]);
    expect(replayed).toMatchObject({ state: "PLAYING", tape: "steady@1", anchorSeq: 0, historyFromSeq: 0, feed: null });
    const rested = await after(await createdSession(tapes, { mode: "LIVE" }), noon, [{ type: "pause" }, to("REPLAY")]);
    expect(rested).toMatchObject({ state: "STOPPED", reason: "start", anchorSeq: 0 });
  });

  test("[D26] is refused if its tape does not exist", async () => {
    const session = await createdSession(tapes);
    expect(await applyCommand(session, to("REPLAY", { tape: "none" }), noon, tapes)).toMatchObject({
      refused: "TAPE_NOT_FOUND",
    });
  });
});

describe("the mode that the session is in", () => {
  test.each<[string, (Command | SystemCommand)[]]>([
    ["PLAYING", [{ type: "start" }]],
    ["PAUSED", [{ type: "pause" }]],
    ["STOPPED", []],
    ["STOPPED at the end", atTheEnd],
  ])("[D71] changes nothing in REPLAY, %s", async (_, commands) => {
    const session = await after(await createdSession(tapes), noon, [seekTo(30), { type: "stop" }, ...commands]);
    for (const command of [to("REPLAY"), to("REPLAY", { tape: "steady" }), to("REPLAY", { tape: "steady@1" })]) {
      expect(await applyCommand(session, command, noon + 3000, tapes)).toBe(session);
    }
  });

  test("[D71] changes only the names if it names the same tape in another way", async () => {
    const session = await after(await createdSession(tapes, { start: true }), noon, [seekTo(30)]);
    const named = await after(session, noon + 500, [to("REPLAY", { symbol: "BTCUSDT" })]);
    expect(named).toEqual({ ...session, symbol: "BTCUSDT", rev: session.rev + 1, lastActivity: noon + 500 });
    expect(await applyCommand(named, to("REPLAY", { symbol: "BTCUSDT" }), noon + 900, tapes)).toBe(named);
    expect(await applyCommand(named, to("REPLAY"), noon + 900, tapes)).toBe(named);
  });

  test("[D71] changes nothing if the same symbol was requested before a newer tape of it was imported", async () => {
    const session = await createdSession(tapes, { symbol: "BTCUSDT" });
    const newer = shelf(steadyTape(20, 100, { id: "newer@1" }), tape);
    expect(await applyCommand(session, to("REPLAY", { symbol: "BTCUSDT" }), noon, newer)).toBe(session);
    expect(await applyCommand(session, to("REPLAY", { tape: "newer" }), noon, newer)).toMatchObject({
      tape: "newer@1",
    });
  });

  test("[D71] chooses another tape if its own has been deleted", async () => {
    const session = await after(await createdSession(tapes, { tape: "other", start: true }), noon, [seekTo(5)]);
    expect(await applyCommand(session, to("REPLAY"), noon, shelf(tape))).toMatchObject({
      tape: "steady@1",
      anchorSeq: 0,
    });
  });

  test("[D71] changes nothing in REPLAY without any tape", async () => {
    const session = await after(await createdSession(shelf()), noon, [{ type: "start" }], shelf());
    expect(await applyCommand(session, to("REPLAY"), noon + 5, shelf())).toBe(session);
  });

  test.each<[string, Command[]]>([
    ["at the edge", []],
    ["behind it", [{ type: "goback", seconds: 20 }]],
    ["paused", [{ type: "pause" }]],
    ["stopped", [{ type: "stop" }]],
  ])("[D71] changes nothing in LIVE, %s", async (_, commands) => {
    const market = new Market("live.BINANCE.ETHUSDT.1@1", noon - 60_000);
    const then = marketsAt(noon, market);
    const session = await after(await createdSession(then, { mode: "LIVE", symbol: "ETHUSDT" }), noon, commands, then);
    const later = marketsAt(noon + 9000, market);
    for (const command of [
      to("LIVE"),
      to("LIVE", { symbol: "ETHUSDT" }),
      to("LIVE", { source: "BINANCE", symbol: "ETHUSDT" }),
    ]) {
      expect(await applyCommand(session, command, noon + 9000, later)).toBe(session);
    }
    expect(await applyCommand(session, to("LIVE", { source: "SIM" }), noon + 9000, later)).toMatchObject({
      edge: true,
      source: "SIM",
      symbol: "BTCUSDT",
    });
  });

  test("[D71] changes nothing in SIMULATION for the same market, also one with orders in it", async () => {
    const session = await createdSession(tapes, { mode: "SIMULATION", seed: 42, scenario: "mixed" });
    const ordered = await after(session, noon + 1000, [{ type: "order", side: "BUY", quantity: 1 }]);
    const opens: Tapes = { ...tapes, open: async (id) => steadyTape(100, 100, { id }) };
    for (const each of [session, ordered]) {
      for (const choice of [{}, { seed: 42 }, { seed: "42", symbol: "BTCUSDT" }, { scenario: "mixed" }]) {
        expect(await applyCommand(each, to("SIMULATION", choice), noon + 3000, opens)).toBe(each);
      }
    }
    expect(await applyCommand(session, to("SIMULATION", { seed: 43 }), noon, opens)).toMatchObject({
      seed: "43",
      anchorSeq: 0,
    });
  });
});

describe("coming back to a mode", () => {
  const away = async (session: SessionRecord, mode: Mode = "LIVE") =>
    after(session, noon + 2000, [to(mode, mode === "SIMULATION" ? { seed: 1 } : {})]);

  test("[D72] a mode that was PLAYING plays on from where it was left, in a new epoch", async () => {
    const playing = await after(await createdSession(tapes, { start: true, speed: 2 }), noon, [
      { type: "goback", seconds: 1 },
    ]);
    const left = await away(playing, "SIMULATION");
    const back = await after(left, noon + 60_000, [to("REPLAY")]);
    expect(back).toMatchObject({
      mode: "REPLAY",
      state: "PLAYING",
      tape: "steady@1",
      anchorSeq: 40,
      anchorNs: 4e9,
      anchorWallMs: noon + 60_000,
      epochFromSeq: 40,
      publishedSeq: 40,
      historyFromSeq: 0,
      speed: 2,
    });
    expect(back.epoch).toBeGreaterThan(left.epoch);
    expect(needsTicker(back)).toBe(true);
  });

  test.each<[string, (Command | SystemCommand)[], object]>([
    ["PAUSED", [seekTo(30)], { state: "PAUSED", reason: "", anchorSeq: 30 }],
    ["STOPPED", [seekTo(30), { type: "stop" }], { state: "STOPPED", reason: "stop", anchorSeq: 0 }],
    ["STOPPED at the end", atTheEnd, { state: "STOPPED", reason: "ended", anchorSeq: 99 }],
    [
      "in a loop",
      [{ type: "range", from: at(2000), to: at(5000), loop: true }, seekTo(40), { type: "speed", value: 3 }],
      { state: "PAUSED", fromNs: 2e9, toNs: 5e9, loop: true, speed: 3, anchorSeq: 40 },
    ],
  ])("[D72] one that was %s is as it was left", async (_, commands, expected) => {
    const before = await after(await createdSession(tapes), noon, commands);
    const back = await after(await away(before), noon + 5000, [{ type: "speed", value: 8 }, to("REPLAY")]);
    expect(back).toMatchObject(expected);
    expect(back.historyFromSeq).toBe(before.historyFromSeq);
  });

  test("[D72] history reaches back no further than before", async () => {
    const late = await createdSession(tapes, { from: at(5000) });
    expect(late.historyFromSeq).toBe(50);
    expect(await after(await away(late), noon, [to("REPLAY")])).toMatchObject({ historyFromSeq: 50 });
  });

  test("[D72] a parked session plays on when the mode is resumed", async () => {
    const parked = await after(await createdSession(tapes, { start: true }), noon + 1000, [
      { type: "claim", node: "t" },
      { type: "park", node: "t" },
    ]);
    const back = await after(await away(parked), noon + 9000, [to("REPLAY")]);
    expect(back).toMatchObject({
      state: "PLAYING",
      parked: false,
      anchorSeq: 10,
      anchorWallMs: noon + 9000,
      ticker: "",
    });
  });

  test("[D73] to another tape or market than it was left with begins anew, and keeps that from then on", async () => {
    const paused = await after(await createdSession(tapes), noon, [seekTo(30)]);
    const anew = await after(await away(paused), noon, [to("REPLAY", { tape: "other" })]);
    expect(anew).toMatchObject({ tape: "other@3", anchorSeq: 0 });
    const again = await after(anew, noon + 300, [{ type: "pause" }, to("LIVE"), to("REPLAY")]);
    expect(again).toMatchObject({ tape: "other@3", state: "PAUSED", anchorSeq: 3 });
    expect(await after(again, noon, [to("REPLAY", { tape: "steady" })])).toMatchObject({
      tape: "steady@1",
      anchorSeq: 0,
    });

    const simulating = await after(again, noon, [to("SIMULATION", { seed: 7, scenario: "mixed" })]);
    const kept = await after(simulating, noon + 500, [{ type: "pause" }, to("REPLAY")]);
    expect(await after(kept, noon, [to("SIMULATION")])).toMatchObject({ seed: "7", state: "PAUSED", anchorSeq: 5 });
    expect(await after(kept, noon, [to("SIMULATION", { seed: 8 })])).toMatchObject({
      seed: "8",
      scenario: "mixed",
      state: "PLAYING",
      anchorSeq: 0,
    });
  });

  test("[D73] whose tape has been deleted begins anew with another one", async () => {
    const left = await away(await after(await createdSession(tapes, { tape: "other" }), noon, [seekTo(5)]));
    expect(await after(left, noon, [to("REPLAY")], shelf(tape))).toMatchObject({ tape: "steady@1", anchorSeq: 0 });
  });

  test("[D75] a session of an older release begins anew once, and keeps what it leaves from then on", async () => {
    const left = await away(await after(await createdSession(tapes), noon, [seekTo(30)]));
    const { kept_replay: _, kept_live: __, kept_simulation: ___, ...older } = encodeRecord(left);
    const read = decodeRecord(older);
    expect(read.kept).toEqual({ REPLAY: null, LIVE: null, SIMULATION: null });
    const anew = await after(read, noon, [to("REPLAY")]);
    expect(anew).toMatchObject({ state: "PLAYING", anchorSeq: 0 });
    const again = await after(anew, noon + 700, [{ type: "pause" }, to("LIVE"), to("REPLAY")]);
    expect(again).toMatchObject({ state: "PAUSED", anchorSeq: 7 });
  });

  test("[D75] what an older release left of the current mode is not resumed", async () => {
    const stale = await away(await after(await createdSession(tapes), noon, [seekTo(30)]));
    const replaying = { ...(await createdSession(tapes, { start: true })), kept: stale.kept };
    expect(await applyCommand(replaying, to("REPLAY"), noon + 500, tapes)).toBe(replaying);
    const back = await after(replaying, noon + 500, [to("LIVE"), to("REPLAY")]);
    expect(back).toMatchObject({ state: "PLAYING", anchorSeq: 5 });
  });
});

describe("coming back to LIVE", () => {
  const market = new Market("live.BINANCE.BTCUSDT.1@1", noon - 60_000);
  const finished = new Market(market.id, noon - 60_000, noon + 10_000);
  const next = new Market("live.BINANCE.BTCUSDT.2@1", noon + 20_000);
  const replayed = async (commands: Command[]) => {
    const there = marketsAt(noon, market);
    return after(
      await createdSession(there, { mode: "LIVE" }),
      noon,
      [...commands, to("REPLAY", { tape: market.id })],
      there,
    );
  };
  const back = async (session: SessionRecord, now: number, ...markets: Market[]) =>
    after(session, now, [to("LIVE")], marketsAt(now, ...markets));

  test("[D72] a session that was behind the edge is there again", async () => {
    const left = await replayed([{ type: "pause" }]);
    const there = await back(left, noon + 30_000, market);
    expect(there).toMatchObject({ mode: "LIVE", state: "PAUSED", edge: false, anchorSeq: 600, historyFromSeq: 600 });
    const resumed = await after(there, noon + 40_000, [{ type: "resume" }], marketsAt(noon + 40_000, market));
    const now = noon + 41_000;
    expect(await positionAt(resumed, now, market.tape(now))).toMatchObject({ seq: 610 });
  });

  test("[D72] one that played behind it plays on from there", async () => {
    const left = await replayed([{ type: "goback", seconds: 20 }]);
    expect(await back(left, noon + 30_000, market)).toMatchObject({ state: "PLAYING", edge: false, anchorSeq: 400 });
  });

  test("[D74] one that was at the edge is at the edge, wherever that is", async () => {
    const left = await replayed([]);
    expect(await back(left, noon + 5000, market)).toMatchObject({ state: "PLAYING", edge: true, anchorSeq: 650 });
    expect(await back(left, noon + 30_000, finished, next)).toMatchObject({
      edge: true,
      tape: next.id,
      anchorSeq: 100,
    });
    expect(await back(left, noon + 15_000, finished)).toMatchObject({ edge: true, tape: "" });
  });

  test("[D74] one on a tape that has been finished since stays there, as it would without leaving", async () => {
    const left = await replayed([{ type: "pause" }]);
    const there = await back(left, noon + 30_000, finished, next);
    expect(there).toMatchObject({ state: "PAUSED", edge: false, tape: market.id, anchorSeq: 600 });
    const now = noon + 30_000;
    expect(await after(there, now, [{ type: "live" }], marketsAt(now, finished, next))).toMatchObject({
      edge: true,
      tape: next.id,
    });
  });

  test.each<[Command, object]>([
    [{ type: "pause" }, { state: "PAUSED", edge: false }],
    [{ type: "stop" }, { state: "STOPPED", edge: false }],
    [
      { type: "goback", seconds: 20 },
      { state: "PLAYING", edge: true },
    ],
  ])("[D74] one whose tape is lost is at the edge, after %j in its state", async (command, expected) => {
    const left = await replayed([command]);
    const newest = { tape: next.id, anchorSeq: 100, historyFromSeq: 100 };
    expect(await back(left, noon + 30_000, next)).toMatchObject({ ...expected, ...newest });
    expect(await back(left, noon + 30_000)).toMatchObject({ ...expected, tape: "" });
    // As much of the tape as it was left at did not outlive Redis.
    const shorter = new Market(market.id, noon - 60_000, noon - 50_000);
    if (command.type !== "goback") {
      expect(await back(left, noon + 30_000, shorter, next)).toMatchObject({ ...expected, ...newest });
    }
  });

  test("[D74] one that waited for its feed's tape still does, in its state", async () => {
    const waiting = await after(
      await createdSession(shelf(), { mode: "LIVE", symbol: "ETHUSDT" }),
      noon,
      [{ type: "pause" }],
      shelf(),
    );
    const left = await after(waiting, noon, [to("REPLAY")]);
    expect(await back(left, noon + 500)).toMatchObject({ state: "PAUSED", symbol: "ETHUSDT", tape: "", edge: false });
    expect(await back(left, noon + 500, market)).toMatchObject({ state: "PAUSED", tape: market.id, anchorSeq: 605 });
  });

  test("[D73] with another instrument plays at its edge", async () => {
    const left = await replayed([{ type: "pause" }]);
    const there = await after(left, noon, [to("LIVE", { symbol: "ETHUSDT" })], marketsAt(noon, market));
    expect(there).toMatchObject({ state: "PLAYING", edge: true, symbol: "ETHUSDT" });
  });
});
