import { type IncomingHttpHeaders, request } from "node:http";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";

let api: TestApi;

beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await writeTestTape(tapes);
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
  await api.ask("POST", "/sessions/create", { body: { session_id: "s1" } });
});
afterAll(() => api.stop());

interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request with the headers that a browser writes and a page cannot. */
function raw(method: string, path: string, headers: Record<string, string>, of: TestApi = api): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    request(`${of.url}${path}`, { method, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    })
      .on("error", reject)
      .end();
  });
}

const foreign: Record<string, Record<string, string>> = {
  "a page of another site": { origin: "https://attacker.test" },
  "a page in a sandbox": { origin: "null" },
  "an image on a page of another site": { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
  "a name of another site that resolves to this machine": { host: "attacker.test:8000" },
};

describe.each(Object.entries(foreign))("%s", (_, headers) => {
  test.each(["/sessions", "/metrics", "/admin/queues", "/tapes", "/health", "/"])(
    "[AC23] [AC25] cannot read %s",
    async (path) => {
      const answer = await raw("GET", path, headers);
      expect(answer.status).toBe("host" in headers ? 421 : 403);
      expect(JSON.parse(answer.text)).toMatchObject({ code: expect.stringMatching(/_NOT_ALLOWED$/) });
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  test("[AC23] [AC25] changes nothing, and OPTIONS permits nothing", async () => {
    const before = (await api.store.read("s1"))?.record.rev;
    for (const [method, path] of [
      ["POST", "/replay/speed/50/s1"],
      ["POST", "/replay/speed/50"],
      ["POST", "/sessions/create"],
      ["DELETE", "/sessions/s1"],
      ["OPTIONS", "/replay/speed/50/s1"],
    ] as const) {
      expect([403, 421]).toContain((await raw(method, path, headers)).status);
    }
    expect((await api.store.read("s1"))?.record.rev).toBe(before);
    expect(await api.store.read("global")).toBeUndefined();
  });
});

test("[AC25] a page on another port of this machine may read and change, as existing dashboards do", async () => {
  const headers = { origin: "http://localhost:3000", "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" };
  expect((await raw("GET", "/sessions", headers)).status).toBe(200);
  const answer = await raw("POST", "/replay/speed/2/s1", headers);
  expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([200, "*"]);
});

test("[AC24] [AC27] listed names and origins are accepted, and the answer names the origin", async () => {
  const guard = { HOST: "0.0.0.0", ALLOWED_HOSTS: ["deck.example.com"], ALLOWED_ORIGINS: ["https://ours.example"] };
  const elsewhere = await startTestApi({ redisUrl: inject("redisUrl"), guard });
  try {
    const ask = (headers: Record<string, string>, path = "/tapes") => raw("GET", path, headers, elsewhere);
    const ours = await ask({ host: "deck.example.com", origin: "https://ours.example" });
    expect([ours.status, ours.headers["access-control-allow-origin"]]).toEqual([200, "https://ours.example"]);
    expect((await ask({ host: "deck.example.com", origin: "https://deck.example.com" })).status).toBe(200);
    expect((await ask({ host: "attacker.test" })).status).toBe(421);
    expect((await ask({ host: "10.1.2.3:8000" })).status).toBe(421);
    expect((await ask({ host: "10.1.2.3:8000" }, "/health/ready")).status).toBe(200);
    expect((await ask({ host: "10.1.2.3:8000" }, "/metrics")).status).toBe(200);
  } finally {
    await elsewhere.stop();
  }
});
