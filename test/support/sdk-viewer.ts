import type {
  ClusterClient,
  ConnectionChange,
  Frame,
  History,
  OpenOptions,
  Session,
  SessionEnd,
  StateChange,
} from "@tapedeck/client";
import { type TapedeckOptions, tapedeck } from "@tapedeck/client";
import WebSocket from "ws";
import { soon } from "./soon.js";
import { now, type SeenFrame } from "./viewer.js";

/** Short enough for tests. */
export const fastTiming = { backoffMs: 50, maxBackoffMs: 500, openMs: 2000 };

/** The SDK as a program in Node uses it. */
export function clientAt(url: TapedeckOptions["url"], options: Partial<TapedeckOptions> = {}): ClusterClient {
  return tapedeck({ url, WebSocket, timing: fastTiming, ...options });
}

/** A viewer that uses the SDK and records everything that it receives. */
export class SdkViewer {
  readonly session: Session;
  /** In order of arrival, from histories and one by one. */
  readonly frames: SeenFrame[] = [];
  readonly histories: History[] = [];
  readonly states: StateChange[] = [];
  readonly connections: ConnectionChange[] = [];
  end: SessionEnd | undefined;
  readonly #waiters = new Set<() => void>();

  static async open(client: ClusterClient, options?: OpenOptions): Promise<SdkViewer> {
    return new SdkViewer(await client.open(options));
  }

  constructor(session: Session) {
    this.session = session;
    session.onHistory((history) => {
      // A history replaces everything before it.
      this.frames.length = 0;
      this.histories.push(history);
      for (const frame of history.frames) this.#keep(frame, history.epoch);
      this.#check();
    });
    session.onFrame((frame, { epoch }) => {
      this.#keep(frame, epoch);
      this.#check();
    });
    session.onState((change) => {
      this.states.push(change);
      this.#check();
    });
    session.onConnection((change) => {
      this.connections.push(change);
      this.#check();
    });
    session.onEnd((end) => {
      this.end = end;
      this.#check();
    });
  }

  /** Number of reconnects. */
  get reconnects(): number {
    return this.connections.filter(({ connection }) => connection === "open").length;
  }

  get lastSeq(): number {
    return this.frames.at(-1)?.seq ?? -1;
  }

  /** Resolves when the condition holds; checked at each event. */
  until(check: () => boolean, what: string, ms: number = soon.timeout): Promise<void> {
    if (check()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const recheck = () => {
        if (!check()) return;
        clearTimeout(timer);
        this.#waiters.delete(recheck);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(recheck);
        const { connection, view, stats } = this.session;
        const report = JSON.stringify({
          connection,
          state: view.state,
          last: this.lastSeq,
          stats,
          connections: this.connections,
        });
        reject(new Error(`no ${what} within ${ms} ms: ${report}`));
      }, ms);
      this.#waiters.add(recheck);
    });
  }

  async next(count: number, ms?: number): Promise<void> {
    const wanted = this.session.stats.framesReceived + count;
    await this.until(() => this.session.stats.framesReceived >= wanted, `${count} more frames`, ms);
  }

  #keep(frame: Frame, epoch: number): void {
    const { seq, skipped = 0 } = frame;
    const prev = seq - 1 - skipped;
    const json = JSON.stringify(frame);
    this.frames.push({ epoch, prev, seq, at: now(), json, from: "history", gateway: this.session.node });
  }

  #check(): void {
    for (const waiter of this.#waiters) waiter();
  }
}
