import { existsSync } from "node:fs";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { MemoryTapeStore } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { readApiConfig } from "../config.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";
import { pagePolicy } from "./static-pages.js";

const page = fileURLToPath(new URL("../../../dashboard/dist/index.html", import.meta.url));
const built = existsSync(page);

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes: new MemoryTapeStore() });
});
afterAll(() => api.stop());

/** A request without what `fetch` adds: headers and decompression. */
function plain(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]>; bytes: number }>(
    (resolve, reject) => {
      const sent = request(new URL(path, api.url), { headers }, (answer) => {
        let bytes = 0;
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
        });
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, bytes }));
      });
      sent.on("error", reject).end();
    },
  );
}

describe.runIf(built)("the built dashboard", () => {
  test.each(["/", "/operations"])("[DB1] its page at %s is revalidated on each use", async (path) => {
    const { status, headers, text } = await api.ask("GET", path);
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(headers.get("cache-control")).toBe("no-cache");
    expect(headers.get("content-security-policy")).not.toMatch(/script-src|unsafe-eval/);
    expect(text).toContain('<div id="root">');
    const etag = headers.get("etag") ?? "";
    expect((await plain(path, { "if-none-match": etag })).status).toBe(304);
  });

  test("[DB1] its assets are cached for ever, and compressed for clients that accept gzip", async () => {
    const { text } = await api.ask("GET", "/");
    const linked = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(linked.length).toBeGreaterThanOrEqual(2);
    for (const path of linked) {
      const small = await plain(path, { "accept-encoding": "gzip, br" });
      expect(small).toMatchObject({ status: 200, headers: { "content-encoding": "gzip", vary: "Accept-Encoding" } });
      expect(small.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
      const large = await plain(path);
      expect(large.headers["content-encoding"]).toBeUndefined();
      expect(large.bytes).toBeGreaterThan(small.bytes * 2);
    }
  });
});

test.each(["/assets/none.js", "/assets/..%2findex.html", "/assets/.sources", "/operations/x"])(
  "[DB1] the missing file %s answers 404 as JSON",
  async (path) => {
    const { status, json } = await api.ask("GET", path);
    expect([status, json]).toEqual([404, expect.objectContaining({ code: "ROUTE_NOT_FOUND" })]);
  },
);

const connects = (apis: readonly string[], local: boolean) =>
  /connect-src ([^;]*);/.exec(pagePolicy(apis, { local }))?.[1];

test("[DB92] pages connect to their own origin, and on a local cluster to others of this machine", () => {
  expect(connects([], false)).toBe("'self'");
  expect(connects([], true)).toBe(
    "'self' http://localhost:* ws://localhost:* http://*.localhost:* ws://*.localhost:* http://127.0.0.1:* ws://127.0.0.1:*",
  );
});

test("[DB92] DASHBOARD_APIS lists other clusters that pages may connect to", () => {
  const { DASHBOARD_APIS: apis } = readApiConfig({ DASHBOARD_APIS: "https://deck.example.com, http://10.0.0.7:8000" });
  const named = "'self' https://deck.example.com wss://deck.example.com http://10.0.0.7:8000 ws://10.0.0.7:8000";
  expect(connects(apis, false)).toBe(named);
  expect(connects(apis, true)).toBe(named);
  expect(connects(["loopback", "https://a.test"], false)).toMatch(/^'self' http:\/\/localhost:\* .* wss:\/\/a\.test$/);
  for (const wrong of ["*", "https:", "https://a.test/x", "a.test", "https://a.test; script-src *"]) {
    expect(() => readApiConfig({ DASHBOARD_APIS: wrong }), wrong).toThrow(/DASHBOARD_APIS .* is not a list of origins/);
  }
});
