import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { actionNames, isSessionId, newSessionId } from "./session-id.js";

const accepted = ["session_1735900000000_ab12cd34e", randomUUID(), "A", "_", "a.b:c-d", "x".repeat(100), "Start"];

test.each(accepted)("[P4] a client may choose the id %s", (id) => {
  expect(newSessionId.safeParse(id).success).toBe(true);
});

const refused = ["", "-a", ".a", ":a", "a b", "a/b", "é", "x".repeat(101), "a\n", "create", "stats", "global"];

test.each([...refused, ...actionNames])("[P4] a client may not choose the id %j", (id) => {
  expect(newSessionId.safeParse(id).success).toBe(false);
});

test("[P4] global is a valid id, although clients cannot create it", () => {
  expect(isSessionId("global")).toBe(true);
});
