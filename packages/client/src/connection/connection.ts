import type { ServerMessage } from "@tapedeck/protocol";
import { subprotocol } from "@tapedeck/protocol/wire";
import { serialize } from "../errors.js";
import {
  type ConnectionEnd,
  type ConnectionMachine,
  type ConnectionRules,
  type MachineEffect,
  type MachineEvent,
  type Millis,
  startMachine,
  stepMachine,
} from "./connection-machine.js";
import { Liveness } from "./liveness.js";

/** What the SDK needs of a WebSocket. Browsers, Node 22 and later, and the package `ws` all have it. */
export interface WebSocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Drops the connection without a closing handshake; browsers cannot. */
  terminate?(): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

export interface ConnectionOptions {
  readonly WebSocket: WebSocketClass;
  readonly rules: ConnectionRules;
  /** An attempt starts. Returns the URL to dial, which says after which frame to continue. */
  readonly onDial: (address: number) => string;
  readonly token: (() => Promise<string | undefined>) | undefined;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onOpen: () => void;
  readonly onLost: (why: string, retryInMs: Millis) => void;
  readonly onEnd: (end: ConnectionEnd) => void;
}

/** Time for the closing handshake before the socket is terminated. */
const closeTimeoutMs = 1000;

/** A timer that fires this much too late says that this program was busy, suspended, or in the background. */
const lateMs = 100;

/** Carries out what the connection machine decides: owns the socket and the timer. */
export class Connection {
  readonly #options: ConnectionOptions;
  #machine: ConnectionMachine;
  #socket: WebSocketLike | undefined;
  #token: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #liveness = new Liveness();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { machine, effects } = startMachine(options.rules);
    this.#machine = machine;
    for (const effect of effects) this.#carryOut(effect);
  }

  get isOpen(): boolean {
    return this.#machine.phase === "open";
  }

  /** From ping to pong, in milliseconds; undefined before the first pong. */
  get latencyMs(): Millis | undefined {
    return this.#liveness.latencyMs;
  }

  /** Only while it is open. */
  send(message: object): void {
    this.#socket?.send(serialize("arguments", message));
  }

  close(): void {
    this.#step({ type: "close" });
  }

  #step(event: MachineEvent): void {
    const moment = { now: performance.now(), random: Math.random(), rules: this.#options.rules };
    const { machine, effects } = stepMachine(this.#machine, event, moment);
    this.#machine = machine;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: MachineEffect): void {
    switch (effect.do) {
      case "getToken":
        this.#getToken();
        break;
      case "dial":
        this.#dial(effect.address);
        break;
      case "ping":
        this.send({ type: "ping" });
        break;
      case "closeSocket":
        this.#closeSocket();
        break;
      case "setTimer":
        this.#setTimer(effect.inMs);
        break;
      case "notifyOpen":
        this.#options.onOpen();
        break;
      case "notifyLost":
        this.#options.onLost(effect.why, effect.retryInMs);
        break;
      case "notifyEnd":
        this.#options.onEnd(effect.end);
    }
  }

  /**
   * A timer that fires late, while a socket is waited for, gets the time once more that this program stood still, at most `answerMs`:
   * the messages that arrived meanwhile have not been read yet, so the node is not to blame.
   */
  #setTimer(ms: Millis | undefined, again = false): void {
    clearTimeout(this.#timer);
    if (ms === undefined) return;
    const dueAt = performance.now() + ms;
    this.#timer = setTimeout(() => {
      const late = performance.now() - dueAt;
      if (late > lateMs && !again && this.#socket) {
        this.#setTimer(Math.min(late, this.#options.rules.answerMs), true);
      } else this.#checkSilence("timer");
    }, ms);
  }

  #checkSilence(type: "timer" | "framesDue"): void {
    this.#step({ type, ...this.#liveness.limits(this.#options.rules) });
  }

  #getToken(): void {
    const attempt = this.#machine;
    const answer = (event: MachineEvent, token?: string) => {
      if (this.#machine !== attempt) return; // this attempt timed out, or the connection ended
      this.#token = token;
      this.#step(event);
    };
    const { token } = this.#options;
    (token ? token() : Promise.resolve(undefined)).then(
      (value) => answer({ type: "token" }, value),
      (error: unknown) =>
        answer({ type: "noToken", why: `no token: ${error instanceof Error ? error.message : error}` }),
    );
  }

  #dial(address: number): void {
    const { WebSocket, onDial } = this.#options;
    let socket: WebSocketLike;
    try {
      socket = new WebSocket(onDial(address), [subprotocol]);
    } catch (error) {
      // For example, an https page may not open ws.
      this.#step({ type: "lost", code: 1006, reason: error instanceof Error ? error.message : "" });
      return;
    }
    this.#socket = socket;
    // A dropped socket may still fire events.
    const current = () => socket === this.#socket;
    socket.addEventListener("open", () => {
      if (!current()) return;
      if (this.#token !== undefined) this.send({ type: "auth", token: this.#token });
      this.#step({ type: "accepted" });
    });
    socket.addEventListener("message", ({ data }) => {
      if (current() && typeof data === "string") this.#receive(data);
    });
    socket.addEventListener("error", () => {}); // a close event follows, with the code
    socket.addEventListener("close", ({ code, reason }) => {
      if (!current()) return;
      this.#socket = undefined;
      this.#step({ type: "lost", code, reason });
    });
  }

  #receive(text: string): void {
    const now = performance.now();
    const message: ServerMessage = JSON.parse(text);
    const framesDue = this.#liveness.receive(message, now, this.#machine.pingedAt);
    if (message.type === "pong") return;
    if (message.type === "expiring") {
      this.#renewToken();
      return;
    }
    // The session's view is updated before listeners learn that the connection is open.
    this.#options.onMessage(message);
    if (message.type === "session") this.#step({ type: "session" });
    if (framesDue) this.#checkSilence("framesDue");
  }

  /** The token of this connection expires soon. Without a fresh one the server closes the connection, and the next attempt gets one. */
  #renewToken(): void {
    const { token, rules } = this.#options;
    const socket = this.#socket;
    if (!token || !rules.freshTokens) return;
    token().then(
      (fresh) => {
        if (socket === this.#socket && fresh !== undefined) this.send({ type: "auth", token: fresh });
      },
      () => {}, // the next attempt tries again, and reports the error
    );
  }

  /** On a silent network the closing handshake would never complete, so it has a deadline. */
  #closeSocket(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    const deadline = socket.terminate && setTimeout(() => socket.terminate?.(), closeTimeoutMs);
    socket.addEventListener("close", () => clearTimeout(deadline));
    socket.close(1000);
  }
}
