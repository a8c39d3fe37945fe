import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isPermitted, licencesOf } from "../../scripts/licences.mjs";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tapedeck-licences-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An installed package. */
function installed(name: string, manifest: object): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, "package.json"), JSON.stringify({ name, version: "1.0.0", ...manifest }));
  writeFileSync(join(path, "LICENSE"), `The licence of ${name}`);
  return path;
}

test("[DP60] every third-party package is listed with its licence", () => {
  const text = licencesOf([
    installed("one", { license: "MIT" }),
    installed("two", { license: "(GPL-3.0-only OR ISC)" }),
  ]);
  expect(text).toContain("one 1.0.0\n\nThe licence of one\n");
  expect(text).toContain("two 1.0.0\n\nThe licence of two\n");
});

test.each([
  ["a licence that asks for the product's source", { license: "GPL-3.0-only" }, /"GPL-3\.0-only"/],
  ["no licence", {}, /names no licence/],
  ["words that are no licence", { license: "SEE LICENSE IN LICENSE" }, /"SEE LICENSE IN LICENSE"/],
  ["no rights at all", { license: "UNLICENSED" }, /"UNLICENSED"/],
  ["an object of an old form", { license: { type: "MIT" } }, /\{"type":"MIT"\}/],
])("[DP60] the build refuses a package with %s", (_, manifest, reason) => {
  const packages = [installed("good", { license: "MIT" }), installed("bad", manifest)];
  expect(() => licencesOf(packages)).toThrow(reason);
  expect(() => licencesOf(packages)).toThrow(
    /^The licence of bad 1\.0\.0 .* permit the licence in scripts\/licences\.mjs/,
  );
});

test.each([
  ["MIT", true],
  ["(MIT OR GPL-3.0-only)", true],
  ["GPL-3.0-only OR (ISC AND Apache-2.0)", true],
  ["MIT AND GPL-3.0-only", false],
  ["(MIT OR ISC) AND GPL-2.0", false],
  ["MIT OR", false],
  ["(MIT", false],
  ["MIT ISC", false],
  ["", false],
])("[DP60] of %j one choice and all parts count: %s", (expression, expected) => {
  expect(isPermitted(expression)).toBe(expected);
});
