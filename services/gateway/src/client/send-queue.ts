import type { CloseCode } from "@tapedeck/protocol";
import type { Counters } from "../metrics.js";
import type { Socket } from "../server/server.js";

interface SlowReaderLimits {
  /** Bytes that may wait for a reader; above it the reader gets nothing more until they drain. */
  readonly slowBytes: number;
  /** Milliseconds that a reader may stay above it before its socket is closed with 4408. */
  readonly slowCloseMs: number;
}

/** What all send queues of a gateway share. */
export interface SendQueueContext {
  readonly limits: SlowReaderLimits;
  readonly batcher: WriteBatcher;
  readonly counters: Counters;
  /** Those with a slow reader, which have to be checked regularly. */
  readonly slow: Set<SendQueue>;
}

/**
 * Collects what one chunk from Redis, or one turn of work, has for the sockets, so that each socket gets it in one write.
 * `nextTick` runs directly after the read that brought the chunk, before anything else does.
 */
export class WriteBatcher {
  #queues: SendQueue[] = [];
  readonly #flush = (): void => {
    const queues = this.#queues;
    this.#queues = [];
    for (const queue of queues) queue.flush();
  };

  // HOT: once per socket and batch.
  add(queue: SendQueue): void {
    if (this.#queues.push(queue) === 1) process.nextTick(this.#flush);
  }
}

/**
 * The messages that one socket has not taken yet. uWebSockets.js drops messages silently above its limit, so the queue stays far
 * below it: when more than `slowBytes` wait, the queue is `blocked`, and its writers wait for `whenWritable()`.
 */
export class SendQueue {
  /** Too much is waiting: send nothing. HOT: read once per frame. */
  blocked = false;
  /** The reader may take as long as it likes: it gets nothing more meanwhile, and what it acknowledges says whether it has stalled. */
  patient = false;
  #open = true;
  readonly #socket: Socket;
  readonly #context: SendQueueContext;
  readonly #onClose: () => void;
  /** What is written at the end of this batch: nearly always one message, so one field. */
  #first: string | Uint8Array | undefined;
  readonly #rest: (string | Uint8Array)[] = [];
  /** Bytes that may wait beyond `slowBytes`: a history is larger than that, and alone does not make a reader slow. */
  #allowance = 0;
  /** Since when more than `slowBytes` wait, on the monotonic clock; 0 if they do not. */
  #slowSince = 0;
  #waiting: (() => void)[] = [];

  /** @param onClose called when the gateway closes the socket; if the client does, the server reports it */
  constructor(socket: Socket, context: SendQueueContext, onClose: () => void) {
    this.#socket = socket;
    this.#context = context;
    this.#onClose = onClose;
  }

  get open(): boolean {
    return this.#open;
  }

  /** HOT: queues a message for the end of this batch. */
  queue(message: string | Uint8Array): void {
    if (this.#first === undefined) {
      this.#first = message;
      this.#context.batcher.add(this);
    } else {
      this.#rest.push(message);
    }
  }

  /** Sends now, after what is queued. */
  send(message: string | Uint8Array): void {
    this.queue(message);
    this.flush();
  }

  /** Sends a message that may wait in its full length beside the usual limit. */
  sendHistory(message: string): void {
    this.#allowance = Math.max(this.#allowance, message.length);
    this.send(message);
    if (this.#slowSince === 0) this.#allowance = 0;
  }

  flush(): void {
    const first = this.#first;
    if (first === undefined || !this.#open) return;
    this.#first = undefined;
    if (this.#rest.length === 0) {
      if (this.#write(first) !== 1) this.#checkBacklog();
      return;
    }
    this.#socket.cork(() => {
      this.#write(first);
      for (const message of this.#rest) this.#write(message);
    });
    this.#rest.length = 0;
    this.#checkBacklog(); // a corked write happens at the end of the cork, so the results of `send` say nothing
  }

  #write(message: string | Uint8Array): number {
    this.#context.counters.bytesSent += message.length;
    return this.#socket.send(message);
  }

  /** Resolves when at most `slowBytes` wait, or the socket is closed; undefined if that is so already. */
  whenWritable(): Promise<void> | undefined {
    if (!this.#open || this.#slowSince === 0) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The socket has written some of what was waiting. */
  socketDrained(): void {
    if (this.#slowSince !== 0) this.#checkBacklog();
  }

  #checkBacklog(): void {
    if (!this.#open) return;
    const { limits, slow } = this.#context;
    const waiting = this.#socket.getBufferedAmount();
    if (waiting <= limits.slowBytes) {
      if (this.#slowSince === 0) return;
      slow.delete(this);
      this.#slowSince = 0;
      this.#allowance = 0;
      this.blocked = false;
      this.#release();
      return;
    }
    if (this.#slowSince === 0) {
      this.#slowSince = performance.now();
      slow.add(this);
    }
    this.blocked = waiting > limits.slowBytes + this.#allowance;
  }

  /** Checks the backlog again, since not every server reports a drain. @returns whether the reader was too slow for too long */
  isTooSlow(now: number): boolean {
    this.#checkBacklog();
    return !this.patient && this.#slowSince !== 0 && now - this.#slowSince > this.#context.limits.slowCloseMs;
  }

  close(code: CloseCode, reason: string): void {
    if (!this.#open) return;
    this.flush();
    const { socketsClosed } = this.#context.counters;
    socketsClosed.set(code, (socketsClosed.get(code) ?? 0) + 1);
    this.socketClosed();
    this.#onClose();
    this.#socket.end(code, reason);
  }

  /** The socket is gone: it must not be touched any more. */
  socketClosed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#first = undefined;
    this.#rest.length = 0;
    this.#context.slow.delete(this);
    this.#release();
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
