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
import { now, type SeenFrame } from "./viewer.js";

/** Backoff that tests have time for. */
export const fastTiming = { backoffMs: 50, mostBackoffMs: 500, openMs: 2000 };

/** The SDK as a program in Node uses it. */
export function clientAt(url: TapedeckOptions["url"], options: Partial<TapedeckOptions> = {}): ClusterClient {
  return tapedeck({ url, WebSocket, timing: fastTiming, ...options });
}

/** Someone who opened a session by the SDK and keeps all that they are told. */
export class SdkViewer {
  readonly session: Session;
  /** In the order of their coming: those of histories, and those that came one by one. */
  readonly frames: SeenFrame[] = [];
  readonly histories: History[] = [];
  readonly states: StateChange[] = [];
  readonly connections: ConnectionChange[] = [];
  end: SessionEnd | undefined;
  readonly #waiters = new Set<() => void>();

  static async open(client: ClusterClient, choice?: OpenOptions): Promise<SdkViewer> {
    return new SdkViewer(await client.open(choice));
  }

  constructor(session: Session) {
    this.session = session;
    session.onHistory((history) => {
      // What replaces all that was shown is a new beginning of the run.
      this.frames.length = 0;
      this.histories.push(history);
      for (const frame of history.frames) this.#keep(frame, history.epoch);
      this.#look();
    });
    session.onFrame((frame, { epoch }) => {
      this.#keep(frame, epoch);
      this.#look();
    });
    session.onState((change) => {
      this.states.push(change);
      this.#look();
    });
    session.onConnection((change) => {
      this.connections.push(change);
      this.#look();
    });
    session.onEnd((end) => {
      this.end = end;
      this.#look();
    });
  }

  /** How often it was open again after a loss. */
  get returns(): number {
    return this.connections.filter(({ connection }) => connection === "open").length;
  }

  get lastSeq(): number {
    return this.frames.at(-1)?.seq ?? -1;
  }

  /** Resolves when the condition holds; looks at each event. */
  until(check: () => boolean, what: string, ms = 20_000): Promise<void> {
    if (check()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!check()) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        const { connection, view, stats } = this.session;
        const story = JSON.stringify({
          connection,
          state: view.state,
          last: this.lastSeq,
          stats,
          how: this.connections,
        });
        reject(new Error(`no ${what} within ${ms} ms: ${story}`));
      }, ms);
      this.#waiters.add(look);
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

  #look(): void {
    for (const waiter of this.#waiters) waiter();
  }
}
