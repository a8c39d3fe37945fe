import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const imageNames = ["api", "gateway", "ticker", "feed", "venue", "cli"] as const;
export type ImageName = (typeof imageNames)[number];

const ready = z.object({ type: z.literal("ready"), url: z.string() });
const map = z.object({ sources: z.array(z.string()) });
const bill = z.object({
  metadata: z.object({ component: z.object({ "bom-ref": z.string() }) }),
  components: z.array(z.object({ "bom-ref": z.string(), purl: z.string(), licenses: z.array(z.unknown()).nonempty() })),
});
const manifest = z.object({ name: z.string(), version: z.string() });

/** What the Dockerfile copies into each image, made without Docker, outside the repository. */
export class ImageFolders {
  readonly #folder: string;
  readonly #processes: ChildProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<ImageFolders> {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-images-"));
    await promisify(execFile)(process.execPath, ["scripts/bundle-images.mjs", folder], { cwd: root });
    return new ImageFolders(folder);
  }

  of(image: ImageName): string {
    return join(this.#folder, image);
  }

  async files(image: ImageName): Promise<string[]> {
    const entries = await readdir(this.of(image), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  }

  /** Where the code of an image comes from, as paths of the repository: what its source maps name, and its other files. */
  async sources(image: ImageName): Promise<string[]> {
    const found = new Set<string>();
    for (const file of await this.files(image)) {
      if (!file.endsWith(".js.map")) found.add(file.slice(this.of(image).length + 1));
      else {
        const { sources } = map.parse(JSON.parse(await readFile(file, "utf8")));
        for (const source of sources) found.add(resolve(file, "..", source).slice(root.length));
      }
    }
    return [...found].sort();
  }

  async bill(image: ImageName): Promise<z.infer<typeof bill>> {
    return bill.parse(JSON.parse(await readFile(join(this.of(image), "sbom.cdx.json"), "utf8")));
  }

  /** Starts a process as its image does, and waits until it is ready. */
  async start(image: ImageName, env: Readonly<Record<string, string>>): Promise<{ url: string; log: () => string }> {
    const child = fork(`services/${image}/dist/main.js`, {
      cwd: this.of(image),
      execArgv: ["--enable-source-maps"],
      env: { NODE_ENV: "production", HOST: "127.0.0.1", PORT: "0", ...env },
      silent: true,
    });
    this.#processes.push(child);
    let log = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (bytes: Buffer) => (log += bytes));
    const [message] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(() => Promise.reject(new Error(`${image} ended before it was ready: ${log}`))),
    ]);
    return { url: ready.parse(message).url, log: () => log };
  }

  async remove(): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        if (child.exitCode === null && child.kill("SIGKILL")) await once(child, "exit");
      }),
    );
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/**
 * The package that a file of the repository belongs to, as `name@version`; undefined for a file of none, and for one that another package
 * has bundled: that package's source maps name folders that are not installed here.
 */
export async function packageOf(path: string): Promise<string | undefined> {
  const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+|^(?:packages|services)\/[^/]+/.exec(path) ?? [];
  if (folder === undefined) return undefined;
  const file = join(root, folder, "package.json");
  if (!existsSync(file)) return undefined;
  const { name, version } = manifest.parse(JSON.parse(await readFile(file, "utf8")));
  return `${name}@${version}`;
}
