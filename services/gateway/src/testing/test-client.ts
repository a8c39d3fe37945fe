import { subprotocol } from "@tapedeck/protocol";
import { WebSocket } from "ws";

export interface ClientOptions {
  readonly legacy?: boolean;
  readonly headers?: Record<string, string>;
}

/** A message as it was received. */
interface Message {
  readonly type: string;
  readonly text: string;
  readonly [key: string]: unknown;
}

/** A frame that came as a message or in a `history`; it contains the frames (prev, seq] of its epoch. */
interface ReceivedFrame {
  readonly epoch: number;
  readonly prev: number;
  readonly seq: number;
  readonly text: string;
  readonly trades: number;
}

interface Waiter {
  readonly check: () => boolean;
  readonly resolve: () => void;
}

/** A client that keeps everything it receives. */
export class Client {
  readonly messages: Message[] = [];
  readonly frames: ReceivedFrame[] = [];
  readonly opened: Promise<void>;
  closed: { code: number; reason: string } | undefined;
  setCookie: string | undefined;
  error: Error | undefined;
  /** Called with each frame, also one of a `history`. */
  onFrame: (frame: ReceivedFrame) => void = () => {};
  readonly #socket: WebSocket;
  readonly #waiters = new Set<Waiter>();
  #epoch = 0;

  constructor(url: string, { legacy = false, headers = {} }: ClientOptions = {}) {
    this.#socket = new WebSocket(url, legacy ? [] : [subprotocol], { headers, perMessageDeflate: false });
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once("open", () => resolve());
      this.#socket.once("unexpected-response", (_, response) => reject(new Error(`HTTP ${response.statusCode}`)));
      this.#socket.once("error", reject);
    });
    this.#socket.on("upgrade", ({ headers: responseHeaders }) => {
      this.setCookie = responseHeaders["set-cookie"]?.[0];
    });
    this.#socket.on("message", (data, isBinary) => this.#receive(data.toString(), isBinary));
    this.#socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#checkWaiters();
    });
    this.#socket.on("error", (error) => {
      this.error = error; // a close follows
    });
  }

  #receive(text: string, isBinary: boolean): void {
    if (isBinary) throw new Error("a binary message");
    const message: Message = { ...JSON.parse(text), text };
    this.messages.push(message);
    const session = message.session;
    if (typeof session === "object" && session !== null && "epoch" in session) this.#epoch = Number(session.epoch);
    if (typeof message.epoch === "number") this.#epoch = message.epoch;
    if (message.type === "snapshot") this.#addFrame(message, text);
    if (message.type === "history" && Array.isArray(message.data)) {
      for (const frame of message.data) this.#addFrame(frame, JSON.stringify(frame));
    }
    this.#checkWaiters();
  }

  #addFrame(frame: { readonly [key: string]: unknown }, text: string): void {
    const seq = Number(frame.seq);
    const received = {
      epoch: this.#epoch,
      prev: seq - 1 - Number(frame.skipped ?? 0),
      seq,
      text,
      trades: Array.isArray(frame.trades) ? frame.trades.length : 0,
    };
    this.frames.push(received);
    this.onFrame(received);
  }

  #checkWaiters(): void {
    for (const waiter of this.#waiters) if (waiter.check()) waiter.resolve();
  }

  get types(): string[] {
    return this.messages.map(({ type }) => type);
  }

  get seqs(): number[] {
    return this.frames.map(({ seq }) => seq);
  }

  get last(): ReceivedFrame | undefined {
    return this.frames.at(-1);
  }

  of(type: string): Message[] {
    return this.messages.filter((message) => message.type === type);
  }

  /** Resolves as soon as the condition holds. It is checked at each message and at the close. */
  until(check: () => boolean, what = "expected message", ms = 30_000): Promise<void> {
    if (check()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const timer = setTimeout(() => {
        done();
        const closed = this.closed ? ` closed ${this.closed.code} ${this.closed.reason} ${this.error ?? ""}` : "";
        reject(new Error(`no ${what}; received ${this.types.slice(-20)} up to frame ${this.last?.seq}${closed}`));
      }, ms);
      const waiter: Waiter = {
        check,
        resolve: () => {
          done();
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  untilSeq(seq: number): Promise<void> {
    return this.until(() => this.last?.seq === seq, `frame ${seq}`);
  }

  untilType(type: string, count = 1): Promise<void> {
    return this.until(() => this.of(type).length >= count, `${type} message`);
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.closed !== undefined, "close");
  }

  send(message: object | string | Uint8Array): void {
    const raw = typeof message === "string" || message instanceof Uint8Array;
    this.#socket.send(raw ? message : JSON.stringify(message));
  }

  /** Sends a command and waits for its answer. */
  async command(command: string, args: object = {}): Promise<Message> {
    const id = `${command}-${this.messages.length}-${Math.random()}`;
    this.send({ type: "command", id, command, ...args });
    const answer = () => this.messages.find((message) => message.id === id);
    await this.until(() => answer() !== undefined, `answer to ${command}`);
    const found = answer();
    if (found === undefined) throw new Error("unreachable");
    return found;
  }

  /** Stops reading, so that the gateway's buffers fill. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes and waits for the gateway's close message. */
  async close(): Promise<void> {
    this.#socket.close(1000);
    await this.untilClosed();
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

/** Throws unless the frames of each epoch are consecutive: none is missing, none comes twice. */
export function expectNoGap(frames: readonly ReceivedFrame[]): void {
  frames.forEach((frame, at) => {
    const before = frames[at - 1];
    if (before === undefined) return;
    if (frame.epoch < before.epoch) throw new Error(`epoch fell from ${before.epoch} to ${frame.epoch}`);
    if (frame.epoch === before.epoch && frame.prev !== before.seq) {
      throw new Error(`(${frame.prev}, ${frame.seq}] follows frame ${before.seq}`);
    }
  });
}
