import { Agent, request as rawRequest } from "node:http";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";

let api: TestApi;
beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await writeTestTape(tapes);
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes, node: "api-7" });
  await api.ask("POST", "/sessions/create", { body: { session_id: "s1" } });
});
afterAll(() => api.stop());

describe("bodies", () => {
  test.each([
    ["application/json"],
    ["text/plain;charset=UTF-8"],
    ["application/octet-stream"],
    ["image/png"],
    ["nonsense"],
    ["application/x-www-form-urlencoded"],
    ["application/x-www-form-urlencoded; charset=utf-8"],
  ])("[A2] JSON is read from a body that calls itself %s", async (type) => {
    const { status, json } = await api.ask("POST", "/replay/s1/seek", {
      body: '{"seq":10}',
      headers: { "content-type": type },
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({ controller_state: { cursor_seq: 10 } });
  });

  test.each([
    ["nothing", undefined],
    ["an empty text", ""],
    ["a text of blanks", " \t\r\n "],
    ["null", "null"],
  ])("[A2] %s is no body", async (_, body) => {
    const headers = { "content-type": "application/octet-stream" };
    expect(await api.ask("POST", "/replay/pause/s1", { body, headers })).toMatchObject({ status: 200 });
  });

  test.each(["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])(
    "[A2] [AC26] an empty %s is refused as an HTML form, and changes nothing",
    async (type) => {
      await api.ask("POST", "/sessions/create", { body: { session_id: "pressed" } });
      const before = (await api.store.read("pressed"))?.record.rev;
      for (const [method, path] of [
        ["POST", "/replay/start/pressed"],
        ["POST", "/replay/speed/5/pressed"],
        ["POST", "/mode/pressed"],
        ["DELETE", "/sessions/pressed"],
      ] as const) {
        for (const body of [undefined, " "]) {
          const answer = await api.ask(method, path, { headers: { "content-type": type }, body });
          expect([path, answer.status], path).toEqual([path, 415]);
          expect(answer.json).toMatchObject({ code: "UNSUPPORTED_BODY", message: expect.stringMatching(/send JSON/) });
        }
      }
      expect((await api.store.read("pressed"))?.record.rev).toBe(before);
    },
  );

  test("[A2] an empty body without a Content-Type counts as no body", async () => {
    expect(await api.ask("POST", "/replay/pause/s1")).toMatchObject({ status: 200 });
  });

  test.each([
    ["{", 1],
    ['{"seq":}', 7],
    ['{"seq":1,}', 9],
    ['{"seq":1} x', 10],
    ["seq=1", 0],
    ['{"seq":1, /* why */ "x":2}', 10],
  ])("[A3] %s answers 400 and names position %i", async (body, position) => {
    const { status, json } = await api.ask("POST", "/replay/s1/seek", { body });
    expect(status).toBe(400);
    expect(json).toMatchObject({ code: "MALFORMED", message: expect.stringMatching(`at position ${position}\\.$`) });
  });

  test("[A3] JSON that is nested too deeply answers 400", async () => {
    expect(await api.ask("POST", "/replay/s1/seek", { body: "[".repeat(60_000) })).toMatchObject({ status: 400 });
  });

  test("[A3] a body that is not UTF-8 answers 400", async () => {
    expect(await api.ask("POST", "/mode/s1", { body: Uint8Array.of(0x7b, 0xff, 0x7d) })).toMatchObject({ status: 400 });
  });

  test.each([
    ["application/x-www-form-urlencoded", "mode=LIVE", /^The body is a form; send its fields as a JSON object/],
    ["application/x-www-form-urlencoded", "mode=LIVE&symbol=%7B%22a%22%3A1%7D", /^The body is a form;/],
    ["multipart/form-data; boundary=x", "mode=LIVE", /^The body is multipart; send its values as one JSON object/],
    ["multipart/form-data; boundary=x", '{"mode":"LIVE"}', /^The body is multipart;/],
  ])("[A4] %s with %s answers 415 and says what to send", async (type, body, message) => {
    const { status, json } = await api.ask("POST", "/mode/s1", { body, headers: { "content-type": type } });
    expect([status, json]).toEqual([
      415,
      { status: "error", code: "UNSUPPORTED_BODY", message: expect.stringMatching(message) },
    ]);
  });

  test("[A3] broken JSON that curl declares as a form answers 400 and names the position", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const { status, json } = await api.ask("POST", "/replay/s1/seek", { body: '{"seq":}', headers });
    expect([status, json]).toMatchObject([400, { message: expect.stringMatching(/at position 7\.$/) }]);
  });

  test("[A4] a body above the limit answers 413, and the connection stays usable", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const send = (body: string, headers: Record<string, string> = {}) =>
      new Promise<{ status: number | undefined; text: string; port: number | undefined }>((resolve, reject) => {
        const sent = rawRequest(`${api.url}/replay/pause/s1`, { method: "POST", agent, headers }, (answer) => {
          let text = "";
          const port = answer.socket.localPort;
          answer.on("data", (chunk) => {
            text += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode, text, port }));
        });
        sent.on("error", reject);
        sent.end(body);
      });
    const ports = [];
    for (const length of [70_000, 200_000, 3_000_000]) {
      const framings: Record<string, string>[] = [
        { "content-length": `${length}` },
        { "transfer-encoding": "chunked" },
      ];
      for (const headers of framings) {
        const { status, text, port } = await send("x".repeat(length), headers);
        expect({ status, text }).toEqual({ status: 413, text: expect.stringContaining("BODY_TOO_LARGE") });
        ports.push(port);
      }
    }
    const { status, port } = await send("");
    expect(status).toBe(200);
    expect(new Set([...ports, port]).size).toBe(1);
    // Who sends "Connection: close", as proxies do, is not cut off while sending either.
    for (let n = 0; n < 20; n++) expect((await send("x".repeat(1_000_000), { connection: "close" })).status).toBe(413);
    agent.destroy();
  });
});

