import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createLogger } from "@tapedeck/runtime";
import pino from "pino";
import { afterEach, expect, test } from "vitest";
import { chooseServer, NoNativeServer } from "./choose-server.js";
import { binaryOf, loadUws } from "./load-uws.js";

const log = createLogger({ service: "gateway", node: "test", level: "silent" });
const real = createRequire(import.meta.url);
const lines: Record<string, unknown>[] = [];
const formatters = { level: (level: string) => ({ level }) };
const listening = pino({ formatters }, { write: (line: string) => void lines.push(JSON.parse(line)) });
const undo: (() => void)[] = [];
afterEach(() => {
  lines.length = 0;
  for (const step of undo.splice(0)) step();
});

/** Loads these packages; a string is the error of a package that does not load. */
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
const binary = { name: "node_modules/x/uws.node", sha256: "0".repeat(64), known: true };
const loadFrom = (packages: Record<string, unknown>) => loadUws({ load: loading(packages), binary: () => binary });

test("[G80] the newer build is chosen if it loads", () => {
  const packages = { "@btc-vision/uwebsockets.js": native, "@trufflesuite/uws-js-unofficial": native };
  expect(loadFrom(packages)).toMatchObject({
    uws: native,
    build: expect.stringContaining("@btc-vision/uwebsockets.js@"),
  });
});

test("[G80] the older build is chosen if only that one loads", () => {
  const packages = {
    "@btc-vision/uwebsockets.js": "unsupported\n\nError: version `GLIBC_2.38' not found",
    "@trufflesuite/uws-js-unofficial": native,
  };
  expect(loadFrom(packages)).toMatchObject({ build: expect.stringContaining("@trufflesuite/uws-js-unofficial@") });
});

test("[G80] a package that falls back to JavaScript does not count as loaded", () => {
  const packages = {
    "@btc-vision/uwebsockets.js": "unsupported\n\nError: version `GLIBC_2.38' not found",
    "@trufflesuite/uws-js-unofficial": fallback,
  };
  expect(loadFrom(packages)).toEqual({
    reasons: [
      "@btc-vision/uwebsockets.js: Error: version `GLIBC_2.38' not found",
      "@trufflesuite/uws-js-unofficial: is not native on this machine",
    ],
  });
});

test("[G80] in production a gateway without a native build does not start unless ALLOW_SLOW_UWS is on", () => {
  const uws = { load: loading({}), binary: () => binary };
  const choose = (production: boolean, allowSlow: boolean) => chooseServer({ production, allowSlow, log, uws });
  expect(() => choose(true, false)).toThrow(NoNativeServer);
  expect(() => choose(true, false)).toThrow(/no build of uWebSockets.js loads natively/);
  expect(choose(true, true)).toBeTypeOf("function");
  expect(choose(false, false)).toBeTypeOf("function");
});

/** Packages as npm installs them, with this binary. */
function installed(content: Buffer): { resolve: (build: string) => string; loaded: string[]; load: NodeJS.Require } {
  const folder = mkdtempSync(join(tmpdir(), "tapedeck-uws-"));
  undo.push(() => rmSync(folder, { recursive: true }));
  const file = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  const resolve = (build: string): string => join(folder, "node_modules", build, "uws.js");
  for (const build of ["@btc-vision/uwebsockets.js", "@trufflesuite/uws-js-unofficial"]) {
    mkdirSync(dirname(resolve(build)), { recursive: true });
    writeFileSync(join(dirname(resolve(build)), file), content);
  }
  const loaded: string[] = [];
  const load = (name: string): unknown => {
    loaded.push(name);
    return native;
  };
  return { resolve, loaded, load: Object.assign(load, real) };
}

test("[G96] a binary with one changed bit is not loaded", () => {
  const build = "@btc-vision/uwebsockets.js";
  const published = binaryOf(real.resolve, build);
  expect(published?.known).toBe(true);
  const content = readFileSync(join(dirname(real.resolve(build)), "..", "..", "..", published?.name ?? ""));
  const exchanged = Buffer.from(content);
  exchanged[exchanged.length - 1] = (exchanged.at(-1) ?? 0) ^ 1;
  for (const [bytes, known] of [
    [content, true],
    [exchanged, false],
  ] as const) {
    const { resolve, load, loaded } = installed(bytes);
    const found = loadUws({ load, binary: (each) => binaryOf(resolve, each) });
    expect([known, "uws" in found, loaded.filter((name) => name === build)]).toEqual([
      known,
      known,
      known ? [build] : [],
    ]);
    if ("reasons" in found) expect(found.reasons[0]).toMatch(/uws_\S+\.node has the unknown SHA-256 [0-9a-f]{64}, so/);
  }
});

test("[G96] production refuses an unknown binary and says what to do, and loads it with a warning if ALLOW_UNKNOWN_UWS is on", () => {
  const { resolve, load } = installed(Buffer.from("another author's"));
  const binary = (build: string) => binaryOf(resolve, build);
  const choose = (allowUnknown: boolean) =>
    chooseServer({ production: true, allowSlow: false, log: listening, uws: { load, binary, allowUnknown } });
  expect(() => choose(false)).toThrow(/unknown SHA-256 [0-9a-f]{64}[\s\S]*ALLOW_UNKNOWN_UWS=1/);
  expect(lines).toEqual([]);
  expect(choose(true).server).toContain("@btc-vision/uwebsockets.js");
  expect(lines).toMatchObject([
    {
      level: "warn",
      known: false,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      msg: expect.stringContaining("not"),
    },
  ]);
});

const here = loadUws({});
if ("reasons" in here)
  process.stderr.write(`\nSKIPPED: the binary in the log, since none loads here: ${here.reasons.join("; ")}\n\n`);
test.skipIf("reasons" in here)(
  "[G96] the log of a gateway names its binary and says that it is the published one",
  () => {
    chooseServer({ production: false, allowSlow: false, log: listening });
    const name = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
    expect(lines).toMatchObject([
      {
        level: "info",
        name: expect.stringContaining(name),
        known: true,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
  },
);
