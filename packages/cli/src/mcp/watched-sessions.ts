import { type ClusterClient, type Session, tapedeck } from "@tapedeck/client";
import { WebSocket } from "ws";
import { addressOf, type RemoteClusterOptions } from "../remote-cluster.js";

/**
 * Sockets on the sessions that the assistant plays. A playing session without a socket is parked after half a minute: its clock stands still. An
 * assistant has no socket of its own, so this process holds one for each session, until it ends.
 */
export class WatchedSessions {
  readonly #options: RemoteClusterOptions;
  readonly #most: number;
  /** Those asked for last are the last ones. */
  readonly #sessions = new Map<string, Promise<Session>>();

  /** @param most with more, the one that was asked for longest ago loses its socket */
  constructor(options: RemoteClusterOptions, most = 8) {
    this.#options = options;
    this.#most = most;
  }

  /** The session, with a socket on it. Rejects as `join` of the SDK does. */
  watch(id: string): Promise<Session> {
    const session = this.#sessions.get(id) ?? this.#join(id);
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    for (const oldest of [...this.#sessions.keys()].slice(0, -this.#most)) this.drop(oldest);
    return session;
  }

  /** Closes the session's socket, if it has one. */
  drop(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    void session?.then(
      (open) => open.close(),
      () => {}, // it never had a socket
    );
  }

  close(): void {
    for (const id of [...this.#sessions.keys()]) this.drop(id);
  }

  #join(id: string): Promise<Session> {
    const joining = this.#cluster().then((cluster) => cluster.join(id));
    const forget = () => {
      if (this.#sessions.get(id) === joining) this.#sessions.delete(id);
    };
    joining.then((session) => session.onEnd(forget), forget);
    return joining;
  }

  async #cluster(): Promise<ClusterClient> {
    const { token } = this.#options;
    return tapedeck({ url: await addressOf(this.#options), WebSocket, ...(token !== undefined && { token }) });
  }
}