describe("refusals", () => {
  test.each([
    [
      "POST",
      "/replay/speed/0.05/s1",
      undefined,
      422,
      "INVALID_VALUE",
      "value: must be at least 0.1; nothing was changed.",
    ],
    [
      "POST",
      "/replay/speed/1001/s1",
      undefined,
      422,
      "INVALID_VALUE",
      "value: must be at most 1000; nothing was changed.",
    ],
    ["POST", "/replay/speed/fast/s1", undefined, 400, "MALFORMED", /^value: must be a plain decimal number/],
    ["POST", "/replay/speed/0x10/s1", undefined, 400, "MALFORMED", /^value: must be a plain decimal number/],
    ["POST", "/replay/s1/speed/1e2", undefined, 400, "MALFORMED", /^value: must be a plain decimal number/],
    ["POST", "/replay/speed/Infinity/s1", undefined, 400, "MALFORMED", /^value: must be a plain decimal number/],
    ["POST", "/replay/speed/%205/s1", undefined, 400, "MALFORMED", /^value: must be a plain decimal number/],
    ["POST", "/replay/speed/5./s1", undefined, 400, "MALFORMED", /^value: must be a plain decimal number/],
    ["POST", "/replay/speed/-5/s1", undefined, 422, "INVALID_VALUE", /^value: must be at least 0.1/],
    ["POST", "/replay/goback/0x10/s1", undefined, 400, "MALFORMED", /^seconds: must be a plain decimal number/],
    ["POST", "/replay/s1/goback/0", undefined, 422, "INVALID_VALUE", /^seconds: must be above 0/],
    ["POST", "/replay/s1/seek", {}, 400, "MALFORMED", /^body: must name exactly one place/],
    ["POST", "/replay/s1/seek", [1], 400, "MALFORMED", /^body: /],
    ["POST", "/mode/s1", { mode: "REWIND" }, 422, "INVALID_VALUE", /^mode: must be REPLAY, LIVE or SIMULATION/],
    ["POST", "/sessions/create", { speed: 0 }, 422, "INVALID_VALUE", /^speed: must be at least 0.1/],
    ["POST", "/sessions/create", { speed: "5" }, 400, "MALFORMED", /^speed: expected number/],
    ["GET", "/sessions?limit=0", undefined, 422, "INVALID_VALUE", /^limit: /],
    ["GET", "/sessions?limit=few", undefined, 400, "MALFORMED", /^limit: /],
    ["GET", "/sessions?limit=", undefined, 400, "MALFORMED", /^limit: /],
    ["GET", "/sessions?limit=1e1", undefined, 400, "MALFORMED", /^limit: /],
    ["GET", "/sessions?mode=a&mode=b", undefined, 422, "INVALID_VALUE", /^mode: /],
    ["GET", "/sessions/nobody", undefined, 404, "SESSION_NOT_FOUND", /nobody/],
    ["POST", "/replay/pause/nobody", undefined, 404, "SESSION_NOT_FOUND", /nobody/],
    ["POST", "/replay/%00/pause", undefined, 404, "SESSION_NOT_FOUND", /./],
    ["POST", "/replay/%zz/pause", undefined, 404, "SESSION_NOT_FOUND", /./],
    ["GET", "/tapes/nothing", undefined, 404, "TAPE_NOT_FOUND", /nothing/],
    ["GET", "/tapes/..%2f..%2fetc%2fpasswd", undefined, 404, "TAPE_NOT_FOUND", /./],
    ["POST", "/sessions/create", { tape: "nothing" }, 404, "TAPE_NOT_FOUND", /nothing/],
    ["GET", "/engine/status", undefined, 404, "ROUTE_NOT_FOUND", /./],
    ["POST", "/replay/speed", undefined, 404, "ROUTE_NOT_FOUND", /./],
    ["POST", "/replay/s1/goback", undefined, 404, "ROUTE_NOT_FOUND", /./],
    ["GET", "/auth/me", undefined, 404, "ROUTE_NOT_FOUND", /./],
    ["GET", "/SESSIONS", undefined, 404, "ROUTE_NOT_FOUND", /./],
    ["GET", "/docs/../../package.json", undefined, 404, "ROUTE_NOT_FOUND", /./],
  ])("[A1] [A5] [A6] %s %s %j answers %i %s", async (method, path, body, status, code, message) => {
    const answer = await api.ask(method, path, body === undefined ? {} : { body });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answer.json).toEqual({ status: "error", code, message: expect.stringMatching(message) });
  });

  test.each([
    ["GET", "/replay/start", "POST, OPTIONS"],
    ["GET", "/sessions/create", "POST, OPTIONS"],
    ["DELETE", "/sessions/create", "POST, OPTIONS"],
    ["DELETE", "/sessions/stats", "HEAD, GET, OPTIONS"],
    ["PUT", "/sessions/s1", "HEAD, GET, DELETE, OPTIONS"],
    ["DELETE", "/sessions", "HEAD, GET, OPTIONS"],
    ["POST", "/replay/state/s1", "HEAD, GET, OPTIONS"],
    ["PATCH", "/mode", "POST, HEAD, GET, OPTIONS"],
  ])("[A6] %s %s answers 405 and allows %s", async (method, path, allow) => {
    const answer = await api.ask(method, path);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(answer.json).toMatchObject({ code: "METHOD_NOT_ALLOWED" });
  });

  test("[A1] bytes that are not HTTP are answered with JSON too", async () => {
    const { port } = new URL(api.url);
    const agent = new Agent({ keepAlive: false });
    const text = await new Promise<string>((resolve, reject) => {
      const request = rawRequest({ port, agent, path: "/", headers: { "x-long": "x".repeat(20_000) } }, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("end", () => resolve(body));
      });
      request.on("error", reject);
      request.end();
    });
    expect(JSON.parse(text)).toMatchObject({ status: "error", code: "MALFORMED" });
  });
});

