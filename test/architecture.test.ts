import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";

// The arrows of docs/architecture.md: services import packages, packages never services, services never one another;
// protocol, market and matching do no I/O.
const root = fileURLToPath(new URL("..", import.meta.url));

describe("the linter refuses", () => {
  let copy: string;

  beforeEach(async () => {
    copy = await mkdtemp(join(tmpdir(), "tapedeck-arrows-"));
    const config = z.looseObject({}).parse(JSON.parse(readFileSync(join(root, "biome.json"), "utf8")));
    await writeFile(join(copy, "biome.json"), JSON.stringify({ ...config, $schema: undefined, vcs: undefined }));
  });
  afterEach(async () => {
    await rm(copy, { recursive: true, force: true });
  });

  /** The rules that a file breaks when it lies at `path`. */
  async function broken(path: string, source: string): Promise<string[]> {
    await mkdir(dirname(join(copy, path)), { recursive: true });
    await writeFile(join(copy, path), source);
    const biome = join(root, "node_modules", ".bin", "biome");
    const { stdout } = spawnSync(biome, ["lint", "--reporter=json", "."], { cwd: copy, encoding: "utf8" });
    const report = z.object({ diagnostics: z.array(z.looseObject({ category: z.string() })) });
    return report.parse(JSON.parse(stdout)).diagnostics.map(({ category }) => category.replace(/^lint\/\w+\//, ""));
  }

  const wrong: [what: string, path: string, source: string][] = [
    ["a package that imports a service", "packages/tape/src/a.ts", `export { x } from "@tapedeck/gateway";`],
    ["a service that imports another", "services/api/src/a.ts", `export { x } from "@tapedeck/ticker";`],
    ["a type of another service", "services/api/src/a.ts", `export type { X } from "@tapedeck/ticker";`],
    ["a service imported on the way", "services/api/src/a.ts", `export const x = await import("@tapedeck/gateway");`],
    ["a path into another package", "packages/tape/src/a.ts", `export { x } from "../../sessions/src/record.js";`],
    ["a path into a service", "packages/cli/src/a/b.ts", `export { x } from "../../../../services/api/dist/main.js";`],
    ["files in protocol", "packages/protocol/src/a.ts", `export { readFile } from "node:fs";`],
    ["Redis in market", "packages/market/src/a.ts", `export { Redis } from "ioredis";`],
    ["a tape in matching", "packages/matching/src/a.ts", `export { x } from "@tapedeck/tape";`],
    ["files in matching", "packages/matching/src/a.ts", `export { readFile } from "node:fs";`],
    ["matching in market", "packages/market/src/a.ts", `export { x } from "@tapedeck/matching";`],
    ["runtime in market", "packages/market/src/a.ts", `export { interval } from "@tapedeck/runtime";`],
  ];
  test.each(wrong)("%s", async (_, path, source) => {
    expect(await broken(path, source)).toContain("noRestrictedImports");
  });

  test.each(["process.env", "fetch", "setTimeout"])("%s in protocol and matching", async (global) => {
    expect(await broken("packages/protocol/src/a.ts", `export const x = ${global};`)).toContain("noRestrictedGlobals");
    expect(await broken("packages/matching/src/a.ts", `export const x = ${global};`)).toContain("noRestrictedGlobals");
  });

  const right: [what: string, path: string, source: string][] = [
    ["a package by its name", "services/api/src/a.ts", `export { x } from "@tapedeck/sessions";`],
    ["a file of its own", "packages/tape/src/import/a.ts", `export { x } from "../tape.js";`],
    ["market in matching", "packages/matching/src/a.ts", `export { x } from "@tapedeck/market";`],
    ["protocol in market", "packages/market/src/a.ts", `export { x } from "@tapedeck/protocol";`],
  ];
  test.each(right)("but not %s", async (_, path, source) => {
    expect(await broken(path, source)).not.toContain("noRestrictedImports");
  });
});

test("a number names one rule of docs/spec", () => {
  const specs = readdirSync(join(root, "docs/spec")).map((file) => readFileSync(join(root, "docs/spec", file), "utf8"));
  const numbers = specs.flatMap((text) => [...text.matchAll(/^- \**(\[[A-Z]+\d+\])/gm)].map(([, number]) => number));
  expect(numbers.filter((number, at) => numbers.indexOf(number) !== at)).toEqual([]);
  expect(numbers.length).toBeGreaterThan(100);
});

describe("the sources", () => {
  const files = ["packages", "services"].flatMap((kind) =>
    readdirSync(join(root, kind)).flatMap((name) => {
      const folder = `${kind}/${name}/src`;
      return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => /\.tsx?$/.test(file) && !/\.(test|bench|contract|arbitrary)\.|testing/.test(file))
        .map((file) => `${folder}/${file}`);
    }),
  );

  test("list at most sixteen files in a folder", () => {
    const folders = new Map<string, number>();
    for (const file of files) folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + 1);
    expect(folders.size).toBeGreaterThan(50);
    expect([...folders].filter(([, count]) => count > 16)).toEqual([]);
  });

  test("have at most 450 lines in a file", () => {
    const long = files.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 451);
    // One segment's book, flow and incidents change the same state at every event.
    expect(long).toEqual(["packages/market/src/simulator/market-segment.ts"]);
  });
});

