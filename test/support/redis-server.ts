import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RedisServer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * A `redis-server` on a free port of 127.0.0.1 that keeps nothing on disk.
 *
 * @param command what starts it, with the arguments that come before those of redis-server
 */
export async function startRedisServer(
  args: string[] = [],
  onPort?: number,
  [command = "", ...before]: readonly string[] = ["redis-server"],
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-redis-"));
  const port = onPort ?? (await freePort());
  const child = spawn(
    command,
    [
      ...before,
      "--port",
      `${port}`,
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      folder,
      ...args,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const orphaned = () => child.kill("SIGKILL");
  process.once("exit", orphaned);
  await untilItSays(child, "Ready to accept connections");
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await gone;
      }
      process.off("exit", orphaned);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A Redis that restarts at the same address, either empty or with all data that it acknowledged. */
export class RestartableRedis {
  readonly #keepsData: boolean;
  readonly #syncs: boolean;
  #folder: string | undefined;
  #port: number | undefined;
  #server: RedisServer | undefined;

  /** @param syncs whether every write waits for the disk; without, a Redis that is killed may lose some, one that is stopped does not */
  constructor({ keepsData = false, syncs = true } = {}) {
    this.#keepsData = keepsData;
    this.#syncs = syncs;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  async start(): Promise<void> {
    this.#port ??= await freePort();
    this.#server = await startRedisServer(await this.#persistence(), this.#port);
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** Accepts connections but does not answer, like a hanging machine or a network that drops all packets. */
  freeze(): void {
    this.#signal("SIGSTOP");
  }

  thaw(): void {
    this.#signal("SIGCONT");
  }

  /** Stops the server and removes its data. */
  async dispose(): Promise<void> {
    await this.stop();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }

  #signal(signal: "SIGSTOP" | "SIGCONT"): void {
    if (this.#server === undefined) throw new Error("This Redis does not run");
    process.kill(this.#server.pid, signal);
  }

  async #persistence(): Promise<string[]> {
    if (!this.#keepsData) return [];
    this.#folder ??= await mkdtemp(join(tmpdir(), "tapedeck-redis-kept-"));
    return ["--appendonly", "yes", "--appendfsync", this.#syncs ? "always" : "no", "--dir", this.#folder];
  }
}

function untilItSays(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(words)) resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`redis-server ended with ${code}: ${said}`)));
  });
}

/** Below those that a system gives to outgoing connections: one of those could take the port of a Redis that restarts. */
const ports = { from: 10_000, to: 32_000 } as const;

/** A port that was free a moment ago: Redis cannot choose one itself and report it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = ports.from + Math.floor(Math.random() * (ports.to - ports.from));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
