import {
  type Command,
  commandNames,
  isRefusal,
  type PlaybackState,
  playbackState,
  type RefusalCode,
} from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import type { SystemCommand } from "./commands.js";
import { playheadAt } from "./playhead.js";
import type { SessionRecord } from "./record.js";

// A frame every 100 ms, 0 to 99: 9.9 s.
const tape = steadyTape(100, 100, {
  id: "steady@1",
  events: [
    { seq: 20, ns: 2e9, type: "SPOOFING", severity: "high" },
    { seq: 60, ns: 6e9, type: "LAYERING", severity: "low" },
  ],
});
const tapes = shelf(tape);

const start: Command = { type: "start" };
const pause: Command = { type: "pause" };
const stop: Command = { type: "stop" };
const live: Command = { type: "live" };
const seekTo = (seq: number): Command => ({ type: "seek", to: { seq } });
const loopOf = (from: number, to: number): Command => ({ type: "range", from: at(from), to: at(to), loop: true });
const at = (ms: number): string => tape.iso(ms * 1e6);

async function after(session: SessionRecord, now: number, ...commands: (Command | SystemCommand)[]) {
  let next = session;
  for (const command of commands) next = expectAccepted(await applyCommand(next, command, now, tapes));
  return next;
}

/** A session in a state, at frame 50 unless it is stopped. */
async function inState(state: PlaybackState): Promise<SessionRecord> {
  const fresh = await createdSession(tapes);
  if (state === "STOPPED") return fresh;
  return await after(fresh, noon, seekTo(50), ...(state === "PLAYING" ? [start] : []));
}

const examples: Record<Command["type"], Command> = {
  start,
  pause,
  stop,
  live,
  resume: { type: "resume" },
  speed: { type: "speed", value: 2 },
  pace: { type: "pace", pace: "lossless" },
  range: { type: "range", from: at(1000), to: at(9000) },
  seek: seekTo(10),
  goback: { type: "goback", seconds: 1 },
  step: { type: "step", by: { frames: 1 } },
  mode: { type: "mode", mode: "REPLAY" },
  order: { type: "order", side: "BUY", quantity: 1 },
};

function expectOutcome(result: Awaited<ReturnType<typeof applyCommand>>, before: SessionRecord, expected: string) {
  expect(isRefusal(result) ? result.refused : result.state).toBe(expected);
  if (isRefusal(result)) expect(result.message).toMatch(/\.$/);
  else expect(result.rev - before.rev).toBe(result === before ? 0 : 1);
}

/** What each command leads to from each state: a state or a refusal. A missing cell does not compile. */
type Outcomes = Readonly<Record<PlaybackState, Readonly<Record<Command["type"], PlaybackState | RefusalCode>>>>;

/** In REPLAY on a tape; SIMULATION is the same, but accepts orders while it plays. `mode` is one to REPLAY. */
const outcomesOnTape: Outcomes = {
  STOPPED: {
    start: "PLAYING",
    resume: "PLAYING",
    pause: "PAUSED",
    stop: "STOPPED",
    speed: "STOPPED",
    pace: "STOPPED",
    range: "STOPPED",
    seek: "PAUSED",
    goback: "PAUSED",
    step: "PAUSED",
    live: "NOT_LIVE",
    mode: "STOPPED",
    order: "NOT_SIMULATION",
  },
  PLAYING: {
    start: "PLAYING",
    resume: "PLAYING",
    pause: "PAUSED",
    stop: "STOPPED",
    speed: "PLAYING",
    pace: "PLAYING",
    range: "PLAYING",
    seek: "PLAYING",
    goback: "PLAYING",
    step: "PAUSED",
    live: "NOT_LIVE",
    mode: "PLAYING",
    order: "NOT_SIMULATION",
  },
  PAUSED: {
    start: "PLAYING",
    resume: "PLAYING",
    pause: "PAUSED",
    stop: "STOPPED",
    speed: "PAUSED",
    pace: "PAUSED",
    range: "PAUSED",
    seek: "PAUSED",
    goback: "PAUSED",
    step: "PAUSED",
    live: "NOT_LIVE",
    mode: "PAUSED",
    order: "NOT_SIMULATION",
  },
};

