import { type CloseCode, clientMessage, closeCodes } from "@tapedeck/protocol";
import type { Socket, SocketEvents, Upgrade } from "../server/server.js";
import { HeldSocket } from "./held-socket.js";

/** How long a client may take to send its token. */
const timeoutMs = 5_000;

interface TokenHandshakeEvents {
  /** The token came. `upgrade` admits or refuses the socket as if its request had brought the token. */
  readonly onToken: (token: string, upgrade: Upgrade) => void;
  /** The socket is closed because no token came. Called once at most. */
  readonly onRejected: (code: CloseCode, reason: string) => void;
  /** The token came, or the socket is gone. Called once. */
  readonly onEnd: () => void;
}

/**
 * A socket whose request brought no token: its client has to send one as the first message, `{"type":"auth","token":"..."}`. Until
 * the token is accepted nothing is sent to the socket. Then it is admitted like an upgrade that has just come.
 */
export class TokenHandshake implements SocketEvents {
  readonly #held: HeldSocket;
  readonly #events: TokenHandshakeEvents;
  #hasToken = false;
  /** The client may send more until it has read the close. */
  #rejected = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(upgrade: Upgrade, events: TokenHandshakeEvents) {
    this.#held = new HeldSocket(upgrade, 4401);
    this.#events = events;
  }

  opened(socket: Socket): void {
    this.#held.opened(socket);
    this.#timer = setTimeout(() => this.#reject(), timeoutMs);
  }

  message(data: ArrayBuffer): void {
    if (this.#hasToken) this.#held.message(data);
    else if (!this.#rejected) this.#readToken(data);
  }

  drained(): void {
    this.#held.drained();
  }

  closed(code: number): void {
    this.#end();
    this.#held.closed(code);
  }

  #readToken(data: ArrayBuffer): void {
    const token = tokenIn(data);
    if (token === undefined) {
      this.#reject();
      return;
    }
    this.#hasToken = true;
    this.#end();
    this.#events.onToken(token, this.#held.upgrade);
  }

  #end(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#events.onEnd();
  }

  #reject(): void {
    if (this.#held.upgrade.gone || this.#rejected) return;
    this.#rejected = true;
    this.#events.onRejected(4401, closeCodes[4401].name);
    this.#held.end(4401);
  }
}

function tokenIn(data: ArrayBuffer): string | undefined {
  try {
    const { data: message } = clientMessage.safeParse(JSON.parse(Buffer.from(data).toString()));
    return message?.type === "auth" ? message.token : undefined;
  } catch {
    return undefined; // not JSON, so no token
  }
}
