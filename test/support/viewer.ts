import {
  closeCodes,
  legacyHistoryMessage,
  type ServerMessage,
  type SessionView,
  serverMessage,
  subprotocol,
} from "@tapedeck/protocol";
import WebSocket from "ws";
import { z } from "zod";

/** A frame as one viewer saw it. It stands for the frames (prev, seq] of the tape that `epoch` plays. */
export interface SeenFrame {
  readonly epoch: number;
  readonly prev: number;
  readonly seq: number;
  /** Wall milliseconds, fractional. */
  readonly at: number;
  /** The text as it came; of a frame of `history`, the text as it was serialised again. */
  readonly json: string;
  readonly from: "history" | "live";
  /** The gateway it came through. */
  readonly gateway: string;
}

/** Wall milliseconds, fractional. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Any message but a live frame. */
export type Told = ServerMessage & { at: number };

export interface Token {
  readonly epoch: number;
  readonly after: number;
}

export interface ViewerOptions {
  /** Gateways to watch through; the first at first, and the next one after each loss. */
  readonly gateways: readonly string[];
  /** Undefined watches what a client without an id watches. */
  readonly sessionId?: string | undefined;
  readonly legacy?: boolean;
  readonly token?: Token;
  /** Come back by token after a loss, as the close codes say. */
  readonly reconnect?: boolean;
  readonly headers?: Record<string, string>;
  /** Who is trusted to sign the server's certificate, where it is not one that everybody trusts. */
  readonly ca?: string;
  /** Frames' texts that many viewers get, kept once for all of them. */
  readonly texts?: Map<string, string>;
}

interface Waiter {
  check: () => boolean;
  done: (outcome: Error | undefined) => void;
}

/** A real client of the cluster that keeps all it receives. */
export class Viewer {
  readonly sessionId: string | undefined;
  readonly frames: SeenFrame[] = [];
  readonly told: Told[] = [];
  /** The type of each message, frames too, in the order of their coming. */
  readonly types: string[] = [];
  /** What broke the protocol. */
  readonly faults: string[] = [];
  /** The session as the newest message told it. */
  session: SessionView | undefined;
  connections = 0;
  /** Codes of the closes, in their order. */
  readonly closes: number[] = [];
  #options: ViewerOptions;
  #socket: WebSocket | undefined;
  #next = 0;
  #epoch = 0;
  #closed: { code: number; reason: string } | undefined;
  /** For the message of a wait in vain. */
  #trouble = "";
  #leaving = false;
  #retry: NodeJS.Timeout | undefined;
  #patience = 0;
  #waiters = new Set<Waiter>();
  #commands = 0;

  /** Connects and waits for the first message. */
  static async watch(options: ViewerOptions): Promise<Viewer> {
    const viewer = new Viewer(options);
    viewer.#connect(options.token);
    await viewer.until(() => viewer.types.length > 0, "the first message");
    return viewer;
  }

  private constructor(options: ViewerOptions) {
    this.#options = options;
    this.sessionId = options.sessionId;
  }

  /** The position to come back with: that of the last frame seen. */
  get token(): Token | undefined {
    const last = this.frames.at(-1);
    return last && { epoch: last.epoch, after: last.seq };
  }

  get lastSeq(): number {
    return this.frames.at(-1)?.seq ?? -1;
  }

  /** The close that ended this viewer's connection, if it has no other now. */
  get closed(): { code: number; reason: string } | undefined {
    return this.#closed;
  }

  get live(): SeenFrame[] {
    return this.frames.filter((frame) => frame.from === "live");
  }

  /** The messages of one type. */
  heard<T extends ServerMessage["type"]>(type: T): Extract<Told, { type: T }>[] {
    return this.told.filter((message): message is Extract<Told, { type: T }> => message.type === type);
  }

