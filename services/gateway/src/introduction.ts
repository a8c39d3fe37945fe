import { type CloseCode, clientMessage, closeCodes } from "@tapedeck/protocol";
import type { Answer, Socket, SocketEvents, Upgrade } from "./listener.js";

/** How long a socket may take to say who it is. */
const patienceMs = 5_000;
/** Messages that may follow a token before it has been looked at. */
const mostWaiting = 64;

/**
 * A socket that brought no token and has to send one as its first message, `{"type":"auth","token":"..."}`. Until the token has
 * been accepted it is nobody's: nothing is sent to it. Then it is handed on like an upgrade that has just come.
 */
export class Introduction implements SocketEvents {
  readonly #upgrade: Upgrade;
  readonly #onToken: (token: string, upgrade: Upgrade) => void;
  readonly #onTurnedAway: (code: CloseCode, reason: string) => void;
  readonly #onGone: () => void;
  readonly #waiting: ArrayBuffer[] = [];
  #socket: Socket | undefined;
  #guest: SocketEvents | undefined;
  #introduced = false;
  /** Its client may send on until it has read the close. */
  #turnedAway = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param on.turnedAway called once where the socket is closed because it did not say who it is
   * @param on.gone called once: the socket has said who it is, or has gone without
   */
  constructor(
    upgrade: Upgrade,
    on: {
      token: (token: string, upgrade: Upgrade) => void;
      turnedAway: (code: CloseCode, reason: string) => void;
      gone: () => void;
    },
  ) {
    this.#upgrade = upgrade;
    this.#onToken = on.token;
    this.#onTurnedAway = on.turnedAway;
    this.#onGone = on.gone;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#turnAway(), patienceMs);
  }

  message(data: ArrayBuffer): void {
    if (this.#guest !== undefined) this.#guest.message(data);
    else if (this.#turnedAway) return;
    else if (!this.#introduced) this.#introduce(data);
    else if (this.#waiting.length < mostWaiting) this.#waiting.push(data.slice(0));
    else this.#turnAway();
  }

  drained(): void {
    this.#guest?.drained();
  }

  closed(code: number): void {
    this.#socket = undefined;
    this.#leave();
    this.#guest?.closed(code);
  }

  #introduce(data: ArrayBuffer): void {
    const token = tokenIn(data);
    if (token === undefined) {
      this.#turnAway();
      return;
    }
    this.#introduced = true;
    this.#leave();
    this.#onToken(token, this.#handedOn());
  }

  #leave(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#onGone();
  }

  #turnAway(): void {
    if (this.#socket === undefined || this.#turnedAway) return;
    this.#turnedAway = true;
    this.#onTurnedAway(4401, closeCodes[4401].name);
    this.#socket.end(4401, closeCodes[4401].name);
  }

  #handedOn(): Upgrade {
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
      refuse: (answer) => this.#refuse(answer),
    };
  }

  #admit(events: SocketEvents): void {
    if (this.#socket === undefined) return;
    this.#guest = events;
    events.opened(this.#socket);
    for (const message of this.#waiting.splice(0)) if (this.#socket !== undefined) events.message(message);
  }

  /** What an upgrade would be answered with a status is a close here: the client comes back later, as it would then. */
  #refuse({ status }: Answer): void {
    this.#socket?.end(status >= 500 ? 1012 : 4400, closeCodes[status >= 500 ? 1012 : 4400].name);
  }
}

function tokenIn(data: ArrayBuffer): string | undefined {
  try {
    const { data: message } = clientMessage.safeParse(JSON.parse(Buffer.from(data).toString()));
    return message?.type === "auth" ? message.token : undefined;
  } catch {
    return undefined; // no JSON: no token
  }
}
