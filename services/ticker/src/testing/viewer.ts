import type { RedisConnection } from "@tapedeck/runtime";
import { decodeState, parseHead, type SessionRecord } from "@tapedeck/sessions";

/** A message of frames that the delivery rule forwarded. */
export interface Shown {
  readonly rev: number;
  readonly epoch: number;
  /** Stands for the frames (prev, seq]. */
  readonly prev: number;
  readonly seq: number;
  readonly json: string;
  /** When it came, on the monotonic clock. */
  readonly at: number;
}

/**
 * Subscribes to a session's channel and applies the delivery rule of gateways. Records where a gateway would have rendered
 * missing frames from the tape.
 */
export class Viewer {
  readonly shown: Shown[] = [];
  readonly states: SessionRecord[] = [];
  /** Stretches (from, to] that no message brought: the gateway renders them from the tape. */
  readonly holes: { epoch: number; from: number; to: number }[] = [];
  /** Messages that came too late, each with what was there before. */
  readonly dropped: string[] = [];
  readonly #redis: RedisConnection;
  #epoch: number;
  #rev = 0;
  #last: number;
  #waiting: { done: () => boolean; resolve: () => void }[] = [];

  constructor(redis: RedisConnection, { epoch, seq }: { epoch: number; seq: number }) {
    this.#redis = redis;
    this.#epoch = epoch;
    this.#last = seq;
  }

  async subscribe(channel: string): Promise<void> {
    this.#redis.on("messageBuffer", (_: Buffer, message: Buffer) => {
      this.#onMessage(message);
      for (const waiter of this.#waiting) if (waiter.done()) waiter.resolve();
    });
    await this.#redis.subscribe(channel);
  }

  async until(done: (viewer: this) => boolean, ms = 30_000): Promise<void> {
    if (done(this)) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = this.shown.map(({ prev, seq }) => `${prev}-${seq}`).join(" ");
        reject(new Error(`not within ${ms} ms; states: ${this.states.map((s) => s.state)}; shown: ${seen}`));
      }, ms);
      const waiter = {
        done: () => done(this),
        resolve: () => {
          clearTimeout(timer);
          this.#waiting = this.#waiting.filter((other) => other !== waiter);
          resolve();
        },
      };
      this.#waiting.push(waiter);
    });
  }

  frames(count: number): Promise<void> {
    const target = this.shown.length + count;
    return this.until(() => this.shown.length >= target);
  }

  get seqs(): number[] {
    return this.shown.map(({ seq }) => seq);
  }

  get last(): number {
    return this.#last;
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  #onMessage(message: Buffer): void {
    const head = parseHead(message);
    if (head === undefined || head.kind === "D") return;
    const drop = () => {
      const { kind, rev, epoch, seq } = head;
      this.dropped.push(`${kind} ${rev} ${epoch} ${seq} after ${this.#rev} ${this.#epoch} ${this.#last}`);
    };
    if (head.epoch < this.#epoch || (head.epoch === this.#epoch && head.rev < this.#rev)) {
      drop();
      return;
    }
    const json = message.toString("latin1", head.body);
    if (head.kind !== "F") {
      this.states.push(decodeState(json));
      if (head.epoch > this.#epoch) {
        this.#epoch = head.epoch;
        this.#last = head.seq;
      } else if (head.seq > this.#last) {
        this.#fill(head.seq);
      }
      this.#rev = head.rev;
      return;
    }
    if (head.seq <= this.#last) {
      drop();
      return;
    }
    if (head.prev !== this.#last) this.#fill(head.prev);
    this.#rev = head.rev;
    this.#last = head.seq;
    this.shown.push({ rev: head.rev, epoch: head.epoch, prev: head.prev, seq: head.seq, json, at: performance.now() });
  }

  #fill(to: number): void {
    if (to > this.#last) this.holes.push({ epoch: this.#epoch, from: this.#last, to });
    this.#last = to;
  }
}
