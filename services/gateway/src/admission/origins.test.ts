import { request } from "node:http";
import { createLogger } from "@tapedeck/runtime";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { chooseServer } from "../server/choose-server.js";
import { startWsServer } from "../server/ws-server.js";
import { startTestCluster, type TestCluster, type TestGateway } from "../testing/test-cluster.js";

const log = createLogger({ service: "gateway", node: "test", level: "silent" });
const foreign: Record<string, string>[] = [
  { origin: "https://attacker.test" },
  { origin: "null" },
  { host: "attacker.test:8000" },
  { host: "attacker.test:8000", origin: "http://attacker.test:8000" },
];

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster(inject("redisUrl"));
  await cluster.tape({ frames: 50 });
});
afterAll(() => cluster.stop());

describe.each([
  ["uWebSockets.js", chooseServer({ production: false, allowSlow: true, log })],
  ["ws", startWsServer],
])("by %s", (name, listen) => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await cluster.gateway({}, listen);
  });

  function status(path: string, headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request(`${gateway.url}${path}`, { headers }, (answer) => resolve(answer.resume().statusCode))
        .on("error", reject)
        .end();
    });
  }

  test.each(foreign)("[G91] a page with %j opens no socket and creates no session", async (headers) => {
    for (const legacy of [false, true]) {
      const id = `made-by-${name}-${legacy}`;
      const client = await gateway.client(`/ws/${id}`, { legacy, headers });
      await client.untilClosed();
      expect(client.closed).toEqual({ code: 1008, reason: expect.stringMatching(/^(Host|Origin) ".*" /) });
      expect(client.messages).toEqual([]);
      expect(await cluster.store.read(id)).toBeUndefined();
    }
  });

  test("[G91] such a page reads neither metrics nor health", async () => {
    for (const path of ["/metrics", "/health/ready"]) {
      for (const headers of foreign) expect(await status(path, headers)).toBe("host" in headers ? 421 : 403);
      const image = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" };
      expect(await status(path, image)).toBe(403);
      expect(await status(path, {})).toBe(200);
    }
  });

  test("[G91] a page of this machine and a client without an origin open sockets", async () => {
    const ours: Record<string, string>[] = [{ origin: "http://localhost:3000" }, { host: "localhost" }, {}];
    for (const headers of ours) {
      const client = await gateway.client("/ws/ours", { headers });
      await client.untilType("history");
      await client.close();
    }
  });
});
