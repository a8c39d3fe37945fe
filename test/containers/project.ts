import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { keysWith } from "@tapedeck/sessions";
import { z } from "zod";
import { Http } from "../support/http.js";
import { freePort } from "../support/redis-server.js";
import { Viewer, type ViewerOptions } from "../support/viewer.js";
import type { BalancedCluster, TapeSource } from "../support/watched-sessions.js";
import type { Base } from "./bases.js";
import { buildSecrets } from "./build-secrets.js";
import { output } from "./command.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const targets = {
  api: "api",
  gateway: "gateway",
  venue: "venue",
  ticker: "ticker",
  feed: "feed",
  demo: "cli",
  tapedeck: "cli",
} as const;
const services = ["redis", "feed", "ticker", "gateway", "venue", "api", "balancer"] as const;
export type ServiceName = (typeof services)[number];

export interface ContainerEngine {
  readonly env: NodeJS.ProcessEnv;
  readonly images: Readonly<Record<Base, string>>;
}

/** What a person adds: to `.env`, files beside docker-compose.yml, and to single services in a file of their own. */
export interface Adjustment {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly services?: Readonly<Record<string, object>>;
}

const container = z.looseObject({
  ID: z.string(),
  Service: z.string(),
  State: z.string(),
  Health: z.string().default(""),
});

/**
 * docker-compose.yml as it stands, run under a name, a network and ports of its own. What differs is in an override file: where
 * images come from, and a way for the test to look into Redis and the tapes.
 */
export class ComposeProject implements BalancedCluster, TapeSource {
  readonly url: string;
  readonly redisUrl: string;
  readonly keys = keysWith("tapedeck");
  readonly tapes: { readonly folder: string };
  readonly balanced: Http;
  readonly name: string;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #bases: Readonly<Record<Base, string>>;
  readonly #viewers: Viewer[] = [];
  #tag = "current";
  #secrets: Readonly<Record<string, string>> = {};
  #adjusted: Adjustment = {};

  static async create(engine: ContainerEngine): Promise<ComposeProject> {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-compose-"));
    const [port, redisPort] = [await freePort(), await freePort()];
    return new ComposeProject(engine, { folder, port, redisPort });
  }

