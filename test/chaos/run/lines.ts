import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";

/** A way to Redis that can go silent: connections stay open, and nothing passes. */
export interface Line {
  readonly redisUrl: string;
  goSilent(): void;
  /** Connections from before are reset, new ones pass. */
  restore(): void;
}

/** Lines to a Redis on this machine, in a process of their own: what passes must not wait for this one. */
export class Lines {
  readonly #child: ChildProcess;
  readonly all: readonly Line[];

  static async to(port: number, count: number): Promise<Lines> {
    const script = new URL("../../support/silent-lines.mjs", import.meta.url);
    const child = fork(script, [`${port}`, `${count}`], { execArgv: [] });
    const [message] = await once(child, "message");
    return new Lines(child, z.object({ ports: z.array(z.number()) }).parse(message).ports);
  }

  private constructor(child: ChildProcess, ports: readonly number[]) {
    this.#child = child;
    this.all = ports.map((port, nth) => ({
      redisUrl: `redis://127.0.0.1:${port}`,
      goSilent: () => void child.send({ silent: nth }),
      restore: () => void child.send({ restore: nth }),
    }));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async close(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    await gone;
  }
}
