import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** One session's playing of the reel: frame `s` is due at anchorWallMs + (ns(s) - anchorNs) / 1e6. */
export interface Clip {
  readonly sessionId: string;
  readonly anchorWallMs: number;
  readonly anchorNs: number;
  readonly fromSeq: number;
}

export interface Seat {
  readonly sessionId: string;
  /** Origin of a gateway. */
  readonly url: string;
}

export type LoadOrder = { type: "connect"; seats: readonly Seat[] } | { type: "begin" } | { type: "end" };

/** What the sockets received between `begin` and `end`. The arrays run in parallel; `seat` is an index into the seats. */
export interface Received {
  readonly type: "received";
  readonly seat: readonly number[];
  readonly seq: readonly number[];
  readonly at: readonly number[];
  readonly bytes: number;
  /** Frames that did not follow the one before on their socket. */
  readonly holes: number;
  readonly closed: number;
}

export type LoadReport = { type: "connected" } | { type: "begun" } | Received;

/** A process of sockets that receive, check and note the times; its CPU time is not counted. */
export class Load {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("load-client.ts", import.meta.url)), { serialization: "advanced" });
  }

  async connect(seats: readonly Seat[]): Promise<void> {
    await this.#ask({ type: "connect", seats });
  }

  async begin(): Promise<void> {
    await this.#ask({ type: "begin" });
  }

  async end(): Promise<Received> {
    const report = await this.#ask({ type: "end" });
    if (report.type !== "received") throw new Error(`the load client answered ${report.type}`);
    return report;
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    await gone;
  }

  #ask(order: LoadOrder): Promise<LoadReport> {
    return new Promise((resolve, reject) => {
      const answered = (report: LoadReport) => {
        this.#child.off("exit", died);
        resolve(report);
      };
      const died = (code: number | null) => reject(new Error(`the load client ended with ${code}`));
      this.#child.once("message", answered);
      this.#child.once("exit", died);
      this.#child.send(order);
    });
  }
}
