import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { serviceNames } from "./settings.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("[DP10] operations.md and security.md name every setting of every service", () => {
  const sources = ["packages/runtime/src/node/settings.ts", "packages/access/src/config.ts"];
  sources.push(...serviceNames.map((service) => `services/${service}/src/config.ts`));
  const settings = sources.flatMap((path) =>
    [...read(path).matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name]) => name),
  );
  expect(settings.length).toBeGreaterThan(60);
  const pages = read("docs/operations.md") + read("docs/security.md");
  expect(settings.filter((name) => !new RegExp(`\`${name}\\b`).test(pages))).toEqual([]);
});
