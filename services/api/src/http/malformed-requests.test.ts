import { commandNames, errorBody, mode as modeSchema, parseCommand } from "@tapedeck/protocol";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Ask, startTestApi, type TestApi } from "../testing/start-api.js";

let api: TestApi;
beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await writeTestTape(tapes);
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
  await api.ask("POST", "/sessions/create", { body: { session_id: "s1" } });
  await api.ask("POST", "/replay/s1/seek", { body: { seq: 100 } });
});
afterAll(() => api.stop());

interface Bad {
  method: string;
  path: string;
  ask: Ask;
}

const segment = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).map(encodeURIComponentLoosely);
const commandsWithBody = fc.constantFrom("seek", "step", "range");

/** Requests that no route can accept, each wrong in another way. */
const bad: fc.Arbitrary<Bad> = fc.oneof(
  // arguments that are no arguments
  fc
    .tuple(commandsWithBody, fc.jsonValue())
    .filter(([name, body]) => {
      const command = commandNames.find((known) => known === name) ?? "seek";
      return body !== null && !("ok" in parseCommand(command, body));
    })
    .map(([name, body]) => ({ method: "POST", path: `/replay/s1/${name}`, ask: { body: JSON.stringify(body) } })),
  // values out of range, or no values
  fc
    .tuple(fc.constantFrom("speed", "goback"), fc.oneof(segment, fc.double().map(String)))
    .filter(([name, text]) => !("ok" in parseCommand(name === "speed" ? "speed" : "goback", argumentsOf(name, text))))
    .map(([name, text]) => ({ method: "POST", path: `/replay/s1/${name}/${text}`, ask: {} })),
  // bodies that are no JSON
  fc
    .tuple(
      fc.constantFrom("/mode/s1", "/mode", "/replay/s1/start", "/sessions/create"),
      fc.string({ unit: "binary", minLength: 1 }),
    )
    .filter(([, text]) => !isBlank(text) && !isJson(text))
    .map(([path, body]) => ({ method: "POST", path, ask: { body } })),
  // bytes that are no text
  fc
    .uint8Array({ minLength: 1, maxLength: 64 })
    .map((bytes) => ({ bytes, text: new TextDecoder().decode(bytes) }))
    .filter(({ text }) => !isBlank(text) && !isJson(text))
    .map(({ bytes }) => ({ method: "POST", path: "/replay/s1/range", ask: { body: bytes } })),
  // modes that are no modes
  fc
    .jsonValue()
    .filter((mode) => !modeSchema.safeParse(mode).success)
    .map((mode) => ({ method: "POST", path: "/mode/s1", ask: { body: { mode } } })),
  // ids that no session has, paths that no route has, methods that no route takes
  segment.map((id) => ({ method: "POST", path: `/replay/${id}.x/pause`, ask: {} })),
  segment.map((id) => ({ method: "DELETE", path: `/sessions/${id}.x`, ask: {} })),
  fc
    .array(segment, { minLength: 1, maxLength: 5 })
    .map((words) => ({ method: "GET", path: `/x${words.join("/")}`, ask: {} })),
  fc.constantFrom("PUT", "PATCH", "REPORT").map((method) => ({ method, path: "/sessions/s1", ask: {} })),
);

test("[A10] a thousand bad requests are refused with JSON and change nothing", async () => {
  const everything = async () => {
    const names = (await api.redis.keys(`${api.keys.stats.replace(/:stats$/, "")}*`)).sort();
    return [names, await api.redis.hgetall(api.keys.session("s1"))];
  };
  const before = await everything();
  await fc.assert(
    fc.asyncProperty(bad, async ({ method, path, ask }) => {
      const answer = await api.ask(method, path, ask);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(errorBody.safeParse(answer.json).success).toBe(true);
      expect(answer.text).not.toMatch(/\bat \S+ \(|node_modules|<html/i);
    }),
    { numRuns: 1000 },
  );
  expect(await everything()).toEqual(before);
});

test("[A10] any query is answered below 500", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("/sessions", "/features", "/snapshot/latest", "/tapes/test/overview", "/metrics/dashboard"),
      fc.dictionary(
        fc.constantFrom("limit", "cursor", "mode", "state", "session_id", "points", "__proto__"),
        fc.string({ unit: "binary" }),
      ),
      async (path, query) => {
        const answer = await api.ask("GET", `${path}?${new URLSearchParams(Object.entries(query))}`);
        expect(answer.status).toBeLessThan(500);
        expect(() => answer.json).not.toThrow();
      },
    ),
    { numRuns: 300 },
  );
});

/** Some characters stay as they are, so that paths which were not encoded properly are tried too. */
function encodeURIComponentLoosely(text: string): string {
  const encoded = encodeURIComponent(text.replace(/[\uD800-\uDFFF]/g, "?"));
  return encoded.replace(/%2F/gi, "%2f").replace(/%25/g, "%");
}

function argumentsOf(name: string, text: string): object {
  const decoded = safely(() => decodeURIComponent(text)) ?? text;
  return name === "speed" ? { value: Number(decoded) } : { seconds: Number(decoded) };
}

/** Blanks alone are no body at all ([A2]), so a command without arguments takes them. */
function isBlank(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text);
}

function isJson(text: string): boolean {
  return safely(() => JSON.stringify(JSON.parse(text))) !== undefined;
}

function safely<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch {
    return undefined;
  }
}
