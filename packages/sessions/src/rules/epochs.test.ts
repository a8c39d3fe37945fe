import { expect, test } from "vitest";
import { createdSession, noon } from "../testing/apply-command.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import { type EndedEpoch, epochEndedBy, lastSeqOf } from "./epochs.js";
import { positionAt } from "./playhead.js";
import type { SessionRecord } from "./record.js";

/** Ten frames a second. */
const tape = steadyTape(100);

/** The epoch that a seek ends which is read after a second of play and written `lateMs` later. */
async function endedBySeek(change: Partial<SessionRecord> = {}, lateMs = 0): Promise<EndedEpoch> {
  const session = { ...(await createdSession(shelf(tape), { start: true })), ...change };
  const here = await positionAt(session, noon + 1000, tape);
  const ended = epochEndedBy(session, { ...session, epoch: session.epoch + 1 }, here);
  if (ended === undefined) throw new Error("no epoch ended");
  return { ...ended, until: noon + 1000 + lateMs };
}

test("[D76] an epoch ends with the last frame that was due when its end was written", async () => {
  const lastAfter = async (lateMs: number, change?: Partial<SessionRecord>) =>
    lastSeqOf(await endedBySeek(change, lateMs), tape);
  expect(await lastAfter(0)).toBe(10);
  expect(await lastAfter(90)).toBe(10);
  expect(await lastAfter(95)).toBe(11); // a node whose clock is 5 ms ahead has shown it
  expect(await lastAfter(450)).toBe(14);
  expect(await lastAfter(450, { speed: 2 })).toBe(29);
  expect(await lastAfter(450, { toNs: 1.2e9 })).toBe(12);
  expect(await lastAfter(3_600_000)).toBe(99);
  expect(await lastAfter(0, { publishedSeq: 13 })).toBe(13);
});

test("[D76] a playhead that stood, or was at the live edge, ends where the command found it", async () => {
  for (const change of [{ state: "PAUSED" }, { parked: true }] as const) {
    expect(await lastSeqOf(await endedBySeek(change, 450), tape)).toBe(0);
  }
  const edge = await endedBySeek({ edge: true, mode: "LIVE" }, 450);
  expect([edge.course, await lastSeqOf(edge, tape)]).toEqual([undefined, 99]);
  const { course: _, until: __, ...former } = await endedBySeek();
  expect(await lastSeqOf(former, tape)).toBe(10); // of an earlier release
});
