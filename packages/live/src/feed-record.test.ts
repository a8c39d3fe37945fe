import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { decodeFeed, stateOf, tapeFields, tapeless, unclaimed } from "./feed-record.js";
import { claimDeadMs } from "./live-state.js";

const hash: Record<string, string> = {
  source: "SIM",
  symbol: "BTCUSDT",
  rev: "7",
  claim: "5",
  owner: "token",
  node: "feed-1",
  seen_ms: "1000",
  status: "up",
  reason: "",
  since: "900",
  ...Object.fromEntries(
    Object.entries(
      tapeFields({ ...tapeless, tape: "live.SIM.BTCUSDT.5@1", startNs: 1_723_118_400_000_000_001n, lastSeq: 3 }),
    ).map(([field, value]) => [field, `${value}`]),
  ),
};

test("[LT9] the documentation has every field of a feed's hash", async () => {
  const keyspace = await readFile(new URL("../../../docs/keyspace.md", import.meta.url), "utf8");
  for (const field of Object.keys(hash)) expect(keyspace).toContain(`\`${field}\``);
});

test("[LT9] a hash is read as it was written, and one that lacks something is none", () => {
  const record = decodeFeed(hash) ?? expect.fail();
  expect(record).toMatchObject({ startNs: 1_723_118_400_000_000_001n, intervalMs: null, lastSeq: 3, storedSeq: -1 });
  expect(tapeFields(record)).toEqual(
    tapeFields({ ...tapeless, tape: record.tape, startNs: record.startNs, lastSeq: 3 }),
  );
  for (const field of Object.keys(hash)) {
    const { [field]: _, ...rest } = hash;
    expect(decodeFeed(rest)).toBeUndefined();
  }
  expect(decodeFeed({ ...hash, status: "sideways" })).toBeUndefined();
  expect(decodeFeed({ ...hash, of: "a later release" })).toEqual(record);
});

test("[LT72] what nobody writes is connecting, but a reason why it is down stands", () => {
  const record = decodeFeed(hash) ?? expect.fail();
  expect(stateOf(record, 1_000 + claimDeadMs - 1)).toMatchObject({ status: { status: "up" }, node: "feed-1" });
  expect(stateOf(record, 1_000 + claimDeadMs).status.status).toBe("connecting");
  expect(stateOf({ ...record, owner: "" }, 1_000)).toMatchObject({ status: { status: "connecting" }, node: "" });
  const down = { ...record, status: "down" as const, reason: "no such instrument" };
  expect(stateOf(down, 1e9).status).toEqual({ status: "down", reason: "no such instrument" });
  expect(stateOf({ ...record, lastSeq: -1 }).tape).toBe("");
  expect(unclaimed(record, 5.5)).toMatchObject({ rev: 0, tape: "", since: 5, status: { status: "connecting" } });
});
