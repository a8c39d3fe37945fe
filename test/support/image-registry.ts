import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { freePort } from "./redis-server.js";
import { soon } from "./soon.js";

const needed = [
  ["docker-registry", "--version"],
  ["docker", "buildx", "version"],
] as const;
const missing = needed.filter(([program, ...args]) => spawnSync(program, args).status !== 0);

/** Whether a registry of images can be started and asked here; a Docker engine is not needed for it. */
export const imageRegistryIsThere = missing.length === 0;
if (!imageRegistryIsThere) {
  const names = missing.map((command) => command.filter((word) => !/version/.test(word)).join(" ")).join(" and ");
  process.stderr.write(`SKIPPED: tests of the digests of base images, because ${names} is not installed.\n`);
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const config = "{}";

/** Docker's own registry on a free port of 127.0.0.1. */
export class ImageRegistry {
  readonly host: string;
  readonly stop: () => Promise<void>;

  private constructor(host: string, stop: () => Promise<void>) {
    this.host = host;
    this.stop = stop;
  }

  static async start(): Promise<ImageRegistry> {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-registry-"));
    const host = `127.0.0.1:${await freePort()}`;
    const settings = { version: 0.1, storage: { filesystem: { rootdirectory: folder } }, http: { addr: host } };
    await writeFile(join(folder, "config.yml"), JSON.stringify(settings));
    const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], { stdio: "ignore" });
    await vi.waitFor(() => fetch(`http://${host}/v2/`), soon);
    return new ImageRegistry(host, async () => {
      if (child.exitCode === null && child.kill()) await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
    });
  }

  /** Puts an image without layers under a tag; what differs in `annotation` is another image. Answers its digest. */
  async push(name: string, tag: string, annotation: string): Promise<string> {
    const base = `http://${this.host}/v2/${name}`;
    const upload = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
    const place = new URL(upload.headers.get("location") ?? "", base);
    place.searchParams.set("digest", digestOf(config));
    await fetch(place, { method: "PUT", body: config, headers: { "Content-Type": "application/octet-stream" } });
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf(config), size: config.length },
      layers: [],
      annotations: { test: annotation },
    });
    const put = { method: "PUT", body: manifest, headers: { "Content-Type": manifestType } };
    const { status } = await fetch(`${base}/manifests/${tag}`, put);
    if (status !== 201) throw new Error(`the registry answered ${status} to ${name}:${tag}`);
    return digestOf(manifest);
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
