import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { RestartableRedis } from "../../../../test/support/redis-server.js";
import type { Client } from "../testing/test-client.js";
import { type GatewayFixture, openGatewayFixture } from "../testing/test-cluster.js";

const server = new RestartableRedis();
let fixture: GatewayFixture;
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(async () => {
  fixture = await openGatewayFixture(server.url);
});
afterEach(() => fixture.stop());

const notices = (client: Client) =>
  client.of("error").filter((message) => message["code"] === "UNAVAILABLE" && message["id"] === undefined);

test("[G71] in each outage, viewers of playing sessions get one notice that nothing comes through Redis; others get none", async () => {
  const playing = await fixture.pausedSession(10);
  const paused = await fixture.pausedSession(10);
  await fixture.cluster.sessions.perform(playing.id, { type: "start" });
  const viewer = await fixture.gateway.client(`/ws/${playing.id}`);
  const idle = await fixture.gateway.client(`/ws/${paused.id}`);
  const legacy = await fixture.gateway.client(`/ws/${playing.id}`, { legacy: true });
  for (const client of [viewer, idle, legacy]) await client.untilType("history");
  for (const outage of [1, 2]) {
    server.freeze();
    try {
      await viewer.until(() => notices(viewer).length === outage);
      // It is checked several times a second; a second one would come with the next check.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(notices(viewer)).toHaveLength(outage);
    } finally {
      server.thaw();
    }
    await expect.poll(() => fixture.gateway.health.snapshot().status, { timeout: 10_000 }).toBe("healthy");
    const command = () => viewer.command("speed", { value: 1 + outage });
    await expect.poll(async () => (await command()).type, { timeout: 10_000 }).toBe("ack");
  }
  expect(notices(idle)).toEqual([]);
  expect(legacy.types).not.toContain("error");
});
