import { createLogger } from "@tapedeck/runtime";
import { StoreUnavailable } from "@tapedeck/tape";
import { afterAll, expect, inject, test } from "vitest";
import { openGatewayFixture } from "../testing/test-cluster.js";
import { SegmentOpener } from "./segment-opener.js";

const fixture = await openGatewayFixture(inject("redisUrl"));
afterAll(() => fixture.stop());
const log = createLogger({ service: "gateway", node: "test", level: "silent" });

/** Opens the fixture's tapes from a store that fails this many reads first. */
function openerWith({ failures }: { failures: number }): SegmentOpener {
  let left = failures;
  const open = async (name: string) => {
    if (left-- > 0) throw new StoreUnavailable(new Error("on purpose"));
    return fixture.cluster.tapes.open(name);
  };
  return new SegmentOpener({ open }, log);
}

test("[G83] the frames of a session wait until its tape can be opened", async () => {
  const record = await fixture.pausedSession(10);
  const segment = await openerWith({ failures: 2 }).open(undefined, record);
  expect(segment.tape?.id).toBe(record.tape);
});

test("[G83] nothing waits for the tape of a session that has changed or has no clients any more", async () => {
  const [record, later] = [await fixture.pausedSession(10), await fixture.pausedSession(20)];
  const opener = openerWith({ failures: Number.POSITIVE_INFINITY });
  const before = opener.open(undefined, record);
  const after = opener.open(undefined, later);
  expect((await before).tape).toBeUndefined();
  opener.close();
  expect((await after).tape).toBeUndefined();
});

test("[G83] a session at the live edge does not wait: it gets its tape from the market's next frame", async () => {
  const record = { ...(await fixture.pausedSession(10)), edge: true };
  const opener = openerWith({ failures: Number.POSITIVE_INFINITY });
  expect((await opener.open(undefined, record)).tape).toBeUndefined();
});
