import { expect, test } from "vitest";
import { readTarget } from "./target.js";

test.each([
  ["/ws", "", "global"],
  ["/ws/", "", "global"],
  ["/ws", "session_id=", "global"],
  ["/ws", "session_id=session_1735900000000_ab12cd34e", "session_1735900000000_ab12cd34e"],
  ["/ws/9f1c2d3e-0000-4000-8000-000000000000", "", "9f1c2d3e-0000-4000-8000-000000000000"],
  ["/ws/a%3Ab", "", "a:b"],
])("[G14] %s?%s is session %s", (path, query, sessionId) => {
  expect(readTarget(path, query)).toEqual({ sessionId, token: undefined, create: true });
});

test.each([
  ["/ws", "session_id=a&epoch=5&after=-1", { epoch: 5, after: -1 }],
  ["/ws/a", "epoch=1735900000000&after=1041", { epoch: 1735900000000, after: 1041 }],
])("[G20] %s?%s resumes after %o", (path, query, token) => {
  expect(readTarget(path, query)).toEqual({ sessionId: "a", token, create: true });
});

test.each([
  ["/ws/a", "create=false", false],
  ["/ws", "session_id=a&create=true", true],
  ["/ws/a", "create=", true],
])("[G13] %s?%s may create a session: %s", (path, query, create) => {
  expect(readTarget(path, query)).toEqual({ sessionId: "a", token: undefined, create });
});

test.each([
  ["/ws/a b", "", /^session_id: /],
  ["/ws/%E0%A4%A", "", /^session_id: /],
  ["/ws/a/b", "", /^session_id: /],
  ["/ws/create", "", /^session_id: /],
  ["/ws", "session_id=../x", /^session_id: /],
  ["/ws", `session_id=${"a".repeat(101)}`, /^session_id: /],
  ["/ws", "session_id=a&epoch=5", /^after: .* with epoch/],
  ["/ws", "session_id=a&after=5", /^epoch: .* with after/],
  ["/ws", "session_id=a&epoch=x&after=1", /^epoch: /],
  ["/ws", "session_id=a&epoch=1e3&after=1", /^epoch: /],
  ["/ws", "session_id=a&epoch=-5&after=1", /^epoch: /],
  ["/ws", "session_id=a&epoch=5&after=-2", /^after: .* from -1/],
  ["/ws", "session_id=a&epoch=5&after=", /^after: /],
])("[G51] %s?%s is malformed, and the close reason names the parameter", (path, query, reason) => {
  expect(readTarget(path, query)).toEqual({ malformed: expect.stringMatching(reason) });
});

test.each(["/", "/wss", "/replay/start"])("[G51] %s is not a WebSocket path", (path) => {
  expect(readTarget(path, "")).toBe("not found");
});
