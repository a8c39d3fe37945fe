import { expect, test } from "vitest";
import { readApiConfig } from "../config.js";
import { pagePolicy } from "./static-pages.js";

const connects = (apis: readonly string[], local: boolean) =>
  /connect-src ([^;]*);/.exec(pagePolicy(apis, { local }))?.[1];

test("[DB92] pages connect to their own origin, and on a local cluster to others of this machine", () => {
  expect(connects([], false)).toBe("'self'");
  expect(connects([], true)).toBe(
    "'self' http://localhost:* ws://localhost:* http://*.localhost:* ws://*.localhost:* http://127.0.0.1:* ws://127.0.0.1:*",
  );
});

test("[DB92] DASHBOARD_APIS names the clusters elsewhere", () => {
  const { DASHBOARD_APIS: apis } = readApiConfig({ DASHBOARD_APIS: "https://deck.example.com, http://10.0.0.7:8000" });
  const named = "'self' https://deck.example.com wss://deck.example.com http://10.0.0.7:8000 ws://10.0.0.7:8000";
  expect(connects(apis, false)).toBe(named);
  expect(connects(apis, true)).toBe(named);
  expect(connects(["loopback", "https://a.test"], false)).toMatch(/^'self' http:\/\/localhost:\* .* wss:\/\/a\.test$/);
  for (const wrong of ["*", "https:", "https://a.test/x", "a.test", "https://a.test; script-src *"]) {
    expect(() => readApiConfig({ DASHBOARD_APIS: wrong }), wrong).toThrow(/DASHBOARD_APIS .* is not a list of origins/);
  }
});