const withoutPlaces = { seek: "NO_TAPE", goback: "NO_TAPE", step: "NO_TAPE", range: "NO_TAPE" } as const;

/** In LIVE on a tape; `mode` is the first one to REPLAY. */
const outcomesInLive: Outcomes = {
  STOPPED: { ...outcomesOnTape.STOPPED, live: "PLAYING", pace: "INVALID_VALUE" },
  PLAYING: { ...outcomesOnTape.PLAYING, live: "PLAYING", pace: "INVALID_VALUE" },
  PAUSED: { ...outcomesOnTape.PAUSED, live: "PLAYING", pace: "INVALID_VALUE", mode: "STOPPED" },
};

/** In LIVE before its feed has brought any frame, and thus without a tape. */
const outcomesInLiveWithoutTape: Outcomes = {
  STOPPED: { ...outcomesInLive.STOPPED, ...withoutPlaces },
  PLAYING: { ...outcomesInLive.PLAYING, ...withoutPlaces },
  PAUSED: { ...outcomesInLive.PAUSED, ...withoutPlaces },
};

describe.each([
  ["on a tape", outcomesOnTape, inState],
  [
    "in LIVE",
    outcomesInLive,
    async (state: PlaybackState) => {
      const session = await createdSession(shelf(steadyTape(60, 100, { id: "steady@1", growing: true })), {
        mode: "LIVE",
      });
      return state === "PLAYING" ? session : await after(session, noon, state === "PAUSED" ? pause : stop);
    },
  ],
  [
    "in LIVE without a tape",
    outcomesInLiveWithoutTape,
    async (state: PlaybackState) => {
      const session = await createdSession(tapes, { mode: "LIVE" });
      return state === "PLAYING" ? session : await after(session, noon, state === "PAUSED" ? pause : stop);
    },
  ],
] as [string, Outcomes, typeof inState][])("[D32] %s", (_, outcomes, sessionIn) => {
  test.each(playbackState.options.flatMap((state) => commandNames.map((command) => [state, command] as const)))(
    "%s, %s",
    async (state, command) => {
      const before = await sessionIn(state);
      expectOutcome(await applyCommand(before, examples[command], noon + 200, tapes), before, outcomes[state][command]);
    },
  );
});

