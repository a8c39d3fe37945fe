import { globalSessionId } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import { anonymous, type Principal } from "./principal.js";
import { adminRefusal, controlRefusal, createRefusal, ownerRefusal, viewRefusal } from "./session-permissions.js";

const own = { id: "own", userId: "ada", createdAt: 1 };
const foreign = { id: "foreign", userId: "ben", createdAt: 2 };
const ownerless = { id: "old", userId: "", createdAt: 3 };
const global = { id: globalSessionId, userId: "", createdAt: 4 };

const user = (role: Principal["role"]): Principal => ({ userId: "ada", role, expiresMs: 0 });
const link = (role: "viewer" | "controller"): Principal => ({
  userId: "",
  role,
  expiresMs: 0,
  share: { id: "x", sessionId: "foreign", createdAt: 2 },
});

const holders = {
  anonymous,
  viewer: user("viewer"),
  controller: user("controller"),
  admin: user("admin"),
  "viewer's link": link("viewer"),
  "controller's link": link("controller"),
} as const;

/** What each may do with its own session, another user's (which the links open), one without an owner, and `global`. */
const table: Record<keyof typeof holders, [own: string, foreign: string, ownerless: string, global: string]> = {
  anonymous: ["view control own", "view control own", "view control own", "view control own"],
  viewer: ["view", "", "", "view"],
  controller: ["view control own", "", "", "view control"],
  admin: ["view control own", "view control own", "view control own", "view control own"],
  "viewer's link": ["", "view", "", ""],
  "controller's link": ["", "view control", "", ""],
};

describe.each(Object.entries(table))("%s", (name, row) => {
  const principal = Object.entries(holders).find(([holder]) => holder === name)?.[1] ?? anonymous;
  test.each([own, foreign, ownerless, global].map((session, at) => [session.id, session, row[at]] as const))(
    "[AC6] with the session %s",
    (_, session, allowed) => {
      const can = Object.entries({ view: viewRefusal, control: controlRefusal, own: ownerRefusal })
        .filter(([, refusal]) => refusal(principal, session) === undefined)
        .map(([what]) => what);
      expect(can.join(" ")).toBe(allowed);
    },
  );
});

test("[AC6] controllers and admins create sessions, and only admins list them", () => {
  const who = (rule: (principal: Principal) => unknown) =>
    Object.entries(holders).flatMap(([name, principal]) => (rule(principal) === undefined ? [name] : []));
  expect(who(createRefusal)).toEqual(["anonymous", "controller", "admin"]);
  expect(who(adminRefusal)).toEqual(["anonymous", "admin"]);
});

test("[AC12] a link does not open a later session with the same id", () => {
  expect(viewRefusal(link("viewer"), { ...foreign, createdAt: 5 })).toMatchObject({
    refused: "SESSION_NOT_FOUND",
  });
});
