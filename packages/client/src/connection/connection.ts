import type { ServerMessage } from "@tapedeck/protocol";
import { subprotocol } from "@tapedeck/protocol/wire";
import { serialize } from "../errors.js";
import type { ConnectionEnd, ConnectionMachine, MachineEffect, MachineEvent } from "./connection-machine.js";
import type { ConnectionRules, Millis } from "./link-rules.js";
import { startMachine, stepMachine } from "./step-link.js";
import type { WebSocketClass, WebSocketLike } from "./web-socket.js";

export interface ConnectionOptions {
  readonly WebSocket: WebSocketClass;
  readonly rules: ConnectionRules;
  /** An attempt begins. Answers what to dial, which says from which frame to go on. */
  readonly onDial: (address: number) => string;
  readonly token: (() => Promise<string | undefined>) | undefined;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onOpen: () => void;
  readonly onLost: (why: string, retryInMs: Millis) => void;
  readonly onEnd: (end: ConnectionEnd) => void;
}

/** Where a socket can be cut off, it has so many milliseconds for its farewell. */
const farewellMs = 1000;

/** Puts a session's link into practice: the one place with a socket and a timer. */
export class Connection {
  readonly #options: ConnectionOptions;
  #machine: ConnectionMachine;
  #socket: WebSocketLike | undefined;
  #token: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt: Millis = 0;
  /** From ping to pong, in milliseconds; undefined before the first pong. */
  #latencyMs: Millis | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { machine, effects } = startMachine(options.rules);
    this.#machine = machine;
    for (const effect of effects) this.#carryOut(effect);
  }

  get isOpen(): boolean {
    return this.#machine.phase === "open";
  }

  get latencyMs(): Millis | undefined {
    return this.#latencyMs;
  }

  /** Only while it is open. */
  send(message: object): void {
    this.#socket?.send(serialize("arguments", message));
  }

  close(): void {
    this.#step({ type: "close" });
  }

  #step(event: MachineEvent): void {
    const { rules } = this.#options;
    const { machine, effects } = stepMachine(this.#machine, event, {
      now: performance.now(),
      random: Math.random(),
      rules,
    });
    this.#machine = machine;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: MachineEffect): void {
    switch (effect.do) {
      case "ask":
        this.#ask();
        break;
      case "dial":
        this.#dial(effect.address);
        break;
      case "ping":
        this.send({ type: "ping" });
        break;
      case "hang up":
        this.#hangUp();
        break;
      case "wake":
        this.#wakeIn(effect.inMs);
        break;
      case "tell":
        if (effect.news === "open") this.#options.onOpen();
        else if (effect.news === "lost") this.#options.onLost(effect.why, effect.retryInMs);
        else this.#options.onEnd(effect.end);
    }
  }

  #wakeIn(ms: Millis | undefined): void {
    clearTimeout(this.#timer);
    this.#timer =
      ms === undefined ? undefined : setTimeout(() => this.#step({ type: "woke", heardAt: this.#heardAt }), ms);
  }

  #ask(): void {
    const attempt = this.#machine;
    // Who asked may have given up, or asked again, by the time the answer comes.
    const answer = (event: MachineEvent, token?: string) => {
      if (this.#machine !== attempt) return;
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
      // A page of https may not open ws, for one.
      this.#step({ type: "lost", code: 1006, reason: error instanceof Error ? error.message : "" });
      return;
    }
    this.#socket = socket;
    // A socket that was let go may still speak; nobody listens.
    const current = () => socket === this.#socket;
    socket.addEventListener("open", () => {
      if (current() && this.#token !== undefined) this.send({ type: "auth", token: this.#token });
    });
    socket.addEventListener("message", ({ data }) => {
      if (current() && typeof data === "string") this.#take(data);
    });
    socket.addEventListener("error", () => {}); // a close follows, and says more
    socket.addEventListener("close", ({ code, reason }) => {
      if (!current()) return;
      this.#socket = undefined;
      this.#step({ type: "lost", code, reason });
    });
  }

  #take(text: string): void {
    const now = performance.now();
    this.#heardAt = now;
    const message: ServerMessage = JSON.parse(text);
    if (message.type === "pong") {
      const { pingedAt } = this.#machine;
      if (pingedAt !== undefined) this.#latencyMs = now - pingedAt;
      return;
    }
    if (message.type === "expiring") {
      this.#renewToken();
      return;
    }
    // The session's view is renewed before anyone hears that the connection is open.
    this.#options.onMessage(message);
    if (message.type === "session") this.#step({ type: "welcome" });
  }

  /** The server says that the token of this connection ends soon. Without a fresh one it closes, and we come back with one. */
  #renewToken(): void {
    const { token, rules } = this.#options;
    const socket = this.#socket;
    if (!token || !rules.freshTokens) return;
    token().then(
      (fresh) => {
        if (socket === this.#socket && fresh !== undefined) this.send({ type: "auth", token: fresh });
      },
      () => {}, // asked for again at the next attempt, and told of there
    );
  }

  /** Nothing that the socket still says is heard. On a network that has gone silent its farewell would never end. */
  #hangUp(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    const deadline = socket.terminate && setTimeout(() => socket.terminate?.(), farewellMs);
    socket.addEventListener("close", () => clearTimeout(deadline));
    socket.close(1000);
  }
}
