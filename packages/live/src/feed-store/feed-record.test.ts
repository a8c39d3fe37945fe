import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { decodeFeedRecord, noTape, tapeFields } from "./feed-record.js";
import { claimTimeoutMs, feedStateOf, unclaimedFeed } from "./feed-state.js";

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
      tapeFields({ ...noTape, tape: "live.SIM.BTCUSDT.5@1", startNs: 1_723_118_400_000_000_001n, lastSeq: 3 }),
    ).map(([field, value]) => [field, `${value}`]),
  ),
};

test("[LT9] the documentation has every field of a feed's hash", async () => {
  const keyspace = await readFile(new URL("../../../../docs/keyspace.md", import.meta.url), "utf8");
  for (const field of Object.keys(hash)) expect(keyspace).toContain(`\`${field}\``);
});

test("[LT9] a hash is decoded as it was written, and a hash that lacks a field is rejected", () => {
  const record = decodeFeedRecord(hash) ?? expect.fail();
  expect(record).toMatchObject({ startNs: 1_723_118_400_000_000_001n, intervalMs: null, lastSeq: 3, storedSeq: -1 });
  expect(tapeFields(record)).toEqual(tapeFields({ ...noTape, tape: record.tape, startNs: record.startNs, lastSeq: 3 }));
  for (const field of Object.keys(hash)) {
    const { [field]: _, ...rest } = hash;
    expect(decodeFeedRecord(rest)).toBeUndefined();
  }
  expect(decodeFeedRecord({ ...hash, status: "sideways" })).toBeUndefined();
  expect(decodeFeedRecord({ ...hash, of: "a later release" })).toEqual(record);
});

test("[LT72] a feed without a valid claim is connecting, unless it is down", () => {
  const record = decodeFeedRecord(hash) ?? expect.fail();
  expect(feedStateOf(record, 1_000 + claimTimeoutMs - 1)).toMatchObject({ status: { status: "up" }, node: "feed-1" });
  expect(feedStateOf(record, 1_000 + claimTimeoutMs).status.status).toBe("connecting");
  expect(feedStateOf({ ...record, owner: "" }, 1_000)).toMatchObject({ status: { status: "connecting" }, node: "" });
  const down = { ...record, status: "down" as const, reason: "no such instrument" };
  expect(feedStateOf(down, 1e9).status).toEqual({ status: "down", reason: "no such instrument" });
  expect(feedStateOf({ ...record, lastSeq: -1 }).tape).toBe("");
  expect(unclaimedFeed(record, 5.5)).toMatchObject({ rev: 0, tape: "", since: 5, status: { status: "connecting" } });
});