  private constructor(
    { env, images }: ContainerEngine,
    { folder, port, redisPort }: { folder: string; port: number; redisPort: number },
  ) {
    const id = randomBytes(4);
    this.name = `tapedeck-test-${id.toString("hex")}`;
    this.url = `http://127.0.0.1:${port}`;
    this.redisUrl = `redis://127.0.0.1:${redisPort}`;
    this.tapes = { folder: join(folder, "tapes") };
    this.balanced = new Http([this.url]);
    this.#folder = folder;
    this.#bases = images;
    this.#env = {
      ...env,
      COMPOSE_PROJECT_NAME: this.name,
      COMPOSE_PATH_SEPARATOR: ":",
      COMPOSE_PROGRESS: "plain",
      PORT: `${port}`,
      // One of some ten thousand networks, so that projects can stand side by side.
      TAPEDECK_SUBNET: `10.${200 + ((id[0] ?? 0) % 50)}.${id[1] ?? 0}.0/24`,
    };
  }

  /** Builds the images; once more under another tag, they are the next release. */
  async build(): Promise<void> {
    await mkdir(this.tapes.folder);
    await chmod(this.tapes.folder, 0o777); // services are another user than this
    this.#secrets = await buildSecrets(this.#folder);
    await this.#write();
    await this.compose("build");
  }

  /** The next release: other images, of which nothing runs yet. */
  async release(tag: string): Promise<void> {
    for (const target of new Set(Object.values(targets))) {
      const file = join(this.#folder, "next.Dockerfile");
      await writeFile(file, `FROM ${this.#image(target, "current")}\nLABEL org.opencontainers.image.version=${tag}\n`);
      const args = ["build", "--quiet", "--tag", this.#image(target, tag), "--file", file, this.#folder];
      await this.docker(...args);
    }
    this.#tag = tag;
    await this.#write();
  }

  /** By which a person would have `docker compose` speak to this project. */
  get env(): NodeJS.ProcessEnv {
    const { env, files = [] } = this.#adjusted;
    const paths = ["docker-compose.yml", ...files].map((file) => join(root, file));
    return { ...this.#env, ...env, COMPOSE_FILE: [...paths, join(this.#folder, "override.yml")].join(":") };
  }

  /** From now on other settings hold than docker-compose.yml alone has; nothing is started anew yet. */
  async adjust(adjusted: Adjustment): Promise<void> {
    this.#adjusted = adjusted;
    await this.#write();
  }

  compose(...args: readonly string[]): Promise<string> {
    return output("docker", ["compose", ...args], { env: this.env, cwd: root });
  }

  docker(...args: readonly string[]): Promise<string> {
    return output("docker", args, { env: this.env, cwd: root });
  }

  script(path: string, ...args: readonly string[]): Promise<string> {
    return output(join(root, path), args, { env: this.env, cwd: tmpdir() });
  }

  /** Starts what is not there, and waits until it serves. */
  async up(...args: readonly string[]): Promise<void> {
    await this.compose("up", "--detach", "--no-build", "--quiet-pull", ...args);
    await this.serves();
  }

  /** Waits for the balancer to have an api and a gateway to send anyone to, and for all that has a health to be well. */
  async serves(ms = 90_000): Promise<void> {
    await this.until(async () => (await this.answers("/health/ready")) !== undefined, "an api", ms);
    await this.until(async () => (await this.of("balancer"))[0]?.health === "healthy", "a healthy balancer", ms);
  }

  /** What is answered with 200, if anything is within two seconds: a request may get lost while a container comes up. */
  async answers(path: string): Promise<string | undefined> {
    try {
      const answer = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(2_000) });
      return answer.ok ? await answer.text() : undefined;
    } catch {
      return undefined;
    }
  }

  /** A service's containers that run. */
  async of(service: ServiceName): Promise<{ id: string; health: string }[]> {
    const lines = (await this.compose("ps", "--format", "json", service)).split("\n").filter((line) => line !== "");
    return lines.map((line) => container.parse(JSON.parse(line))).map(({ ID: id, Health: health }) => ({ id, health }));
  }

  /** Kills the main process of a container as the kernel would, so that the restart policy counts it as a crash. */
  async kill(service: ServiceName): Promise<void> {
    const [first] = await this.of(service);
    if (first === undefined) throw new Error(`no ${service} runs`);
    const pid = await this.docker("inspect", "--format", "{{.State.Pid}}", first.id);
    const args = ["run", "--rm", "--pid", "host", "--user", "0", "--entrypoint", "/bin/sh", this.#bases.redis];
    await this.docker(...args, "-c", `kill -KILL ${pid}`);
  }

  async watch(sessionId: string, options: Partial<ViewerOptions>): Promise<Viewer> {
    const viewer = await Viewer.watch({ gateways: [this.url], sessionId, ...options });
    this.#viewers.push(viewer);
    return viewer;
  }

  /** Polls a condition. */
  async until(check: () => Promise<boolean>, what: string, ms = 60_000): Promise<void> {
    const deadline = performance.now() + ms;
    while (!(await check())) {
      if (performance.now() > deadline)
        throw new Error(`${what} did not happen within ${ms} ms: ${await this.compose("ps")}`);
      await sleep(100);
    }
  }

  /** What the containers said, for a test that failed. */
  logs(): Promise<string> {
    return this.compose("logs", "--no-color", "--tail", "40");
  }

  async remove(): Promise<void> {
    await Promise.all(this.#viewers.map((viewer) => viewer.close()));
    await this.compose("--profile", "*", "down", "--volumes", "--timeout", "1");
    // By their names: what bears another's name too stays.
    const images = await this.docker("images", "--format", "{{.Repository}}:{{.Tag}}", `${this.name}/*`);
    if (images !== "") await this.docker("image", "rm", ...images.split("\n"));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #image(target: string, tag: string): string {
    return `${this.name}/${target}:${tag}`;
  }

  async #write(): Promise<void> {
    const { node, haproxy, redis } = this.#bases;
    const ours = Object.entries(targets).map(([service, target]) => {
      const build = { args: { NODE_IMAGE: node }, secrets: Object.keys(this.#secrets) };
      return [service, { image: this.#image(target, this.#tag), build }] as const;
    });
    const services: Record<string, object> = {
      ...Object.fromEntries(ours),
      balancer: { image: haproxy },
      redis: { image: redis, ports: [`127.0.0.1:${new URL(this.redisUrl).port}:6379`] },
    };
    for (const [name, more] of Object.entries(this.#adjusted.services ?? {}))
      services[name] = { ...services[name], ...more };
    const override = {
      services,
      volumes: { tapes: { driver_opts: { type: "none", o: "bind", device: this.tapes.folder } } },
      secrets: Object.fromEntries(Object.entries(this.#secrets).map(([name, file]) => [name, { file }])),
    };
    // JSON is YAML.
    await writeFile(join(this.#folder, "override.yml"), JSON.stringify(override, undefined, 2));
  }
}
