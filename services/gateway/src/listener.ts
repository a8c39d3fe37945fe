import { guardedHeaders } from "@tapedeck/runtime";

/**
 * What the gateway needs of a WebSocket server: uWebSockets.js gives it natively (`native-listener.ts`), the library `ws`
 * wherever no native build loads (`plain-listener.ts`).
 */
export interface Listener {
  readonly port: number;
  /** Takes no new connections; open sockets stay, and open connections may still ask for one. */
  stop(): void;
  /** Stops and gives back what the server itself holds. Nothing may be upgraded afterwards. */
  close(): void;
}

/** An open socket. Calling any method after `closed` is an error. */
export interface Socket {
  /**
   * Sends one text message.
   *
   * @returns 1 sent, 0 kept back by a slow reader, 2 dropped because more than `maxBackpressure` was kept back already
   */
  send(message: string | Uint8Array): number;
  /** Bytes kept back because the reader is slow. */
  getBufferedAmount(): number;
  /** Makes one write of all that `run` sends. */
  cork(run: () => void): void;
  /** Sends a close message and closes; `closed` is called before this returns, or soon after. */
  end(code: number, reason: string): void;
  /** Closes without a word. */
  close(): void;
}

/** Whoever is at our end of a socket. */
export interface SocketEvents {
  opened(socket: Socket): void;
  /** `data` is valid only during the call. */
  message(data: ArrayBuffer): void;
  /** Some of what was kept back went out. */
  drained(): void;
  closed(code: number): void;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Of the connection itself, which may be a proxy's. */
  readonly remoteAddress: string;
  readonly header: (name: RequestHeader) => string | undefined;
}

/** The headers that the gateway looks at; no other is kept. */
export const requestHeaders = [
  ...guardedHeaders,
  "authorization",
  "user-agent",
  "cookie",
  "accept",
  "x-forwarded-for",
  "sec-websocket-protocol",
] as const;
export type RequestHeader = (typeof requestHeaders)[number];

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request for a WebSocket, to be answered once, now or later. Answering after the client went away does nothing. */
export interface Upgrade extends Request {
  readonly gone: boolean;
  accept(events: SocketEvents, options: { protocol?: string; headers?: Readonly<Record<string, string>> }): void;
  refuse(answer: Answer): void;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Bytes of the largest message that is read at all; a larger one ends the connection without a word. */
  readonly maxMessageBytes: number;
  /** Bytes kept back above which `send` drops. The gateway never sends that much: it is the last line of defence. */
  readonly maxBackpressure: number;
  /** Seconds without a sign of life, pongs included, after which a socket is closed. Pings go out before that. */
  readonly idleTimeoutS: number;
  readonly request: (request: Request) => Answer | Promise<Answer>;
  readonly upgrade: (upgrade: Upgrade) => void;
}

/** Host and port are taken, or not ours to have. */
export class CannotListen extends Error {
  override readonly name = "CannotListen";

  constructor({ host, port }: Pick<ListenerOptions, "host" | "port">, why = "the port is taken or not allowed") {
    super(`gateway cannot listen on ${host}:${port}: ${why}`);
  }
}

export type Listen = (options: ListenerOptions) => Promise<Listener>;
