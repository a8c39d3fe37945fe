import { open, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { RecordedTape } from "@tapedeck/tape";
import { afterAll, expect, inject, test } from "vitest";
import { openGatewayFixture } from "../testing/test-cluster.js";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

const fixture = await openGatewayFixture(inject("redisUrl"));
afterAll(() => fixture.stop());

test("[G82] a damaged block is skipped with an error message, and all other frames come", async () => {
  const tape = await fixture.cluster.tape({ id: "worn", symbol: "WORN", frames: 640, framesPerBlock: 64 });
  // Block 3: frames 192 to 255.
  if (!(tape instanceof RecordedTape)) throw new Error("not a recorded tape");
  const files = await readdir(fixture.cluster.folder, { recursive: true, withFileTypes: true });
  const blocks = files.find(({ name, parentPath }) => name.includes("blocks") && parentPath.includes("worn"));
  if (blocks === undefined) throw new Error(`no blocks among ${files.map(({ name }) => name)}`);
  const file = await open(join(blocks.parentPath, blocks.name), "r+");
  await file.write(Buffer.alloc(20, 7), 0, 20, tape.index.offset(3) + 10);
  await file.close();

  const record = await fixture.pausedSession(180, { tape: "worn" });
  const client = await fixture.gateway.client(`/ws/${record.id}`);
  await client.untilType("history");
  await fixture.cluster.publish(record, 259, 260); // the damaged block lies in between
  await client.untilType("error");
  await fixture.cluster.publish(record, 260, 261);
  await client.untilSeq(261);
  // The client got all readable frames, and one error for those that are not.
  expect(client.frames.map(({ seq }) => seq).filter((seq) => seq > 180)).toEqual([
    ...range(181, 191),
    ...range(256, 261),
  ]);
  expect(client.of("error")).toMatchObject([
    { code: "TAPE_DAMAGED", message: "Frames 192 to 255 of the tape are damaged and are left out." },
  ]);
  expect(await fixture.gateway.metric("damaged_blocks_total")).toBe(1);

  const { record: after } = await fixture.cluster.sessions.perform(record.id, { type: "seek", to: { seq: 300 } });
  const other = await fixture.cluster.gateway();
  const newcomer = await other.client(`/ws/${record.id}`);
  await newcomer.untilType("history");
  expect(newcomer.seqs).toEqual(range(256, 300)); // 201 to 255 are lost
  await newcomer.untilType("error");
  await fixture.cluster.publish(after, 300, 301);
  await newcomer.untilSeq(301);
});

test("[G83] clients wait while the tape store is away, and then get all of their frames", async () => {
  const { folder } = fixture.cluster;
  const tape = await fixture.cluster.tape({ id: "far", symbol: "FAR", frames: 640, framesPerBlock: 64 });
  await tape.load(260); // for the test's own publishing; the gateway has another cache
  const record = await fixture.pausedSession(180, { tape: "far" });
  const client = await fixture.gateway.client(`/ws/${record.id}`);
  await client.untilType("history");
  await rename(folder, `${folder}-away`);
  try {
    await fixture.cluster.publish(record, 259, 260); // a block that is not in memory lies in between
    await fixture.cluster.publish(record, 260, 261);
    await fixture.gateway.client(`/ws/${record.id}`); // a new client waits too, and is admitted
    expect(client.frames.at(-1)?.seq).toBeLessThan(256);
  } finally {
    await rename(`${folder}-away`, folder);
  }
  await client.untilSeq(261);
  expect(client.frames.map(({ seq }) => seq).filter((seq) => seq > 180)).toEqual(range(181, 261));
  expect(client.of("error")).toEqual([]);
});
