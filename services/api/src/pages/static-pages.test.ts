import { existsSync } from "node:fs";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { MemoryTapeStore } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const page = fileURLToPath(new URL("../../../dashboard/dist/index.html", import.meta.url));
const built = existsSync(page);

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes: new MemoryTapeStore() });
});
afterAll(() => api.stop());

/** Without what `fetch` does by itself: decompress, and add headers. */
function plain(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]>; bytes: number }>(
    (resolve, reject) => {
      const asked = request(new URL(path, api.url), { headers }, (answer) => {
        let bytes = 0;
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
        });
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, bytes }));
      });
      asked.on("error", reject).end();
    },
  );
}

describe.runIf(built)("the dashboard, where it is built", () => {
  test.each(["/", "/operations"])("[DB1] its page is at %s, to be asked for again each time", async (path) => {
    const { status, headers, text } = await api.ask("GET", path);
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(headers.get("cache-control")).toBe("no-cache");
    expect(headers.get("content-security-policy")).not.toMatch(/script-src|unsafe-eval/);
    expect(text).toContain('<div id="root">');
    const etag = headers.get("etag") ?? "";
    expect((await plain(path, { "if-none-match": etag })).status).toBe(304);
  });

  test("[DB1] all that it loads is here, may be kept for ever, and comes compressed to who can read it", async () => {
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
  "[DB1] %s is 404 and JSON",
  async (path) => {
    const { status, json } = await api.ask("GET", path);
    expect([status, json]).toEqual([404, expect.objectContaining({ code: "ROUTE_NOT_FOUND" })]);
  },
);
