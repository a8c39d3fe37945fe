import { type CloseCode, clientMessage, closeCodes } from "@tapedeck/protocol";
import type { HttpResponse, Socket, SocketEvents, Upgrade } from "../server/server.js";

/** How long a client may take to send its token. */
const timeoutMs = 5_000;
/** Messages that may arrive after the token while it is checked. */
const maxWaiting = 64;

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
  readonly #upgrade: Upgrade;
  readonly #events: TokenHandshakeEvents;
  /** What came after the token, while it is checked. */
  readonly #waiting: ArrayBuffer[] = [];
  #socket: Socket | undefined;
  #admitted: SocketEvents | undefined;
  #hasToken = false;
  /** The client may send more until it has read the close. */
  #rejected = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(upgrade: Upgrade, events: TokenHandshakeEvents) {
    this.#upgrade = upgrade;
    this.#events = events;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#reject(), timeoutMs);
  }

  message(data: ArrayBuffer): void {
    if (this.#admitted !== undefined) this.#admitted.message(data);
    else if (this.#rejected) return;
    else if (!this.#hasToken) this.#readToken(data);
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(data.slice(0));
    else this.#reject();
  }

  drained(): void {
    this.#admitted?.drained();
  }

  closed(code: number): void {
    this.#socket = undefined;
    this.#end();
    this.#admitted?.closed(code);
  }

  #readToken(data: ArrayBuffer): void {
    const token = tokenIn(data);
    if (token === undefined) {
      this.#reject();
      return;
    }
    this.#hasToken = true;
    this.#end();
    this.#events.onToken(token, this.#upgradeWithToken());
  }

  #end(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#events.onEnd();
  }

  #reject(): void {
    if (this.#socket === undefined || this.#rejected) return;
    this.#rejected = true;
    this.#events.onRejected(4401, closeCodes[4401].name);
    this.#socket.end(4401, closeCodes[4401].name);
  }

  #upgradeWithToken(): Upgrade {
    const { method, path, query, remoteAddress } = this.#upgrade;
    const isGone = () => this.#socket === undefined;
    return {
      method,
      path,
      query,
      remoteAddress,
      header: (name) => this.#upgrade.header(name),
      get gone() {
        return isGone();
      },
      accept: (events) => this.#admit(events),
      refuse: (response) => this.#refuse(response),
    };
  }

  #admit(events: SocketEvents): void {
    if (this.#socket === undefined) return;
    this.#admitted = events;
    events.opened(this.#socket);
    for (const message of this.#waiting.splice(0)) if (this.#socket !== undefined) events.message(message);
  }

  /** It is too late for an HTTP response. The close code makes the client retry exactly if the status would have. */
  #refuse({ status }: HttpResponse): void {
    const code = status >= 500 ? 1012 : 4400;
    this.#socket?.end(code, closeCodes[code].name);
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
