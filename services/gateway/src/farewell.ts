import type { CloseCode } from "@tapedeck/protocol";
import type { Socket, SocketEvents } from "./listener.js";

/** A socket that is accepted only to be told why not: a browser cannot see why an upgrade failed. */
export class Farewell implements SocketEvents {
  readonly #code: CloseCode;
  readonly #reason: string;

  constructor(code: CloseCode, reason: string) {
    this.#code = code;
    this.#reason = reason;
  }

  opened(socket: Socket): void {
    socket.end(this.#code, this.#reason);
  }
  message(): void {}
  drained(): void {}
  closed(): void {}
}
