import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { chart } from "./helm.js";

// What can be said of the chart without Helm, so that a machine without it finds the most common mistakes too.

const read = (path: string) => readFileSync(join(chart, path), "utf8");
const map = z.record(z.string(), z.unknown());
const schema = map.parse(JSON.parse(read("values.schema.json")));
const valid = new Ajv({ allowUnionTypes: true }).compile(schema);
const problemsOf = (values: unknown) => (valid(values) ? [] : valid.errors);
const defaults = map.parse(parse(read("values.yaml")));

test("[DP40] the chart and the images that it runs have the product's version", () => {
  const { version } = z.looseObject({ version: z.string() }).parse(JSON.parse(read("../../../package.json")));
  expect(parse(read("Chart.yaml"))).toMatchObject({ name: "tapedeck", version, appVersion: version });
});

test("[DP40] the schema accepts the defaults and each example", () => {
  expect(problemsOf(defaults)).toEqual([]);
  const examples = readdirSync(join(chart, "examples"));
  expect(examples).toContain("production.yaml");
  for (const example of examples) {
    const values = map.parse(parse(read(`examples/${example}`)));
    const merged = Object.entries(values).map(([name, value]) => [
      name,
      { ...map.parse(defaults[name]), ...map.parse(value) },
    ]);
    expect(problemsOf({ ...defaults, ...Object.fromEntries(merged) }), example).toEqual([]);
  }
});

test("[DP40] a misspelled value is refused at any level", () => {
  const objects = Object.keys(defaults).filter((name) => typeof defaults[name] === "object");
  const misspelled = { replica: 1 };
  const refused = [{ params: { additionalProperty: "replica" } }];
  for (const name of objects) {
    expect(problemsOf({ ...defaults, [name]: { ...map.parse(defaults[name]), ...misspelled } }), name).toMatchObject(
      refused,
    );
  }
  expect(problemsOf({ ...defaults, ...misspelled })).toMatchObject(refused);
});

test("[DP40] a setting is text or a number, since YAML takes on and off for true and false", () => {
  const settings = (value: unknown) => problemsOf({ ...defaults, settings: { LEGACY_MODE_GUESS: value } });
  expect(settings("on")).toEqual([]);
  expect(settings(1)).toEqual([]);
  expect(settings(true)).toMatchObject([{ message: "must be string,number" }]);
});

test("[DP47] every value that the guide names exists in the chart", () => {
  const guide = read("../../../docs/kubernetes.md");
  const [, section = ""] = /^## With Helm$([\s\S]*?)^## /m.exec(guide) ?? [];
  const named = [...section.matchAll(/`([a-zA-Z\d]+(?:\.[a-zA-Z\d]+)+)(?::[^`]*)?`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(15);
  const missing = named.filter((path) => {
    const keys = path.replace("SERVICE", "api").split(".");
    return keys.reduce((value: unknown, key) => map.safeParse(value).data?.[key], defaults) === undefined;
  });
  // A ticker has no target of CPU until one is set.
  expect(missing).toEqual(["ticker.autoscaling.cpuPercent"]);
});
