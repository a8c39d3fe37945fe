import { type CloseCode, closeCodes } from "@tapedeck/protocol";
import type { HttpResponse, Request, Socket, SocketEvents, Upgrade } from "../server/server.js";

/** Messages that may come before it is decided. */
const maxWaiting = 64;

/** A socket that is open before it is known whether its client may have it. What the client sends meanwhile waits. */
export class HeldSocket implements SocketEvents {
  /** Admits or refuses the socket as if its request had just come. */
  readonly upgrade: Upgrade;
  readonly #tooMuch: CloseCode;
  readonly #waiting: ArrayBuffer[] = [];
  #socket: Socket | undefined;
  #admitted: SocketEvents | undefined;

  /** @param tooMuch what closes the socket of a client that does not wait */
  constructor(request: Request, tooMuch: CloseCode = 4429) {
    this.#tooMuch = tooMuch;
    const { method, path, query, remoteAddress, header } = request;
    const isGone = () => this.#socket === undefined;
    this.upgrade = {
      ...{ method, path, query, remoteAddress, header },
      get gone() {
        return isGone();
      },
      accept: (events) => this.#admit(events),
      refuse: (response) => this.#refuse(response),
    };
  }

  opened(socket: Socket): void {
    this.#socket = socket;
  }

  message(data: ArrayBuffer): void {
    if (this.#admitted !== undefined) this.#admitted.message(data);
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(data.slice(0));
    else this.end(this.#tooMuch);
  }

  drained(): void {
    this.#admitted?.drained();
  }

  closed(code: number): void {
    this.#socket = undefined;
    this.#admitted?.closed(code);
  }

  /** Closes it. */
  end(code: CloseCode): void {
    this.#socket?.end(code, closeCodes[code].name);
  }

  #admit(events: SocketEvents): void {
    if (this.#socket === undefined) return;
    this.#admitted = events;
    events.opened(this.#socket);
    for (const message of this.#waiting.splice(0)) if (this.#socket !== undefined) events.message(message);
  }

  /** It is too late for an HTTP response. The close code makes the client retry exactly if the status would have. */
  #refuse({ status }: HttpResponse): void {
    this.end(status >= 500 ? 1012 : 4400);
  }
}
