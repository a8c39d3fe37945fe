import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./redis-server.js";

export const haproxyIsThere = spawnSync("haproxy", ["-v"]).status === 0;
if (!haproxyIsThere)
  process.stderr.write("SKIPPED: tests of the balancer of docker-compose.yml, because haproxy is not installed.\n");

const shipped = new URL("../../deploy/haproxy/haproxy.cfg", import.meta.url);

/** A service: where it serves, and where it is checked. */
export interface CheckedService {
  readonly url: string;
  readonly statusUrl: string;
}

/** HAProxy with the configuration of docker-compose.yml; only addresses differ, since container names do not resolve here. */
export class Haproxy {
  readonly url: string;
  /** The URL of its container's health check. */
  readonly healthUrl: string;
  readonly child: ChildProcess;
  readonly #folder: string;

  static async start(backends: {
    apis: readonly CheckedService[];
    gateways: readonly CheckedService[];
    venues?: readonly CheckedService[];
  }): Promise<Haproxy> {
    const [port, healthPort] = [await freePort(), await freePort()];
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-haproxy-"));
    const file = join(folder, "haproxy.cfg");
    const servers = (services: readonly CheckedService[]) =>
      services
        .map(({ url, statusUrl }, nth) => `server s${nth} ${new URL(url).host} port ${new URL(statusUrl).port}`)
        .join("\n  ");
    let text = readFileSync(shipped, "utf8");
    const put = (old: string, now: string): void => {
      if (!text.includes(old)) throw new Error(`haproxy.cfg has no ${old}`);
      text = text.replaceAll(old, now);
    };
    put("bind :8000", `bind 127.0.0.1:${port}`);
    put("bind 127.0.0.1:8001", `bind 127.0.0.1:${healthPort}`);
    put(" check port 8001 ", " check ");
    put(" resolvers containers init-addr none", "");
    put("server-template api 16 api:8000", servers(backends.apis));
    put("server-template gateway 32 gateway:8000", servers(backends.gateways));
    put("server-template venue 16 venue:8000", servers(backends.venues ?? []));
    await writeFile(file, text);
    // As its image does: a master process with workers.
    const child = spawn("haproxy", ["-W", "-db", "-f", file], { stdio: ["ignore", "ignore", "inherit"] });
    return new Haproxy(child, folder, `http://127.0.0.1:${port}`, `http://127.0.0.1:${healthPort}/`);
  }

  private constructor(child: ChildProcess, folder: string, url: string, healthUrl: string) {
    this.child = child;
    this.#folder = folder;
    this.url = url;
    this.healthUrl = healthUrl;
  }

  async healthy(): Promise<boolean> {
    return fetch(this.healthUrl).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Sends a signal; resolves with the milliseconds until the process has ended. */
  async end(signal: NodeJS.Signals): Promise<number> {
    const since = performance.now();
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    await ended;
    return performance.now() - since;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end("SIGTERM");
    await rm(this.#folder, { recursive: true, force: true });
  }
}
