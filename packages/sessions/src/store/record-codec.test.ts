import { expect, test } from "vitest";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import { decodeRecord, decodeState, encodeRecord, traceOf, UnreadableSession } from "./record-codec.js";

const record = await createdSession(shelf(steadyTape(3)));

test("[S1] reads back what was written, also as the body of a message", () => {
  const full = {
    ...record,
    fromNs: 0,
    toNs: 12,
    anchorWallMs: 1_735_732_800_000.123,
    feed: { status: "down" as const, reason: "why" },
  };
  expect(decodeRecord(encodeRecord(full))).toEqual(full);
  expect(decodeState(JSON.stringify(encodeRecord(full)))).toEqual(full);
  expect(decodeRecord({ ...encodeRecord(record), field_of_a_newer_release: "1" })).toEqual(record);
});

test("[S1] [D75] reads back what the modes were left with, and forgets what it cannot read of that", async () => {
  const there = shelf(steadyTape(3));
  const left = expectAccepted(await applyCommand(record, { type: "mode", mode: "SIMULATION", seed: 7 }, noon, there));
  const kept = { ...left, kept: { ...left.kept, LIVE: { ...record, fromNs: 1, orderSeq: 2, edge: true } } };
  const hash = encodeRecord(kept);
  expect(decodeRecord(hash).kept.REPLAY).toMatchObject({ tape: "synthetic@1", state: "STOPPED", anchorSeq: 0 });
  expect(decodeRecord(hash).kept.LIVE).toMatchObject({ fromNs: 1, orderSeq: 2, edge: true });
  expect(encodeRecord(decodeRecord(hash))).toEqual(hash);
  const newer = hash.kept_replay.replace("{", '{"field_of_a_newer_release":"1",');
  expect(decodeRecord({ ...hash, kept_replay: newer }).kept.REPLAY).toEqual(decodeRecord(hash).kept.REPLAY);
  for (const text of ["{", "[]", '{"state":"PAUSED"}', '{"state":5}']) {
    expect(decodeRecord({ ...hash, kept_replay: text }).kept).toEqual({ ...decodeRecord(hash).kept, REPLAY: null });
  }
});

test.each([
  ["state", "RUNNING"],
  ["rev", ""],
  ["anchor_tape_ts", "12x"],
  ["speed", "Infinity"],
])("[S1] names the field %s that holds %j", (field, value) => {
  expect(() => decodeRecord({ ...encodeRecord(record), [field]: value })).toThrow(UnreadableSession);
  expect(() => decodeRecord({ ...encodeRecord(record), [field]: value })).toThrow(`field ${field} holds "${value}"`);
});

test("[S1] names the field that is missing", () => {
  const { tape: _, ...rest } = encodeRecord(record);
  expect(() => decodeRecord(rest)).toThrow("session session: field tape is missing");
});

test("[OB20] a state tells of the trace that led to it, and no text in a session can pass for one", () => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const traced = JSON.stringify({ ...encodeRecord(record), trace });
  expect(traceOf(traced)).toBe(trace);
  expect(decodeState(traced)).toEqual(record);
  expect(traceOf(JSON.stringify(encodeRecord(record)))).toBeUndefined();
  expect(traceOf(JSON.stringify({ ...encodeRecord(record), created_by: `,"trace":"${trace}` }))).toBeUndefined();
});
