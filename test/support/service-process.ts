import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { ServiceKind } from "@tapedeck/cli";
import { z } from "zod";
import { programOf } from "./built.js";
import { freePort } from "./redis-server.js";

export interface Readiness {
  /** Status of `/health/ready`, or 0 if nothing answers. */
  readonly status: number;
  readonly issues: readonly string[];
}

const health = z.object({ issues: z.array(z.string()) });

/** A service as a container runs it: its environment, two ports, and a log on its standard output. */
export class ServiceProcess {
  readonly kind: ServiceKind;
  readonly url: string;
  /** The lines of its log, warnings and above. */
  readonly warnings: Record<string, unknown>[] = [];
  readonly #statusUrl: string;
  readonly #child: ChildProcess;

  static async start(kind: ServiceKind, env: NodeJS.ProcessEnv): Promise<ServiceProcess> {
    return new ServiceProcess(kind, env, await freePort(), await freePort());
  }

  private constructor(kind: ServiceKind, env: NodeJS.ProcessEnv, port: number, statusPort: number) {
    this.kind = kind;
    this.url = `http://127.0.0.1:${port}`;
    const hasStatusPort = kind === "api" || kind === "gateway" || kind === "venue";
    this.#statusUrl = hasStatusPort ? `http://127.0.0.1:${statusPort}` : this.url;
    const main = programOf(kind);
    this.#child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        HOST: "127.0.0.1",
        PORT: `${port}`,
        ...(hasStatusPort && { STATUS_PORT: `${statusPort}` }),
        SIMULATION_WARM_UP: "off",
        UNREADY_MS: "0",
        DRAIN_MS: "100",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface(stream).on("line", (line) => this.#readLine(line));
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async readiness(): Promise<Readiness> {
    try {
      const answer = await fetch(`${this.#statusUrl}/health/ready`, { signal: AbortSignal.timeout(3000) });
      return { status: answer.status, ...health.parse(await answer.json()) };
    } catch {
      return { status: 0, issues: [] };
    }
  }

  async live(): Promise<boolean> {
    return fetch(`${this.#statusUrl}/health/live`, { signal: AbortSignal.timeout(3000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(late);
  }

  #readLine(line: string): void {
    try {
      const entry: Record<string, unknown> = JSON.parse(line);
      if (entry.level !== "info" && entry.level !== "debug") this.warnings.push(entry);
    } catch {
      this.warnings.push({ notJson: line });
    }
  }
}
