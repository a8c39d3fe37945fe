import { createLogger } from "@tapedeck/runtime";
import { StoreAway } from "@tapedeck/tape";
import { afterAll, expect, inject, test } from "vitest";
import { Legs } from "./legs.js";
import { openScene } from "./testing/scene.js";

const here = await openScene(inject("redisUrl"));
afterAll(() => here.stop());
const log = createLogger({ service: "gateway", node: "test", level: "silent" });

/** The scene's tapes, behind a store that is away for so many questions. */
function legs({ away }: { away: number }): Legs {
  let left = away;
  const open = async (name: string) => {
    if (left-- > 0) throw new StoreAway(new Error("on purpose"));
    return here.cluster.tapes.open(name);
  };
  return new Legs({ open }, log);
}

test("[G83] frames of a session whose tape cannot be opened are waited for until it can be", async () => {
  const record = await here.standing(10);
  const leg = await legs({ away: 2 }).settle(undefined, record);
  expect(leg.tape?.id).toBe(record.tape);
});

test("[G83] nothing waits for the tape of a session that has moved on, or is not watched any more", async () => {
  const [record, later] = [await here.standing(10), await here.standing(20)];
  const moved = legs({ away: Number.POSITIVE_INFINITY });
  const before = moved.settle(undefined, record);
  const after = moved.settle(undefined, later);
  expect((await before).tape).toBeUndefined();
  moved.close();
  expect((await after).tape).toBeUndefined();
});

test("[G83] a session at the edge of a market takes its tape from the next frame, and waits for nothing", async () => {
  const record = { ...(await here.standing(10)), edge: true };
  expect((await legs({ away: Number.POSITIVE_INFINITY }).settle(undefined, record)).tape).toBeUndefined();
});
