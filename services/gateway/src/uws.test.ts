import { createRequire } from "node:module";
import { createLogger } from "@tapedeck/runtime";
import { expect, test } from "vitest";
import { chooseListen, NoNativeServer } from "./choose-listen.js";
import { loadUws } from "./uws.js";

const log = createLogger({ service: "gateway", node: "test", level: "silent" });
const real = createRequire(import.meta.url);

/** Loads packages as given here; a string is the error of one that does not load. */
function loading(packages: Record<string, unknown>): NodeJS.Require {
  const load = (name: string): unknown => {
    const found = packages[name];
    if (typeof found === "string") throw new Error(found);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  return Object.assign(load, real);
}

const native = { App: Math.max };
const fallback = { App: () => ({}) };

test("[G80] the newer build is taken where it loads", () => {
  const load = loading({ "@btc-vision/uwebsockets.js": native, "@trufflesuite/uws-js-unofficial": native });
  expect(loadUws(load)).toMatchObject({ uws: native, build: expect.stringContaining("@btc-vision/uwebsockets.js@") });
});

test("[G80] the older one where only that loads", () => {
  const load = loading({
    "@btc-vision/uwebsockets.js": "unsupported\n\nError: version `GLIBC_2.38' not found",
    "@trufflesuite/uws-js-unofficial": native,
  });
  expect(loadUws(load)).toMatchObject({ build: expect.stringContaining("@trufflesuite/uws-js-unofficial@") });
});

test("[G80] a package that falls back to JavaScript does not count as loaded", () => {
  const load = loading({
    "@btc-vision/uwebsockets.js": "unsupported\n\nError: version `GLIBC_2.38' not found",
    "@trufflesuite/uws-js-unofficial": fallback,
  });
  expect(loadUws(load)).toEqual({
    reasons: [
      "@btc-vision/uwebsockets.js: Error: version `GLIBC_2.38' not found",
      "@trufflesuite/uws-js-unofficial: is not native on this machine",
    ],
  });
});

test("[G80] in production the start is refused without a native build, unless that is allowed", () => {
  const none = loading({});
  const choose = (production: boolean, allowSlow: boolean) => chooseListen({ production, allowSlow, log, load: none });
  expect(() => choose(true, false)).toThrow(NoNativeServer);
  expect(() => choose(true, false)).toThrow(/no build of uWebSockets.js loads natively/);
  expect(choose(true, true)).toBeTypeOf("function");
  expect(choose(false, false)).toBeTypeOf("function");
});
