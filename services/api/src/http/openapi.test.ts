import { readdir, readFile } from "node:fs/promises";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
// biome-ignore lint/style/noRestrictedImports: this is how ajv publishes its validator of the JSON Schema that OpenAPI 3.1 uses.
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { type Ask, startTestApi, type TestApi } from "../testing/start-api.js";

const operation = z.looseObject({
  responses: z.record(
    z.string(),
    z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.looseObject({}) })).optional() }),
  ),
});
const documentShape = z.looseObject({
  openapi: z.string(),
  info: z.looseObject({ version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.looseObject({}),
});

let api: TestApi;
let document: z.infer<typeof documentShape>;
const ajv = new Ajv2020({ strict: false, allErrors: true });
beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await writeTestTape(tapes, { id: "test", gapAfter: [{ seq: 30, ms: 9_000 }] });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
  document = documentShape.parse((await api.ask("GET", "/openapi.json")).json);
  ajv.addSchema(document, "openapi");
});
afterAll(() => api.stop());

/** A request for each operation; what is not here is asked as `{method} {path}` with the values below. */
const asks: Record<string, Ask> = {
  "post /sessions/create": { body: { session_id: "s1" } },
  "post /mode": { body: { mode: "REPLAY" } },
  "post /mode/{id}": { body: { mode: "LIVE" } },
  "post /auth/register": { body: { name: "a", email: "a@b", password: "c" } },
  "post /auth/login": { body: { email: "a@b", password: "c" } },
};
const bodies: Record<string, unknown> = {
  seek: { fraction: 0.5 },
  step: { frames: 2 },
  range: { from: null, to: null, loop: false },
};
const values: Record<string, string> = { id: "s1", value: "2.5", seconds: "0.5" };

function askOf(method: string, path: string): { path: string; ask: Ask } {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name);
  const action = path.split("/").find((word) => word in bodies);
  return {
    path: path.startsWith("/tapes") ? path.replace("{id}", "test") : filled,
    ask: asks[`${method} ${path}`] ?? (action === undefined ? {} : { body: bodies[action] }),
  };
}

const root = new URL("../../../../", import.meta.url);

async function workspacesIn(folder: string): Promise<string[]> {
  return (await readdir(new URL(folder, root))).map((name) => `${folder}/${name}`);
}

/** Why an answer does not fit the schema of its status; empty when it does. */
async function misfits(method: string, path: string, at: string, ask: Ask): Promise<string> {
  const answer = await api.ask(method.toUpperCase(), at, ask);
  const [type = ""] = (answer.headers.get("content-type") ?? "").split(";");
  const isFile = type === "application/vnd.apache.parquet";
  const mediaType = isFile ? type : "application/json";
  const schema = `openapi#/paths/${pointer(path)}/${method}/responses/${answer.status}/content/${pointer(mediaType)}/schema`;
  const validate = ajv.getSchema(schema);
  if (isFile && validate !== undefined) return "";
  if (validate === undefined) return `${answer.status} is not documented: ${answer.text}`;
  return validate(answer.json) ? "" : `${ajv.errorsText(validate.errors)} in ${answer.text}`;
}

function pointer(text: string): string {
  return encodeURIComponent(text.replace(/~/g, "~0").replace(/\//g, "~1"));
}

describe("/openapi.json", () => {
  test("[A55] describes the real answers of every operation", async () => {
    // A session that is there from the start, and a deck away from its beginning.
    await api.ask("POST", "/sessions/create", { body: { session_id: "s1" } });
    await api.ask("POST", "/replay/s1/seek", { body: { seq: 120 } });
    const operations = Object.entries(document.paths).flatMap(([path, byMethod]) =>
      Object.keys(byMethod).map((method) => ({ path, method })),
    );
    // Deleting comes last, so that the others have a session to answer about. Live has its own answer, outside LIVE.
    operations.sort((a, b) => Number(a.method === "delete") - Number(b.method === "delete"));
    expect(operations.length).toBeGreaterThan(50);
    const problems: string[] = [];
    for (const { path, method } of operations) {
      const { path: at, ask } = askOf(method, path);
      const misfit = await misfits(method, path, at, ask);
      if (misfit !== "") problems.push(`${method} ${path}: ${misfit}`);
    }
    expect(problems).toEqual([]);
  });

  test.each([
    ["get", "/sessions/{id}", "/sessions/nobody", {}],
    ["get", "/sessions/{id}", "/sessions/global", {}],
    ["delete", "/sessions/{id}", "/sessions/nobody", {}],
    ["get", "/sessions", "/sessions?limit=0", {}],
    ["get", "/sessions", "/sessions?limit=x", {}],
    ["post", "/replay/{id}/speed/{value}", "/replay/nobody/speed/5", {}],
    ["post", "/replay/{id}/speed/{value}", "/replay/nobody/speed/0", {}],
    ["post", "/replay/{id}/seek", "/replay/global/seek", { body: "{" }],
    [
      "post",
      "/replay/{id}/seek",
      "/replay/global/seek",
      { body: "a=b", headers: { "content-type": "multipart/form-data" } },
    ],
    ["post", "/replay/live", "/replay/live", {}],
    ["post", "/mode", "/mode", { body: { mode: "?" } }],
    ["get", "/tapes/{id}", "/tapes/nothing", {}],
    ["get", "/tapes/{id}/overview", "/tapes/test/overview?points=0", {}],
  ])("[A55] fits the refusal or emptiness of %s %s asked as %s", async (method, path, at, ask) => {
    expect(await misfits(method, path, at, ask)).toBe("");
  });
});

test("[A58] the document has the version of the product and of all packages", async () => {
  const manifestOf = async (folder: string) =>
    z
      .looseObject({ version: z.string() })
      .parse(JSON.parse(await readFile(new URL(`${folder}/package.json`, root), "utf8")));
  const { version } = await manifestOf(".");
  expect(document.info.version).toBe(version);
  const folders = await Promise.all(["packages", "services"].map((parent) => workspacesIn(parent)));
  for (const folder of folders.flat()) expect([folder, (await manifestOf(folder)).version]).toEqual([folder, version]);
});

test("[A56] /docs loads nothing from other hosts and has no inline script", async () => {
  const page = await api.ask("GET", "/docs");
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(page.headers.get("content-security-policy")).toMatch(/default-src 'self'/);
  expect(page.headers.get("content-security-policy")).not.toMatch(/script-src/);
  expect(page.text).not.toMatch(/https?:\/\//);
  const linked = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = ""]) => path);
  expect(linked.length).toBeGreaterThanOrEqual(3);
  for (const path of linked) expect(await api.ask("GET", path)).toMatchObject({ status: 200 });
});
