import {
  closeCodes,
  legacyHistoryMessage,
  type ServerMessage,
  type SessionView,
  serverMessage,
  subprotocol,
  type TradeEvent,
} from "@tapedeck/protocol";
import WebSocket from "ws";
import { z } from "zod";
import { soon } from "./soon.js";

/** A frame as a viewer received it. It contains the frames (prev, seq] of the tape that `epoch` plays. */
export interface SeenFrame {
  readonly epoch: number;
  readonly prev: number;
  readonly seq: number;
  /** Wall milliseconds, fractional. */
  readonly at: number;
  /** The text as it was received; a frame of a `history` is serialised again. */
  readonly json: string;
  readonly from: "history" | "live";
  /** The gateway it came through. */
  readonly gateway: string;
}

/** Wall milliseconds, fractional. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Any message other than a live frame. */
export type ReceivedMessage = ServerMessage & { at: number };

export interface Token {
  readonly epoch: number;
  readonly after: number;
}

export interface ViewerOptions {
  /** Gateways to connect to: first the first one, then the next one after each loss. */
  readonly gateways: readonly string[];
  /** Undefined for a client without an id, which is on `global`. */
  readonly sessionId?: string | undefined;
  readonly legacy?: boolean;
  readonly token?: Token;
  /** Reconnect with a token after a loss, as the close codes say. */
  readonly reconnect?: boolean;
  readonly headers?: Record<string, string>;
  /** The authority that signed the server's certificate, if it is not a public one. */
  readonly ca?: string;
  /** Shared by many viewers that get the same frames, so that each text is in memory once. */
  readonly texts?: Map<string, string>;
}

interface Waiter {
  check: () => boolean;
  done: (outcome: Error | undefined) => void;
}

/** A WebSocket client of the cluster that keeps everything it receives. */
export class Viewer {
  readonly sessionId: string | undefined;
  readonly frames: SeenFrame[] = [];
  readonly messages: ReceivedMessage[] = [];
  /** The type of each message, frames included, in the order in which they came. */
  readonly types: string[] = [];
  /** Violations of the protocol. */
  readonly faults: string[] = [];
  /** The session according to the newest message. */
  session: SessionView | undefined;
  connections = 0;
  /** The close codes, in their order. */
  readonly closes: number[] = [];
  #options: ViewerOptions;
  #socket: WebSocket | undefined;
  #next = 0;
  #epoch = 0;
  #closed: { code: number; reason: string } | undefined;
  /** For the error of a wait that times out. */
  #lastEvent = "";
  #leaving = false;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = 0;
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

  /** The token to resume with: the position of the last frame. */
  get token(): Token | undefined {
    const last = this.frames.at(-1);
    return last && { epoch: last.epoch, after: last.seq };
  }

  get lastSeq(): number {
    return this.frames.at(-1)?.seq ?? -1;
  }

  /** How the connection was closed, if there is no other one now. */
  get closed(): { code: number; reason: string } | undefined {
    return this.#closed;
  }

  get live(): SeenFrame[] {
    return this.frames.filter((frame) => frame.from === "live");
  }

  /** The messages of one type. */
  messagesOf<T extends ServerMessage["type"]>(type: T): Extract<ReceivedMessage, { type: T }>[] {
    return this.messages.filter((message): message is Extract<ReceivedMessage, { type: T }> => message.type === type);
  }

  /** Fills of the command `order`, which moves a simulated market. */
  get marketFills(): TradeEvent[] {
    return this.messagesOf("trade_event").flatMap(({ data }) => ("fill_id" in data ? [] : [data]));
  }