describe("commands", () => {
  test("[D10] start plays from the start when STOPPED, from here when PAUSED", async () => {
    const stopped = await createdSession(tapes);
    expect(await after(stopped, noon + 7, start)).toMatchObject({ anchorSeq: 0, anchorWallMs: noon + 7, reason: "" });
    const paused = await inState("PAUSED");
    expect(await after(paused, noon + 7, start)).toMatchObject({ anchorSeq: 50, epoch: paused.epoch });
  });

  test("[D10] [D15] start after the end plays from the range's start in a new epoch", async () => {
    const ranged = await createdSession(tapes, { from: at(1000), to: at(2000), start: true });
    const ended = await after(ranged, noon + 1000, { type: "end" });
    expect(ended).toMatchObject({ state: "STOPPED", reason: "ended", anchorSeq: 20, epoch: ranged.epoch });
    const again = await after(ended, noon + 1500, start);
    expect(again).toMatchObject({ state: "PLAYING", anchorSeq: 10, publishedSeq: 10, epochFromSeq: 10 });
    expect(again.epoch).toBe(noon + 1500);
  });

  test("[D11] pause keeps the frame under the playhead; from STOPPED it is at the start", async () => {
    const playing = await inState("PLAYING");
    const paused = await after(playing, noon + 250, pause);
    expect(paused).toMatchObject({ state: "PAUSED", anchorNs: 5.25e9, anchorSeq: 52, publishedSeq: 52 });
    expect(paused.epoch).toBe(playing.epoch);
    const ended = await after(await createdSession(tapes, { start: true }), noon + 10_000, { type: "end" }, pause);
    expect(ended).toMatchObject({ state: "PAUSED", anchorSeq: 0 });
  });

  test("[D12] [D15] stop goes back to the start, in a new epoch if that shows frames again", async () => {
    const playing = await inState("PLAYING");
    const stopped = await after(playing, noon + 250, stop);
    expect(stopped).toMatchObject({ state: "STOPPED", reason: "stop", anchorSeq: 0, anchorNs: 0 });
    expect(stopped.epoch).toBeGreaterThan(playing.epoch);
    const early = await after(await createdSession(tapes, { start: true }), noon + 50, stop);
    expect(early).toMatchObject({ state: "STOPPED", anchorNs: 0, epoch: noon });
  });

  test.each([
    ["start", start],
    ["the same speed", { type: "speed", value: 1 }],
    ["the same range", { type: "range" }],
  ] as [string, Command][])("[D13] [D14] %s while PLAYING changes nothing", async (_, command) => {
    const playing = await inState("PLAYING");
    expect(await applyCommand(playing, command, noon + 100, tapes)).toBe(playing);
  });

  test("[D13] [D14] pause while PAUSED, stop while STOPPED and a step that cannot move change nothing", async () => {
    const paused = await inState("PAUSED");
    expect(await applyCommand(paused, pause, noon + 100, tapes)).toBe(paused);
    const stopped = await inState("STOPPED");
    expect(await applyCommand(stopped, stop, noon + 100, tapes)).toBe(stopped);
    const atEnd = await after(paused, noon, seekTo(99));
    expect(await applyCommand(atEnd, { type: "step", by: { frames: 5 } }, noon + 100, tapes)).toBe(atEnd);
  });

  test("[D15] epochs follow Redis's clock, and exceed it if needed", async () => {
    const session = await createdSession(tapes);
    expect(session.epoch).toBe(noon);
    const sought = await after(session, noon + 0.4, seekTo(3), seekTo(2), seekTo(1));
    expect(sought.epoch).toBe(noon + 3);
    expect((await after(sought, noon + 500.7, seekTo(3))).epoch).toBe(noon + 500);
  });

  test("[D16] seek while PLAYING plays on from there in a new epoch", async () => {
    const playing = await inState("PLAYING");
    const sought = await after(playing, noon + 300, seekTo(80));
    expect(sought).toMatchObject({ state: "PLAYING", anchorSeq: 80, anchorNs: 8e9, anchorWallMs: noon + 300 });
    expect(sought.epoch).toBeGreaterThan(playing.epoch);
  });

  test.each([
    ["a time", { ts: at(1234) }, 12],
    ["a frame's own time", { ts: at(1200) }, 12],
    ["milliseconds since 1970", { ts: Date.parse(at(1234)) }, 12],
    ["a fraction", { fraction: 0.5 }, 49],
    ["fraction 0", { fraction: 0 }, 0],
    ["fraction 1", { fraction: 1 }, 99],
  ] as [string, Extract<Command, { type: "seek" }>["to"], number][])(
    "[D17] seek by %s lands on the last frame at or before it",
    async (_, to, seq) => {
      const sought = await after(await createdSession(tapes), noon, { type: "seek", to });
      expect(sought).toMatchObject({ state: "PAUSED", anchorSeq: seq, anchorNs: seq * 1e8 });
    },
  );

  test("[D18] goback counts in tape time, whatever the speed, and ends at the start", async () => {
    const playing = await after(await inState("PLAYING"), noon, { type: "speed", value: 2 });
    const back = await after(playing, noon + 1000, { type: "goback", seconds: 2.45 });
    expect(back).toMatchObject({ state: "PLAYING", anchorNs: 4.55e9, anchorSeq: 45 });
    expect(await after(back, noon + 1000, { type: "goback", seconds: 3600 })).toMatchObject({
      anchorSeq: 0,
      anchorNs: 0,
    });
  });

  test("[D19] seek finds the next and the previous event, and is refused if there is none", async () => {
    const paused = await inState("PAUSED");
    const next = await after(paused, noon, { type: "seek", to: { event: "next" } });
    expect(next.anchorSeq).toBe(60);
    const previous = await after(next, noon, { type: "seek", to: { event: "previous", type: "SPOOFING" } });
    expect(previous.anchorSeq).toBe(20);
    expect(await applyCommand(next, { type: "seek", to: { event: "next" } }, noon, tapes)).toMatchObject({
      refused: "NO_EVENT",
    });
    const ranged = await after(paused, noon, { type: "range", to: at(5500) });
    expect(await applyCommand(ranged, { type: "seek", to: { event: "next" } }, noon, tapes)).toMatchObject({
      refused: "NO_EVENT",
    });
  });

  test("[SM34] a search that reached its horizon says how far it has searched", async () => {
    const market = (horizonMinutes: number) =>
      shelf({ ...steadyTape(36_000, 100), eventHorizonNs: horizonMinutes * 60e9 });
    const to = { event: "next", type: "SPOOFING", min_severity: "high" } as const;
    const search = async (minutes: number) =>
      applyCommand(await createdSession(market(minutes)), { type: "seek", to }, noon, market(minutes));
    const none = "There is no SPOOFING event of severity high or above after this position";
    expect(await search(15)).toEqual({
      refused: "NO_EVENT",
      message: `${none} within 15 minutes, which is the search limit in a simulated market. Seek that far to search on from there. Nothing was changed.`,
    });
    expect(await search(60)).toEqual({
      refused: "NO_EVENT",
      message: `${none} in what is played. Nothing was changed.`,
    });
  });

  test("[D20] positions outside range or tape are clamped", async () => {
    const ranged = await after(await inState("PAUSED"), noon, { type: "range", from: at(2000), to: at(6050) });
    expect(await after(ranged, noon, seekTo(5))).toMatchObject({ anchorSeq: 20, anchorNs: 2e9 });
    expect(await after(ranged, noon, seekTo(1e6))).toMatchObject({ anchorSeq: 60, anchorNs: 6e9 });
    expect(await after(ranged, noon, { type: "step", by: { ms: 1e6 } })).toMatchObject({ anchorSeq: 60 });
    expect(await after(ranged, noon, { type: "seek", to: { ts: at(-5000) } })).toMatchObject({ anchorSeq: 20 });
  });

  test("[D21] step forward stays in the epoch, back does not", async () => {
    const playing = await inState("PLAYING");
    const forward = await after(playing, noon + 120, { type: "step", by: { frames: 3 } });
    expect(forward).toMatchObject({ state: "PAUSED", anchorSeq: 54, epoch: playing.epoch });
    const back = await after(forward, noon + 200, { type: "step", by: { frames: -2 } });
    expect(back).toMatchObject({ state: "PAUSED", anchorSeq: 52 });
    expect(back.epoch).toBeGreaterThan(forward.epoch);
  });

  test("[D21] steps by time add up", async () => {
    let session = await inState("PAUSED");
    for (let step = 0; step < 11; step++) session = await after(session, noon, { type: "step", by: { ms: 20 } });
    expect(session).toMatchObject({ anchorNs: 5.22e9, anchorSeq: 52 });
  });

  test("[D22] speed takes effect at the playhead", async () => {
    const playing = await inState("PLAYING");
    const faster = await after(playing, noon + 1000, { type: "speed", value: 10 });
    expect(faster).toMatchObject({ state: "PLAYING", epoch: playing.epoch, anchorSeq: 60 });
    expect(playheadAt(faster, noon + 1100, tape)).toBe(7e9);
    expect(await after(await inState("PAUSED"), noon, { type: "speed", value: 0.1 })).toMatchObject({
      state: "PAUSED",
    });
  });

  test("[D23] a range keeps the fields that it omits, and null removes an end", async () => {
    const ranged = await after(await inState("PAUSED"), noon, { type: "range", from: at(1000), to: at(9000) });
    expect(await after(ranged, noon, { type: "range", loop: true })).toMatchObject({
      fromNs: 1e9,
      toNs: 9e9,
      loop: true,
    });
    expect(await after(ranged, noon, { type: "range", from: null })).toMatchObject({ fromNs: null, toNs: 9e9 });
  });

  test("[D23] a range begins at the first frame in it", async () => {
    const ranged = await createdSession(tapes, { from: at(1050), to: at(2050), start: true });
    expect(ranged).toMatchObject({ anchorSeq: 11, anchorNs: 1.1e9, historyFromSeq: 11, epochFromSeq: 11 });
    expect(playheadAt(ranged, noon + 60_000, tape)).toBe(2.05e9);
  });

  test.each([
    ["from after to", { from: at(3000), to: at(2000) }],
    ["no frame between", { from: at(2010), to: at(2090) }],
    ["after the tape", { from: at(20_000) }],
    ["before the tape", { to: at(-1000) }],
    ["no time at all", { from: "2024-13-01T00:00:00Z" }],
  ])("[D23] [D30] %s is refused", async (_, range) => {
    expect(await applyCommand(await inState("PAUSED"), { type: "range", ...range }, noon, tapes)).toMatchObject({
      refused: "INVALID_VALUE",
    });
  });

  test("[D24] a range without the playhead moves it to from, in a new epoch", async () => {
    const playing = await inState("PLAYING");
    const moved = await after(playing, noon + 100, { type: "range", from: at(7000) });
    expect(moved).toMatchObject({ state: "PLAYING", anchorSeq: 70, epochFromSeq: 70 });
    expect(moved.epoch).toBeGreaterThan(playing.epoch);
    const kept = await after(playing, noon + 100, { type: "range", from: at(3000) });
    expect(kept).toMatchObject({ anchorSeq: 51, epoch: playing.epoch });
  });

  test("[D24] a session that is stopped at the start moves with it", async () => {
    const ranged = await after(await createdSession(tapes), noon, { type: "range", from: at(7000) });
    expect(ranged).toMatchObject({ state: "STOPPED", reason: "start", anchorSeq: 70 });
    expect(await after(ranged, noon, { type: "range", from: null })).toMatchObject({ state: "STOPPED", anchorSeq: 0 });
  });

  test("[D25] a loop that is too short is refused, naming the minimum", async () => {
    const session = await inState("PAUSED");
    const refusal = await applyCommand(session, loopOf(1000, 1200), noon, tapes);
    expect(refusal).toMatchObject({ refused: "LOOP_TOO_SHORT", message: expect.stringContaining("250 ms") });
    const looped = await after(session, noon, loopOf(1000, 2000));
    expect(await applyCommand(looped, { type: "speed", value: 8 }, noon, tapes)).toMatchObject({
      refused: "LOOP_TOO_SHORT",
      message: expect.stringContaining("2000 ms"),
    });
    expect(await after(looped, noon, { type: "speed", value: 4 })).toMatchObject({ speed: 4 });
  });

  test("[D27] a REPLAY without any tape is accepted, with a feed status that says so", async () => {
    const nothing = await createdSession(shelf());
    expect(nothing).toMatchObject({ state: "STOPPED", tape: "", feed: { status: "down" } });
    expect(nothing.feed?.reason).toMatch(/yet\. The session shows no frames\.$/);
  });

  test("[D48] SIMULATION plays at once, from creation and from any other mode", async () => {
    const playing = {
      mode: "SIMULATION",
      state: "PLAYING",
      tape: expect.stringMatching(/^sim2\.BTCUSDT\.5\.calm@\d+$/),
      seed: "5",
      feed: null,
    };
    expect(await createdSession(tapes, { mode: "SIMULATION", seed: 5 })).toMatchObject(playing);
    const session = await createdSession(tapes);
    expect(await applyCommand(session, { type: "mode", mode: "SIMULATION", seed: 5 }, noon, tapes)).toMatchObject(
      playing,
    );
  });

  test("[D29] history begins with what the session was first shown, and a rewind reaches further back", async () => {
    const late = await createdSession(tapes, { from: at(5000) });
    expect(late.historyFromSeq).toBe(50);
    const open = await after(late, noon, { type: "range", from: null }, seekTo(80), seekTo(30), seekTo(60));
    expect(open.historyFromSeq).toBe(0); // taking the range's start away brought the deck back to frame 0
    const sought = await after(
      await createdSession(tapes),
      noon,
      seekTo(30),
      { type: "range", from: at(2000) },
      seekTo(25),
    );
    expect(sought.historyFromSeq).toBe(0);
  });
});

