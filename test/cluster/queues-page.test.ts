import { expect } from "vitest";
import { z } from "zod";
import { testOnCluster } from "../support/cluster.js";
import { headersOf, signIn } from "../support/sign-in.js";

const test = testOnCluster(() => ({ apis: 1, gateways: 1, tickers: 1, env: { all: signIn } }));

const listed = z.object({ queues: z.array(z.looseObject({ name: z.string(), readOnlyMode: z.boolean() })) });

test("[OB10] the page shows all queues", async ({ cluster }) => {
  const headers = await headersOf("ada", "admin");
  const ask = (path: string) => fetch(`${cluster.url}${path}`, { headers });
  const page = await ask("/admin/queues");
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toMatch(/text\/html/);
  expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  const html = await page.text();
  // It needs only its own files; its policy blocks others.
  const scripts = [...html.matchAll(/<script[^>]+src="([^"]+)"/g)].map(([, src = ""]) => src);
  expect(scripts.length).toBeGreaterThan(0);
  for (const src of scripts) {
    const { pathname } = new URL(src, `${cluster.url}/admin/queues/`);
    expect([pathname, (await ask(pathname)).status]).toEqual([pathname, 200]);
  }
  const { queues } = listed.parse(await (await ask("/admin/queues/api/queues")).json());
  const names = ["{feed-upkeep}", "{feed}", "{ticker-0}", "{ticker-1}", "{ticker-2}", "{ticker-3}", "{upkeep}"];
  expect(queues.map(({ name }) => name).sort()).toEqual(names);
  for (const { name, readOnlyMode } of queues) expect([name, readOnlyMode]).toEqual([name, true]);
});

test("[OB10] the page is read-only", async ({ cluster }) => {
  for (const [method, path] of [
    ["PUT", "/admin/queues/api/queues/{ticker-0}/pause"],
    ["PUT", "/admin/queues/api/queues/{ticker-0}/clean/wait"],
    ["PUT", "/admin/queues/api/queues/pause"],
    ["POST", "/admin/queues/api/queues/{ticker-0}/add"],
    ["DELETE", "/admin/queues/api/queues/{ticker-0}"],
  ] as const) {
    const answer = await fetch(`${cluster.url}${encodeURI(path)}`, {
      method,
      headers: await headersOf("ada", "admin"),
    });
    expect([path, answer.status]).toEqual([path, 405]);
  }
});

test("[OB10] the page, its scripts and its data are for admins only", async ({ cluster }) => {
  for (const path of ["/admin/queues", "/admin/queues/", "/admin/queues/api/queues", "/admin/queues/static/x.js"]) {
    const status = async (headers = {}) => (await fetch(`${cluster.url}${path}`, { headers })).status;
    expect([path, await status()]).toEqual([path, 401]);
    expect([path, await status(await headersOf("ada", "viewer"))]).toEqual([path, 403]);
    expect([path, await status(await headersOf("ada", "controller"))]).toEqual([path, 403]);
  }
});
