import { eventTypes } from "@tapedeck/protocol";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const tapes = new MemoryTapeStore();
let api: TestApi;
beforeAll(async () => {
  await writeTestTape(tapes, { frames: 500, intervalMs: 100 });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes, trustedProxies: "127.0.0.1" });
});
afterAll(() => api.stop());

/** Never comes in a calm market, so that a search for it goes on for seconds. */
const never = { event: "next", type: "DATA_VALIDATION_ERROR" } as const;
const from = (address: string) => ({ "X-Forwarded-For": address });

let seed = 0;

/** A simulated session that stands still. */
async function market(): Promise<string> {
  const session_id = `market-${++seed}`;
  await api.ask("POST", "/sessions/create", { body: { session_id, mode: "SIMULATION", seed, scenario: "calm" } });
  await api.ask("POST", `/replay/pause/${session_id}`);
  return session_id;
}

function search(id: string, address: string, signal: AbortSignal): Promise<Response | undefined> {
  const body = JSON.stringify(never);
  const asked = fetch(`${api.url}/replay/seek/${id}`, { method: "POST", body, headers: from(address), signal });
  return asked.catch(() => undefined); // it was given up
}

/** Searches that were given up since their clients had left. */
async function givenUp(): Promise<number> {
  const { text } = await api.ask("GET", "/metrics", { headers: { accept: "text/plain" } });
  const line = text
    .split("\n")
    .find((each) => each.includes('command="seek"') && each.includes('result="CLIENT_GONE"'));
  return Number(line?.split(" ").at(-1) ?? 0);
}

test("[A94] a seek to an unknown event type is refused, and the message lists the known types", async () => {
  const id = await market();
  const before = await api.redis.hgetall(api.keys.session(id));
  const answer = await api.ask("POST", `/replay/seek/${id}`, { body: { event: "next", type: "NEVER" } });
  expect(answer.status).toBe(422);
  const message = `type: must be one of ${eventTypes.join(", ")}; nothing was changed.`;
  expect(answer.json).toEqual({ status: "error", code: "INVALID_VALUE", message });
  expect(await api.redis.hgetall(api.keys.session(id))).toEqual(before);
});

test("[A95] one search of an address runs at a time and 32 wait; another address is served meanwhile", async () => {
  const id = await market();
  const gone = new AbortController();
  const searches = Array.from({ length: 40 }, () => search(id, "192.0.2.1", gone.signal));
  const answered: Response[] = [];
  for (const each of searches) void each.then((answer) => answer && answered.push(answer));
  await expect.poll(() => answered.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(7);
  const refused = answered.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(7);
  expect(refused[0]?.headers.get("retry-after")).toBe("5");
  expect(await refused[0]?.json()).toMatchObject({ code: "TOO_MANY_REQUESTS" });

  const overview = `/tapes/sim2.BTCUSDT.${id}.calm/overview?points=100`;
  expect(await api.ask("GET", overview, { headers: from("192.0.2.1") })).toMatchObject({ status: 429 });
  expect(await api.ask("GET", overview, { headers: from("192.0.2.2") })).toMatchObject({ status: 200 });
  const recorded = { body: { tape: "test" } };
  const { session_id: other } = Object(JSON.parse((await api.ask("POST", "/sessions/create", recorded)).text));
  const found = { body: { event: "next" }, headers: from("192.0.2.2") };
  expect(await api.ask("POST", `/replay/seek/${other}`, found)).toMatchObject({ status: 200 });

  gone.abort();
  await Promise.all(searches);
  await expect.poll(async () => (await api.ask("GET", overview, { headers: from("192.0.2.1") })).status).toBe(200);
});

test("[A96] a search whose client has closed the connection is cancelled, started or not, and changes nothing", async () => {
  const id = await market();
  const before = await api.redis.hgetall(api.keys.session(id));
  const already = await givenUp();
  const gone = new AbortController();
  let refused = 0;
  const searches = Array.from({ length: 34 }, async () => {
    if ((await search(id, "192.0.2.3", gone.signal))?.status === 429) refused++;
  });
  // One is under way, and 32 wait.
  await expect.poll(() => refused, { timeout: 10_000 }).toBe(1);
  gone.abort();
  await Promise.all(searches);
  await expect.poll(givenUp).toBe(already + 33);
  expect(await api.redis.hgetall(api.keys.session(id))).toEqual(before);
});