describe("other origins", () => {
  test.each([
    ["GET", "/sessions"],
    ["GET", "/no/such/route"],
    ["POST", "/replay/speed/0/s1"],
    ["DELETE", "/sessions/nobody"],
  ])("[A7] the answer to %s %s may be read by any page", async (method, path) => {
    const { headers } = await api.ask(method, path, { headers: { origin: "http://localhost:3000" } });
    expect(headers.get("access-control-allow-origin")).toBe("*");
  });

  test.each(["/", "/sessions", "/replay/s1/speed/5", "/mode", "/no/such/route"])(
    "[A7] OPTIONS %s answers 204 with the allowed methods and headers",
    async (path) => {
      const answer = await api.ask("OPTIONS", path, {
        headers: { origin: "http://localhost:3000", "access-control-request-method": "POST" },
      });
      expect(answer.status).toBe(204);
      expect(answer.text).toBe("");
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "access-control-allow-origin": "*",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
      });
    },
  );

  test.each(["Bearer null", "Bearer undefined", "Basic !!!", "", "x".repeat(8000)])(
    "[A8] a command with Authorization %.20s is accepted",
    async (authorization) => {
      expect(await api.ask("POST", "/replay/pause/s1", { headers: { authorization } })).toMatchObject({ status: 200 });
    },
  );
});

test("[A12] every answer names its node", async () => {
  for (const path of ["/sessions", "/no/such/route"]) {
    expect((await api.ask("GET", path)).headers.get("x-tapedeck-node")).toBe("api-7");
  }
});
