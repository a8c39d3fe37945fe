import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { readVenueConfig } from "../config.js";
import { startTestVenue, type TestVenue } from "../testing/start-venue.js";

let folder: string;
let venue: TestVenue;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-venue-"));
  venue = await startTestVenue({
    redisUrl: inject("redisUrl"),
    store: folder,
    env: { REQUEST_WEIGHT: "12", SESSION_PORTS: "0=any,0=binance-usdm/any" },
  });
});
afterAll(async () => {
  await venue.end();
  await rm(folder, { recursive: true, force: true });
});

async function ask(path: string, method = "GET") {
  const answer = await fetch(`${venue.url}${path}`, { method });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

test("[VN1] [VN4] a session's address is followed by Binance's own paths, for each market, of which time is that of the wall", async () => {
  for (const path of [
    "/venue/binance/any/api/v3/time",
    "/venue/binance/any/fapi/v1/time",
    "/venue/binance-usdm/any/fapi/v1/time",
  ]) {
    const { status, body } = await ask(path);
    expect(status).toBe(200);
    expect(Math.abs(body.serverTime - Date.now())).toBeLessThan(1_000);
  }
});

test("[VN5] a session's own port has Binance's paths only, and an entry that is none is named", async () => {
  const [spot = "", usdm = ""] = venue.sessionUrls;
  expect((await fetch(`${spot}/api/v3/ping`)).status).toBe(200);
  expect((await fetch(`${usdm}/fapi/v1/ping`)).status).toBe(200);
  expect((await fetch(`${spot}/venue/binance/any/api/v3/ping`)).status).toBe(404);
  expect(() => readVenueConfig({ SESSION_PORTS: "9101=a b" })).toThrow(/SESSION_PORTS.*such as 9101=demo/);
});

test("[VN1] the address itself answers, and of a session that does not exist with 404", async () => {
  for (const end of ["", "/"]) {
    const { status, body } = await ask(`/venue/binance/nobody${end}`);
    expect({ status, body }).toMatchObject({ status: 404, body: { msg: expect.stringContaining("nobody") } });
  }
});

test("[VN2] what the venue does not have is refused in Binance's form, and says where the list is", async () => {
  expect(await ask("/venue/binance/any/api/v3/nothing")).toMatchObject({
    status: 404,
    body: { code: -5000, msg: expect.stringContaining("docs/venue.md") },
  });
  expect(await ask("/venue/binance/any/api/v3/time", "DELETE")).toMatchObject({ status: 405, body: { code: -5000 } });
  expect(await ask("/venue/other/any/api/v3/time")).toMatchObject({ status: 404, body: { code: -5000 } });
});

test("[VN3] each answer says what weight the client's address has used, and beyond the limit requests are refused until the next minute", async () => {
  const { headers } = await ask("/venue/binance/any/api/v3/ping");
  const used = Number(headers.get("x-mbx-used-weight-1m"));
  expect(used).toBeGreaterThan(0);
  let refused = await ask("/venue/binance/any/api/v3/ping");
  for (let more = 0; refused.status === 200 && more < 30; more++) refused = await ask("/venue/binance/any/api/v3/ping");
  expect(refused).toMatchObject({ status: 429, body: { code: -1003 } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
});