  /** Resolves when the condition holds; looks after each message and each close. Rejects after `ms`. */
  until(check: () => boolean, what: string, ms = 20_000): Promise<void> {
    if (check()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        check,
        done: (error) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          if (error) reject(error);
          else resolve();
        },
      };
      const timer = setTimeout(
        () => waiter.done(new Error(`no ${what} within ${ms} ms on ${this.sessionId ?? "global"}; ${this.#summary()}`)),
        ms,
      );
      this.#waiters.add(waiter);
    });
  }

  /** The next `count` frames. */
  async next(count: number, ms?: number): Promise<SeenFrame[]> {
    const from = this.frames.length;
    await this.until(() => this.frames.length >= from + count, `${count} more frames`, ms);
    return this.frames.slice(from, from + count);
  }

  /** Waits for the session to be as asked, as told to this socket. */
  untilSession(check: (session: SessionView) => boolean, what: string, ms?: number): Promise<void> {
    return this.until(() => this.session !== undefined && check(this.session), what, ms);
  }

  /** Sends a command over the socket. Resolves with the session of its `ack`, rejects with the code of its `error`. */
  async command(command: string, args: Record<string, unknown> = {}): Promise<SessionView> {
    const id = `c${++this.#commands}`;
    this.send(JSON.stringify({ type: "command", id, command, ...args }));
    const answer = () => this.told.find((told) => (told.type === "ack" || told.type === "error") && told.id === id);
    await this.until(() => answer() !== undefined, `answer to ${command}`);
    const told = answer();
    if (told?.type !== "ack") throw new Error(`${command} was refused: ${JSON.stringify(told)}`);
    return told.session;
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  /** Reads nothing more from the socket, so that the gateway's buffers fill. */
  stopReading(): void {
    this.#socket?.pause();
  }

  readAgain(): void {
    this.#socket?.resume();
  }

  /** Cuts the connection without a farewell, as a lost network does. */
  drop(): void {
    this.#leaving = true;
    this.#socket?.terminate();
  }

  /** Comes back with the token of the last frame seen, through the next gateway. */
  async resume(token: Token | undefined = this.token): Promise<void> {
    await this.close();
    this.#leaving = false;
    const before = this.types.length;
    this.#connect(token);
    await this.until(() => this.types.length > before, "the first message after coming back");
  }

  async close(): Promise<void> {
    this.#leaving = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const gone = new Promise((resolve) => socket.once("close", resolve));
    if (socket.readyState === WebSocket.OPEN) socket.close(1000);
    else socket.terminate();
    // A stopped process on the other side answers no farewell.
    const deadline = setTimeout(() => socket.terminate(), 1000);
    await gone;
    clearTimeout(deadline);
  }

  #connect(token: Token | undefined): void {
    const gateways = this.#options.gateways;
    const gateway = gateways[this.#next++ % gateways.length] ?? "";
    const query = new URLSearchParams();
    // Legacy clients name the session in the path, new ones in the query.
    const path = this.#options.legacy && this.sessionId !== undefined ? `/${encodeURIComponent(this.sessionId)}` : "";
    if (this.sessionId !== undefined && !path) query.set("session_id", this.sessionId);
    if (token) {
      query.set("epoch", `${token.epoch}`);
      query.set("after", `${token.after}`);
    }
    const address = `${gateway.replace(/^http/, "ws")}/ws${path}${query.size > 0 ? `?${query}` : ""}`;
    const socket = new WebSocket(address, this.#options.legacy ? [] : [subprotocol], {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      ...(this.#options.headers && { headers: this.#options.headers }),
      ...(this.#options.ca !== undefined && { ca: this.#options.ca }),
    });
    this.#socket = socket;
    this.#closed = undefined;
    const began = now();
    socket.on("open", () => {
      this.connections++;
      this.#trouble = `opened after ${Math.round(now() - began)} ms`;
    });
    socket.on("message", (data: Buffer) => {
      this.#patience = 0;
      this.#take(data.toString("latin1"), gateway);
    });
    socket.on("error", (error) => {
      this.#trouble = error.message; // a close always follows
    });
    socket.on("close", (code, reason) => {
      if (socket !== this.#socket) return;
      this.#closed = { code, reason: reason.toString() };
      this.#trouble += ` after ${Math.round(now() - began)} ms`;
      this.closes.push(code);
      if (this.#options.reconnect && !this.#leaving && mayComeBack(code)) {
        this.#patience = Math.min(500, this.#patience * 2 || 20);
        this.#retry = setTimeout(() => this.#connect(this.token), this.#patience);
      }
      this.#settle();
    });
  }

  #take(text: string, gateway: string): void {
    const at = now();
    if (text.startsWith(frameStart)) {
      this.types.push("snapshot");
      this.frames.push(seen(this.#kept(text), this.#epoch, at, "live", gateway));
    } else {
      try {
        this.#hear(JSON.parse(text), at, gateway);
      } catch (error) {
        this.faults.push(`${error} in ${text.slice(0, 300)}`);
      }
    }
    this.#settle();
  }

  #hear(json: unknown, at: number, gateway: string): void {
    const message = this.#options.legacy
      ? { ...legacyHistoryMessage.parse(json), epoch: 0, complete: true }
      : serverMessage.parse(json);
    this.types.push(message.type);
    this.told.push({ ...message, at });
    if (message.type === "session" || message.type === "state") this.#epoch = message.session.epoch;
    if (message.type === "session" || message.type === "state" || message.type === "ack") {
      this.session = message.session;
    }
    if (message.type === "history") {
      this.#epoch = message.epoch;
      // As it came, since the schema puts a frame's fields in an order of its own.
      for (const frame of asItCame.parse(json).data) {
        this.frames.push(seen(this.#kept(JSON.stringify(frame)), this.#epoch, at, "history", gateway));
      }
    }
  }

  #kept(text: string): string {
    const { texts } = this.#options;
    const known = texts?.get(text);
    if (known === undefined) texts?.set(text, text);
    return known ?? text;
  }

  #settle(): void {
    for (const waiter of this.#waiters) {
      if (this.faults.length > 0) waiter.done(new Error(this.faults.join("\n")));
      else if (waiter.check()) waiter.done(undefined);
    }
  }

  #summary(): string {
    const counts = new Map<string, number>();
    for (const type of this.types) counts.set(type, (counts.get(type) ?? 0) + 1);
    const kinds = [...counts].map(([type, count]) => `${count} ${type}`).join(", ");
    const socket = this.#closed ? `closed with ${this.#closed.code} ${this.#closed.reason} ${this.#trouble}` : "open";
    const { state, epoch, cursor_ts } = this.session ?? {};
    return `it got ${kinds || "nothing"}, last frame ${this.lastSeq}, session ${state} ${epoch} ${cursor_ts}, socket ${socket}`;
  }
}

const asItCame = z.object({ data: z.array(z.unknown()) });

/** What a client does after a close: 1006 is a lost connection or a dead node. */
function mayComeBack(code: number): boolean {
  if (code === 1006 || code === 1005) return true;
  const known = Object.entries(closeCodes).find(([number]) => Number(number) === code);
  return known !== undefined && known[1].reconnect !== "never";
}

const frameStart = '{"type":"snapshot","seq":';

function seen(json: string, epoch: number, at: number, from: SeenFrame["from"], gateway: string): SeenFrame {
  const seq = Number.parseInt(json.slice(frameStart.length, frameStart.length + 12), 10);
  const skippedAt = json.indexOf('"skipped":');
  const skipped = skippedAt < 0 ? 0 : Number.parseInt(json.slice(skippedAt + 10, skippedAt + 22), 10);
  return { epoch, prev: seq - 1 - skipped, seq, at, json, from, gateway };
}
