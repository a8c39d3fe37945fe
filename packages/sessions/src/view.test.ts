import { type Command, sessionView } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { positionAt } from "./rules/playhead.js";
import { applyCommand, createdSession, expectAccepted, noon } from "./testing/apply-command.js";
import { shelf, steadyTape } from "./testing/synthetic-tape.js";
import { viewOf } from "./view.js";

const tape = steadyTape(500);
const tapes = shelf(tape);

test("[S20] a playing session is seen where its playhead is now", async () => {
  const record = await createdSession(tapes, { start: true, speed: 2, from: 1_723_161_256_000 });
  const now = noon + 1500;
  const view = viewOf(record, { position: await positionAt(record, now, tape), tape, now, connections: 2 });
  expect(view).toEqual({
    session_id: "session",
    user_id: null,
    mode: "REPLAY",
    active_symbol: null,
    active_source: null,
    tape: "synthetic@1",
    controller_state: {
      state: "PLAYING",
      speed: 2,
      cursor_ts: "2024-08-08T23:54:19.000Z",
      cursor_seq: 40,
      from_ts: "2024-08-08T23:54:16.000Z",
      to_ts: null,
      loop: false,
      max_fps: 30,
    },
    state: "PLAYING",
    reason: null,
    speed: 2,
    cursor_ts: "2024-08-08T23:54:19.000Z",
    epoch: noon,
    rev: 1,
    parked: false,
    behind_ms: null,
    buffer_size: 31,
    connections: 2,
    created_at: "2025-01-01T12:00:00.000Z",
    last_activity: "2025-01-01T12:00:00.000Z",
    expires_at: "2025-01-01T13:00:00.000Z",
  });
  expect(Object.keys(sessionView.parse(view))).toEqual(Object.keys(view));
});

test("[S20] the modes that it has been in are named, but for the present one", async () => {
  const context = { position: undefined, tape: undefined, now: noon, connections: 0 };
  const simulating = expectAccepted(
    await applyCommand(await createdSession(tapes), { type: "mode", mode: "SIMULATION" }, noon, tapes),
  );
  expect(viewOf(simulating, context).kept_modes).toEqual(["REPLAY"]);
  const live = expectAccepted(await applyCommand(simulating, { type: "mode", mode: "LIVE" }, noon, tapes));
  expect(viewOf(live, context).kept_modes).toEqual(["REPLAY", "SIMULATION"]);
});

test("[D29] the buffer holds at most a hundred frames, and none from before the session's history", async () => {
  const seek: Command = { type: "seek", to: { seq: 400 } };
  const record = expectAccepted(await applyCommand(await createdSession(tapes), seek, noon, tapes));
  const position = await positionAt(record, noon, tape);
  expect(viewOf(record, { position, tape, now: noon, connections: 0 }).buffer_size).toBe(100);
});

test("[LV2] a LIVE session without a tape has no cursor, and says how its feed is", async () => {
  const record = await createdSession(tapes, { mode: "LIVE", symbol: "ETHUSDT" });
  const feed = { status: "down", reason: "The venue does not know ETHUSDT." } as const;
  const view = viewOf(record, { position: undefined, tape: undefined, now: noon, connections: 0, feed });
  expect(view).toMatchObject({ active_symbol: "ETHUSDT", active_source: "BINANCE", cursor_ts: null, buffer_size: 0 });
  expect(sessionView.parse(view).feed).toEqual(feed);
});

test("[S20] behind_ms is the distance from the edge of a growing tape", async () => {
  const growing = steadyTape(100, 100, { growing: true });
  const record = await createdSession(shelf(growing));
  const view = viewOf(record, { position: { seq: 49, ns: 4.9e9 }, tape: growing, now: noon, connections: 0 });
  expect(view.behind_ms).toBe(5000);
});
