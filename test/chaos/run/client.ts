import WebSocket from "ws";
import type { Outcome, Token, View } from "../oracle/history.js";
import { message } from "./messages.js";
import type { Random } from "./random.js";
import { now, type Recorder } from "./recorder.js";

/** Without a message for this long a playing session's client goes elsewhere: its gateway may hang. */
const silentMs = 2_500;
const dialMs = 3_000;
const frameStart = '{"type":"snapshot"';

/** A client that comes back after every loss, with its token and through another gateway, and records everything. */
export class Client {
  readonly name: string;
  readonly #recorder: Recorder;
  readonly #gateways: () => readonly string[];
  readonly #random: Random;
  readonly #pending = new Map<string, (outcome: Outcome) => void>();
  readonly #watch: NodeJS.Timeout;
  #socket: WebSocket | undefined;
  #token: Token | undefined;
  #epoch = 0;
  #heardAt = 0;
  #leaving = false;
  #retry: NodeJS.Timeout | undefined;
  /** Frames that came live or in a history, all connections together. */
  frames = 0;
  lastFrameAt = 0;
  lastSeq = -1;
  view: View | undefined;
  /** Why no reconnection makes sense; a session that is gone is a fault unless it was deleted. */
  gone: string | undefined;

  constructor(name: string, recorder: Recorder, gateways: () => readonly string[], random: Random) {
    this.name = name;
    this.#recorder = recorder;
    this.#gateways = gateways;
    this.#random = random;
    this.#watch = setInterval(() => this.#leaveSilentNode(), 250);
    this.#dial();
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Sends a command over the socket; resolves when it is answered or the connection is lost. */
  command(id: string, name: string, args: Readonly<Record<string, unknown>>): Promise<Outcome> {
    this.#recorder.record({ kind: "command", id, via: this.name, name, args });
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      if (this.open) this.#socket?.send(JSON.stringify({ type: "command", id, command: name, ...args }));
      else this.#answer(id, { kind: "lost" });
    });
  }

  /** Cuts the connection, as a lost network does; it comes back by itself. */
  cut(): void {
    this.#socket?.terminate();
  }

  async close(): Promise<void> {
    this.#leaving = true;
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.terminate();
    await closed;
  }

  #dial(): void {
    const gateways = this.#gateways();
    if (gateways.length === 0) {
      this.#dialLater();
      return;
    }
    const gateway = this.#random.pick(gateways);
    const query = new URLSearchParams({ session_id: this.#recorder.session, create: "false" });
    if (this.#token) {
      query.set("epoch", `${this.#token.epoch}`);
      query.set("after", `${this.#token.after}`);
    }
    const address = `${gateway.replace(/^http/, "ws")}/ws?${query}`;
    const socket = new WebSocket(address, ["tapedeck.v1"], { perMessageDeflate: false, handshakeTimeout: dialMs });
    this.#socket = socket;
    this.#heardAt = now();
    const token = this.#token;
    socket.on("open", () => this.#recorder.record({ kind: "dialled", viewer: this.name, gateway, token }));
    socket.on("message", (data: Buffer) => this.#receive(data.toString("latin1")));
    socket.on("error", () => {}); // a close follows
    socket.on("close", (code, reason) => {
      if (socket !== this.#socket) return;
      this.#recorder.record({ kind: "closed", viewer: this.name, code });
      for (const id of [...this.#pending.keys()]) this.#answer(id, { kind: "lost" });
      if (code === 4404 || code === 4400) this.gone = `closed with ${code} ${reason}`;
      if (!this.#leaving && this.gone === undefined) this.#dialLater();
    });
  }

  #dialLater(): void {
    this.#retry = setTimeout(() => this.#dial(), this.#random.between(20, 250));
  }

  #leaveSilentNode(): void {
    const moving = this.view?.state === "PLAYING" || this.#pending.size > 0;
    if (this.open && moving && now() - this.#heardAt > silentMs) this.cut();
  }

  #receive(text: string): void {
    const at = now();
    this.#heardAt = at;
    const viewer = this.name;
    if (text.startsWith(frameStart)) {
      const frame = this.#recorder.frame(text);
      this.#recorder.record({ kind: "frame", viewer, frame }, at);
      this.#shown(frame.seq, at);
      return;
    }
    const received = message.parse(JSON.parse(text));
    switch (received.type) {
      case "session":
      case "state": {
        const { session } = received;
        this.#epoch = session.epoch;
        this.view = session;
        if (received.type === "session") this.#recorder.record({ kind: "session", viewer, view: session }, at);
        else this.#recorder.record({ kind: "state", viewer, cause: received.cause, view: session }, at);
        break;
      }
      case "history": {
        const frames = received.data.map((each) => this.#recorder.frame(JSON.stringify(each)));
        const { epoch, complete } = received;
        this.#epoch = epoch;
        this.#recorder.record({ kind: "history", viewer, epoch, complete, frames }, at);
        for (const { seq } of frames) this.#shown(seq, at);
        break;
      }
      case "ack":
        this.view = received.session;
        this.#answer(received.id, { kind: "done", view: received.session });
        break;
      case "error":
        if (received.id !== undefined) this.#answer(received.id, { kind: "refused", code: received.code });
        break;
      case "trade_event":
        this.#recorder.record({ kind: "fill", viewer, fill: received.data }, at);
        break;
      case "lag":
        this.#recorder.record({ kind: "lag", viewer, frames: received.frames }, at);
        break;
    }
  }

  #shown(seq: number, at: number): void {
    this.frames++;
    this.lastFrameAt = at;
    this.lastSeq = seq;
    this.#token = { epoch: this.#epoch, after: seq };
  }

  #answer(id: string, outcome: Outcome): void {
    const resolve = this.#pending.get(id);
    if (resolve === undefined) return;
    this.#pending.delete(id);
    this.#recorder.record({ kind: "answer", id, outcome });
    resolve(outcome);
  }
}
