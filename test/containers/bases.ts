import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { output, works } from "./command.js";
import { debianMirror } from "./debian.js";
import { type Engine, install, NoEngine } from "./engine.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const stands = fileURLToPath(new URL("bases", import.meta.url));

const kinds = ["node", "haproxy", "redis"] as const;
export type Base = (typeof kinds)[number];

/** In the tag of what is made, so that a changed recipe is made anew. */
const recipe = createHash("sha256")
  .update(readFileSync(join(stands, "Dockerfile")))
  .digest("hex")
  .slice(0, 8);

/** The base images: the official ones, or stand-ins if they cannot be pulled. */
export class Bases {
  readonly images: Readonly<Record<Base, string>>;
  /** What had to be made here. */
  readonly made: readonly string[];

  static async of(engine: Engine): Promise<Bases> {
    const official = await officialImages();
    const had = await Promise.all(kinds.map(async (kind) => [kind, await hasOrPulls(engine, official[kind])] as const));
    const absent = had.filter(([, there]) => !there).map(([kind]) => kind);
    const maker = new Maker(engine, official.node);
    const made = Object.fromEntries(absent.map((kind) => [kind, maker.tag(kind)]));
    if (absent.length > 0) await maker.make(absent);
    return new Bases({ ...official, ...made }, Object.values(made));
  }

  private constructor(images: Record<Base, string>, made: readonly string[]) {
    this.images = images;
    this.made = made;
  }
}

/** As the Dockerfile and docker-compose.yml name them. */
async function officialImages(): Promise<Record<Base, string>> {
  const compose = await readFile(join(root, "docker-compose.yml"), "utf8");
  const dockerfile = await readFile(join(root, "Dockerfile"), "utf8");
  const named = (text: string, pattern: RegExp): string => {
    const [, image] = pattern.exec(text) ?? [];
    if (image === undefined) throw new Error(`nothing matches ${pattern}`);
    return image;
  };
  return {
    node: named(dockerfile, /^ARG NODE_IMAGE=(\S+)$/m),
    haproxy: named(compose, /^ +image: (haproxy:\S+)$/m),
    redis: named(compose, /^ +image: (redis:\S+)$/m),
  };
}

async function hasOrPulls({ env }: Engine, image: string): Promise<boolean> {
  if (await works("docker", ["image", "inspect", image], { env })) return true;
  return works("docker", ["pull", "--quiet", image], { env, timeoutMs: 180_000 });
}

/** Builds stand-ins from Debian packages, and Node from npm's. They stay in the engine for the next run. */
class Maker {
  readonly #env: NodeJS.ProcessEnv;
  readonly #nodeVersion: string;

  constructor({ env }: Engine, nodeImage: string) {
    this.#env = env;
    const [, version] = /:(\d+\.\d+\.\d+)/.exec(nodeImage) ?? [];
    if (version === undefined) throw new Error(`${nodeImage} has no version of Node`);
    this.#nodeVersion = version;
  }

  tag(kind: Base): string {
    const version = kind === "node" ? this.#nodeVersion : "debian13";
    return `tapedeck-test/${kind}:${version}-${recipe}`;
  }

  async make(all: readonly Base[]): Promise<void> {
    const there = await Promise.all(
      all.map((kind) => works("docker", ["image", "inspect", this.tag(kind)], this.#options)),
    );
    const wanted = all.filter((_, nth) => !there[nth]);
    if (wanted.length === 0) return;
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-bases-"));
    try {
      const debian = await this.#debian(folder);
      const context = join(folder, "context");
      await cp(stands, context, { recursive: true });
      await mkdir(join(context, "node"));
      if (wanted.includes("node")) await this.#node(folder, join(context, "node"));
      for (const kind of wanted) {
        const args = ["build", "--quiet", "--target", kind, "--tag", this.tag(kind), "--build-arg", `DEBIAN=${debian}`];
        await output("docker", [...args, context], this.#options);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** A smallest Debian 13. */
  async #debian(folder: string): Promise<string> {
    const tag = "tapedeck-test/debian:trixie";
    if (await works("docker", ["image", "inspect", tag], this.#options)) return tag;
    if (process.platform !== "linux" || process.getuid?.() !== 0) {
      throw new NoEngine(
        "images cannot be pulled, and only root on Linux can build stand-ins: check `docker pull node`",
      );
    }
    if (!(await works("debootstrap", ["--version"]))) await install("debootstrap");
    const mirror = await debianMirror();
    const files = join(folder, "debian");
    await output("debootstrap", ["--variant=minbase", "trixie", files, ...(mirror === undefined ? [] : [mirror])]);
    const tar = join(folder, "debian.tar");
    await output("tar", ["-C", files, "--exclude", "./var/cache/apt/archives/*.deb", "-cf", tar, "."]);
    await output("docker", ["import", tar, tag], this.#options);
    return tag;
  }

  /** Node and npm at the paths of the official image. npm reads the user's configuration. */
  async #node(folder: string, target: string): Promise<void> {
    const binary = `node-linux-${arch()}`;
    const packages = join(folder, "packages");
    await mkdir(packages);
    await output("npm", [
      "install",
      "--prefix",
      packages,
      "--no-save",
      "--force",
      `${binary}@${this.#nodeVersion}`,
      "npm@11",
    ]);
    await cp(join(packages, "node_modules", binary, "bin/node"), join(target, "bin/node"));
    await cp(join(packages, "node_modules/npm"), join(target, "lib/node_modules/npm"), { recursive: true });
  }

  get #options() {
    return { env: this.#env };
  }
}
