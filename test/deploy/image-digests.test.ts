import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ImageRegistry, imageRegistryIsThere } from "../support/image-registry.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

describe.skipIf(!imageRegistryIsThere)("npm run images:digests", () => {
  let folder: string;
  let registry: ImageRegistry;
  beforeAll(async () => {
    registry = await ImageRegistry.start();
    folder = await mkdtemp(join(tmpdir(), "tapedeck-digests-"));
    for (const name of ["Dockerfile", "docker-compose.yml", "k8s"]) {
      await cp(join(root, name), join(folder, name), { recursive: true });
    }
    // Every base as it is named, at a registry that can be reached.
    for (const file of await deployed()) {
      const text = await readFile(file, "utf8");
      const elsewhere = text.replace(/(^ARG NODE_IMAGE=|^\s*(?:- )?image: )(?!tapedeck\/)/gm, `$1${registry.host}/`);
      await writeFile(file, elsewhere.replace(/@sha256:[0-9a-f]{64}/g, ""));
    }
  });
  afterAll(async () => {
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function deployed(): Promise<string[]> {
    const entries = await readdir(folder, { recursive: true });
    return entries.filter((name) => /Dockerfile$|\.ya?ml$/.test(name)).map((name) => join(folder, name));
  }

  /** Each image of others that the files name, without the registry, with what stands behind its tag. */
  async function bases(): Promise<Map<string, Set<string>>> {
    const found = new Map<string, Set<string>>();
    for (const file of await deployed()) {
      const named = (await readFile(file, "utf8")).matchAll(new RegExp(`${registry.host}/([^\\s@]+)(?:@(\\S+))?`, "g"));
      for (const [, image = "", digest = ""] of named) found.set(image, (found.get(image) ?? new Set()).add(digest));
    }
    return found;
  }

  const renew = () => run(process.execPath, ["scripts/image-digests.mjs", folder], { cwd: root });

  test("[DP16] if a digest is unknown, no file changes", async () => {
    const before = await bases();
    await expect(renew()).rejects.toThrow(/The digest of \S+ is not known/);
    expect(await bases()).toEqual(before);
    expect([...before.keys()].map((image) => image.split(":")[0]).sort()).toEqual(
      ["grafana/grafana", "haproxy", "node", "prom/prometheus", "redis"].sort(),
    );
  });

  test("[DP16] each base image gets the registry's digest for its tag, and a later run updates it", async () => {
    for (const build of ["first", "second"]) {
      const pushed = new Map<string, Set<string>>();
      for (const image of (await bases()).keys()) {
        const [name = "", tag = ""] = image.split(":");
        pushed.set(image, new Set([await registry.push(name, tag, build)]));
      }
      await renew();
      expect(await bases()).toEqual(pushed);
    }
  });
});