test("pages of docs name only files that exist", () => {
  const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).filter(
    (page) => page.endsWith(".md") && !page.startsWith("decisions/"),
  );
  const named = ["README.md", "CONTRIBUTING.md", ...pages.map((page) => `docs/${page}`)].flatMap((page) =>
    [
      ...readFileSync(join(root, page), "utf8").matchAll(
        /`((?:packages|services|test|scripts|k8s|deploy)\/[\w./-]+)`/g,
      ),
    ].map(([, path]) => `${page}: ${path}`),
  );
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((name) => !existsSync(join(root, name.split(": ")[1] ?? "")))).toEqual([]);
});

test("all packages, the chart and the production overlay have the version of the newest release in the changelog", () => {
  const text = (path: string) => readFileSync(join(root, path), "utf8");
  const [, released] = /^## (\d+\.\d+\.\d+) \(\d{4}-\d{2}-\d{2}\)$/m.exec(text("CHANGELOG.md")) ?? [];
  expect(released).toBeDefined();
  const workspaces = ["packages", "services"].flatMap((kind) =>
    readdirSync(join(root, kind)).map((name) => `${kind}/${name}/`),
  );
  for (const workspace of ["", ...workspaces]) {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(text(`${workspace}package.json`)));
    expect([workspace, version]).toEqual([workspace, released]);
  }
  const chart = text("deploy/helm/tapedeck/Chart.yaml");
  expect([/^version: (.+)$/m.exec(chart)?.[1], /^appVersion: "(.+)"$/m.exec(chart)?.[1]]).toEqual([released, released]);
  const images = [...text("k8s/overlays/production/kustomization.yaml").matchAll(/newTag: (\S+)/g)].map(([, tag]) =>
    tag?.replace(/ .*/, ""),
  );
  expect([...new Set(images)]).toEqual([released]);
});

describe("the manifests", () => {
  const manifest = z.object({ name: z.string(), dependencies: z.record(z.string(), z.string()).default({}) });
  const project = z.object({ references: z.array(z.object({ path: z.string() })).default([]) });
  const read = <T>(path: string, schema: z.ZodType<T>): T =>
    schema.parse(JSON.parse(readFileSync(join(root, path), "utf8")));
  const workspaces = ["packages", "services"].flatMap((kind) =>
    readdirSync(join(root, kind)).map((name) => {
      const { name: full, dependencies } = read(`${kind}/${name}/package.json`, manifest);
      const own = Object.keys(dependencies).filter((dependency) => dependency.startsWith("@tapedeck/"));
      return { kind, name, full, own, references: read(`${kind}/${name}/tsconfig.json`, project).references };
    }),
  );

  test("name no service", () => {
    const services = workspaces.filter(({ kind }) => kind === "services").map(({ full }) => full);
    for (const { own } of workspaces) expect(services.filter((service) => own.includes(service))).toEqual([]);
  });

  test("let protocol depend on no workspace, market on protocol alone, and matching on those", () => {
    const ownOf = (name: string) => workspaces.find((workspace) => workspace.full === name)?.own;
    expect(ownOf("@tapedeck/protocol")).toEqual([]);
    expect(ownOf("@tapedeck/market")).toEqual(["@tapedeck/protocol"]);
    expect(ownOf("@tapedeck/matching")).toEqual(["@tapedeck/market", "@tapedeck/protocol"]);
  });

  test.each(workspaces)("$full builds after all that it depends on", ({ own, references }) => {
    const names = references.map(({ path }) => `@tapedeck/${path.split("/").at(-1)}`);
    expect(names.sort()).toEqual([...own].sort());
  });
});