  /** Resolves when the condition holds. It is checked after each message and each close. Rejects after `ms`. */
  until(check: () => boolean, what: string, ms: number = soon.timeout): Promise<void> {
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

  /** Waits for the next `count` frames. */
  async next(count: number, ms?: number): Promise<SeenFrame[]> {
    const from = this.frames.length;
    await this.until(() => this.frames.length >= from + count, `${count} more frames`, ms);
    return this.frames.slice(from, from + count);
  }

  /** Waits until the session, as this socket knows it, fulfils the condition. */
  untilSession(check: (session: SessionView) => boolean, what: string, ms?: number): Promise<void> {
    return this.until(() => this.session !== undefined && check(this.session), what, ms);
  }

  /** Sends a command over the socket. Resolves with the session of its `ack`, rejects with the code of its `error`. */
  async command(command: string, args: Record<string, unknown> = {}): Promise<SessionView> {
    const id = `c${++this.#commands}`;
    this.send(JSON.stringify({ type: "command", id, command, ...args }));
    const answer = () =>
      this.messages.find((message) => (message.type === "ack" || message.type === "error") && message.id === id);
    await this.until(() => answer() !== undefined, `answer to ${command}`);
    const answered = answer();
    if (answered?.type !== "ack") throw new Error(`${command} was refused: ${JSON.stringify(answered)}`);
    return answered.session;
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  /** Stops reading from the socket, so that the gateway's buffers fill. */
  stopReading(): void {
    this.#socket?.pause();
  }

  resumeReading(): void {
    this.#socket?.resume();
  }

  /** Cuts the connection without a close message, as a lost network does. */
  drop(): void {
    this.#leaving = true;
    this.#socket?.terminate();
  }

  /** Reconnects to the next gateway with the token of the last frame. */
  async resume(token: Token | undefined = this.token): Promise<void> {
    await this.close();
    this.#leaving = false;
    const before = this.types.length;
    this.#connect(token);
    await this.until(() => this.types.length > before, "the first message after reconnecting");
  }

  async close(): Promise<void> {
    this.#leaving = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const gone = new Promise((resolve) => socket.once("close", resolve));
    if (socket.readyState === WebSocket.OPEN) socket.close(1000);
    else socket.terminate();
    // A stopped process on the other side does not answer the close message.
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
      this.#lastEvent = `opened after ${Math.round(now() - began)} ms`;
    });
    socket.on("message", (data: Buffer) => {
      this.#retryMs = 0;
      this.#receive(data.toString("latin1"), gateway);
    });
    socket.on("error", (error) => {
      this.#lastEvent = error.message; // a close always follows
    });
    socket.on("close", (code, reason) => {
      if (socket !== this.#socket) return;
      this.#closed = { code, reason: reason.toString() };
      this.#lastEvent += ` after ${Math.round(now() - began)} ms`;
      this.closes.push(code);
      if (this.#options.reconnect && !this.#leaving && mayReconnect(code)) {
        this.#retryMs = Math.min(500, this.#retryMs * 2 || 20);
        this.#retry = setTimeout(() => this.#connect(this.token), this.#retryMs);
      }
      this.#checkWaiters();
    });
  }

  #receive(text: string, gateway: string): void {
    const at = now();
    if (text.startsWith(frameStart)) {
      this.types.push("snapshot");
      this.frames.push(frameOf(this.#shared(text), this.#epoch, at, "live", gateway));
    } else {
      try {
        this.#receiveMessage(JSON.parse(text), at, gateway);
      } catch (error) {
        this.faults.push(`${error} in ${text.slice(0, 300)}`);
      }
    }
    this.#checkWaiters();
  }

  #receiveMessage(json: unknown, at: number, gateway: string): void {
    const message = this.#options.legacy
      ? { ...legacyHistoryMessage.parse(json), epoch: 0, complete: true }
      : serverMessage.parse(json);
    this.types.push(message.type);
    this.messages.push({ ...message, at });
    if (message.type === "session" || message.type === "state") this.#epoch = message.session.epoch;
    if (message.type === "session" || message.type === "state" || message.type === "ack") {
      this.session = message.session;
    }
    if (message.type === "history") {
      this.#epoch = message.epoch;
      // Not as the schema parses it, which changes the order of a frame's fields.
      for (const frame of rawHistory.parse(json).data) {
        this.frames.push(frameOf(this.#shared(JSON.stringify(frame)), this.#epoch, at, "history", gateway));
      }
    }
  }

  #shared(text: string): string {
    const { texts } = this.#options;
    const known = texts?.get(text);
    if (known === undefined) texts?.set(text, text);
    return known ?? text;
  }

  #checkWaiters(): void {
    for (const waiter of this.#waiters) {
      if (this.faults.length > 0) waiter.done(new Error(this.faults.join("\n")));
      else if (waiter.check()) waiter.done(undefined);
    }
  }

  #summary(): string {
    const counts = new Map<string, number>();
    for (const type of this.types) counts.set(type, (counts.get(type) ?? 0) + 1);
    const kinds = [...counts].map(([type, count]) => `${count} ${type}`).join(", ");
    const closed = this.#closed && `closed with ${this.#closed.code} ${this.#closed.reason}`;
    const socket = `${closed ?? "not closed"}, ${this.connections} connections, closes ${this.closes.join(" ") || "none"}, ${this.#lastEvent}`;
    const { state, epoch, cursor_ts } = this.session ?? {};
    return `received ${kinds || "nothing"}, last frame ${this.lastSeq}, session ${state} ${epoch} ${cursor_ts}, socket ${socket}`;
  }
}

const rawHistory = z.object({ data: z.array(z.unknown()) });

/** Whether a client reconnects after a close: 1006 is a lost connection or a crashed node. */
function mayReconnect(code: number): boolean {
  if (code === 1006 || code === 1005) return true;
  const known = Object.entries(closeCodes).find(([number]) => Number(number) === code);
  return known !== undefined && known[1].reconnect !== "never";
}

const frameStart = '{"type":"snapshot","seq":';

function frameOf(json: string, epoch: number, at: number, from: SeenFrame["from"], gateway: string): SeenFrame {
  const seq = Number.parseInt(json.slice(frameStart.length, frameStart.length + 12), 10);
  const skippedAt = json.indexOf('"skipped":');
  const skipped = skippedAt < 0 ? 0 : Number.parseInt(json.slice(skippedAt + 10, skippedAt + 22), 10);
  return { epoch, prev: seq - 1 - skipped, seq, at, json, from, gateway };
}
