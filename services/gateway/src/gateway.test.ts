import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { expectNoHole } from "./testing/client.js";
import { startTestCluster, type TestCluster, type TestGateway } from "./testing/test-gateway.js";

let cluster: TestCluster;
let gateway: TestGateway;
let nth = 0;
const newId = () => `session_${++nth}`;

beforeAll(async () => {
  cluster = await startTestCluster(inject("redisUrl"));
  await cluster.tape({ id: "first", frames: 1000 });
  gateway = await cluster.gateway();
});
afterAll(() => cluster.stop());

/** A paused session, so that its playhead stands while the test plays the ticker. */
async function standing(at = 0) {
  const id = newId();
  await cluster.deck.open(id, { start: true });
  await cluster.deck.perform(id, { type: "pause" });
  const { record } = await cluster.deck.perform(id, { type: "seek", to: { seq: at } });
  return record;
}

test("smoke", async () => {
  const record = await standing(200);
  const client = await gateway.client(`/ws/${record.id}`);
  await client.untilType("history");
  expect(client.types).toEqual(["session", "history"]);
  expect(client.seqs).toEqual(Array.from({ length: 100 }, (_, at) => at + 101));
  await cluster.publish(record, 200, 201);
  await cluster.publish(record, 201, 202);
  await client.untilSeq(202);
  await cluster.publish(record, 204, 205);
  await client.untilSeq(205);
  expectNoHole(client.shown);
});