describe("system commands", () => {
  const claim: SystemCommand = { type: "claim", node: "ticker-1" };

  test("[D40] end stops a session only at its end", async () => {
    const playing = await inState("PLAYING");
    expect(await applyCommand(playing, { type: "end" }, noon + 4899, tapes)).toBe(playing);
    const ended = await after(playing, noon + 4900, { type: "end" });
    expect(ended).toMatchObject({ state: "STOPPED", reason: "ended", anchorSeq: 99, anchorNs: 9.9e9, ticker: "" });
    expect(ended.lastActivity).toBe(playing.lastActivity);
  });

  test("[D41] wrap loses no time, however late it is issued", async () => {
    const looped = await after(await inState("PAUSED"), noon, loopOf(4000, 6000), start); // at 5.0 s, ends after 1 s
    expect(await applyCommand(looped, { type: "wrap" }, noon + 999, tapes)).toBe(looped);
    expect(await applyCommand(looped, { type: "end" }, noon + 1000, tapes)).toBe(looped);
    const next = await after(looped, noon + 1007, { type: "wrap" });
    expect(next).toMatchObject({ state: "PLAYING", anchorSeq: 40, anchorWallMs: noon + 1000, epochFromSeq: 40 });
    expect(next.epoch).toBe(noon + 1007);
    const late = await after(looped, noon + 5300, { type: "wrap" });
    expect(late).toMatchObject({ anchorSeq: 40, anchorWallMs: noon + 5000 });
  });

  test("[D42] claim takes a session over, and only one that plays", async () => {
    const playing = await inState("PLAYING");
    const claimed = await after(playing, noon + 100, claim);
    expect(claimed).toMatchObject({ ticker: "ticker-1", tickerSeenMs: noon + 100, anchorWallMs: playing.anchorWallMs });
    expect(await after(claimed, noon + 200, { type: "claim", node: "ticker-2" })).toMatchObject({ ticker: "ticker-2" });
    const paused = await inState("PAUSED");
    expect(await applyCommand(paused, claim, noon, tapes)).toBe(paused);
  });

  test("[D43] a session that was not rendered for long goes on from its last published frame", async () => {
    const slow = await after(await createdSession(tapes, { start: true }), noon, { type: "speed", value: 0.1 });
    const published = { ...slow, publishedSeq: 3 };
    expect(await after(published, noon + 13_999, claim)).toMatchObject({ anchorWallMs: noon });
    expect(await after(published, noon + 14_001, claim)).toMatchObject({
      anchorWallMs: noon + 14_001,
      anchorSeq: 3,
      anchorNs: 3e8,
      epoch: slow.epoch,
    });
  });

  test("[D43] the clock of one that trades has gone on: what was missed counts as published", async () => {
    const slow = await after(await createdSession(tapes, { start: true }), noon, { type: "speed", value: 0.1 });
    const chain = { root: 1, head: 2, tag: "a", ns: 0 };
    const trades = { ...slow, chain, publishedSeq: 3 };
    const stayed = { chain, anchorWallMs: noon, anchorNs: slow.anchorNs, epoch: slow.epoch };
    expect(await after(trades, noon + 13_999, claim)).toMatchObject({ ...stayed, publishedSeq: 3 });
    const claimed = await after(trades, noon + 90_000, claim);
    expect(claimed).toMatchObject({ ...stayed, publishedSeq: 90 });
    expect(playheadAt(claimed, noon + 90_000, tape)).toBe(9e9);
    const skip = (node: string): SystemCommand => ({ type: "skip", node });
    expect(await applyCommand(claimed, skip("ticker-2"), noon + 120_000, tapes)).toBe(claimed);
    expect(await after(claimed, noon + 95_000, skip("ticker-1"))).toMatchObject({ ...stayed, publishedSeq: 95 });
  });

  test("[D44] release, park and failover work only for the ticker that has claimed the session", async () => {
    const claimed = await after(await inState("PLAYING"), noon, claim);
    const others: SystemCommand[] = [
      { type: "release", node: "ticker-2", epoch: claimed.epoch, publishedSeq: 51 },
      { type: "park", node: "ticker-2" },
      { type: "failover", node: "ticker-2", at: { seq: 51, ns: 5.1e9 } },
    ];
    for (const command of others) expect(await applyCommand(claimed, command, noon + 500, tapes)).toBe(claimed);
    const released = (publishedSeq: number, epoch = claimed.epoch) =>
      after(claimed, noon + 500, { type: "release", node: "ticker-1", epoch, publishedSeq });
    expect(await released(53)).toMatchObject({ ticker: "", publishedSeq: 53, anchorWallMs: claimed.anchorWallMs });
    // Its clock may be a little ahead, but no more; and frames of another epoch are from somewhere else.
    expect(await released(56)).toMatchObject({ publishedSeq: 56 });
    expect(await released(99)).toMatchObject({ publishedSeq: 56 });
    expect(await released(99, claimed.epoch - 1)).toMatchObject({ publishedSeq: 55 });
    expect(
      await after(claimed, noon + 500, { type: "failover", node: "ticker-1", at: { seq: 52, ns: 5.2e9 } }),
    ).toMatchObject({ anchorSeq: 52, anchorWallMs: noon + 500, ticker: "ticker-1" });
  });

  test("[D45] [D46] a parked session does not move until it is unparked", async () => {
    const claimed = await after(await inState("PLAYING"), noon, claim);
    const parked = await after(claimed, noon + 500, { type: "park", node: "ticker-1" });
    expect(parked).toMatchObject({ state: "PLAYING", parked: true, ticker: "", anchorSeq: 55 });
    expect(playheadAt(parked, noon + 60_000, tape)).toBe(5.5e9);
    const back = await after(parked, noon + 60_000, { type: "unpark" });
    expect(back).toMatchObject({ parked: false, anchorWallMs: noon + 60_000, epoch: claimed.epoch });
    expect(await applyCommand(back, { type: "unpark" }, noon + 60_001, tapes)).toBe(back);
  });

  test("[D46] a session that stops playing or leaves its tape has no ticker", async () => {
    const claimed = await after(await inState("PLAYING"), noon, claim);
    for (const command of [pause, stop, { type: "mode", mode: "LIVE" }] as Command[]) {
      expect(await after(claimed, noon + 100, command)).toMatchObject({ ticker: "", tickerSeenMs: 0 });
    }
    expect(await after(claimed, noon + 100, seekTo(3))).toMatchObject({ ticker: "ticker-1", tickerSeenMs: noon });
  });

  test("[D47] recover begins an epoch above the one seen, and only if that is lost", async () => {
    const playing = await inState("PLAYING");
    const { epoch, rev } = playing;
    expect(await applyCommand(playing, { type: "recover", epoch, rev }, noon + 100, tapes)).toBe(playing);
    const lost = await after(playing, noon + 100, { type: "recover", epoch, rev: rev + 1 });
    expect(lost.epoch).toBeGreaterThan(epoch);
    expect([playing.recoveredEpoch, lost.recoveredEpoch]).toEqual([0, lost.epoch]);
    const far = await after(playing, noon + 100, { type: "recover", epoch: noon + 1e6, rev: 1 });
    expect(far.epoch).toBe(noon + 1e6 + 1);
    expect(far.anchorSeq).toBe(51);
  });
});

test("[D33] a session on a damaged stretch of its tape goes on, and every command works", async () => {
  // As a recorded tape answers: frames 71 to 90 cannot be read.
  const damaged = shelf({ ...tape, seqAt: async (ns) => (ns > 7e9 && ns < 9.1e9 ? 70 : await tape.seqAt(ns)) });
  const playing = await createdSession(damaged, { start: true });
  for (const [command, expected] of [
    [pause, { state: "PAUSED", anchorSeq: 70, anchorNs: 8e9 }],
    [stop, { state: "STOPPED", anchorSeq: 0 }],
    [seekTo(30), { state: "PLAYING", anchorSeq: 30 }],
    [
      { type: "seek", to: { ts: at(8_500) } },
      { state: "PLAYING", anchorSeq: 70 },
    ],
  ] as const) {
    expect(await applyCommand(playing, command, noon + 8000, damaged)).toMatchObject(expected);
  }
});
