import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { actionNames, isSessionId, newSessionId } from "./session-id.js";

const taken = ["session_1735900000000_ab12cd34e", randomUUID(), "A", "_", "a.b:c-d", "x".repeat(100), "Start"];

test.each(taken)("[P4] %s is taken as an id", (id) => {
  expect(newSessionId.safeParse(id).success).toBe(true);
});

const refused = ["", "-a", ".a", ":a", "a b", "a/b", "é", "x".repeat(101), "a\n", "create", "stats", "global"];

test.each([...refused, ...actionNames])("[P4] %j is refused as a new id", (id) => {
  expect(newSessionId.safeParse(id).success).toBe(false);
});

test("[P4] global names the shared session, though nobody creates it by name", () => {
  expect(isSessionId("global")).toBe(true);
});
