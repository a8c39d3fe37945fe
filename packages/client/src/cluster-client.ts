import type {
  SessionStats as ClusterSessionStats,
  Dashboard,
  Health,
  NodeView,
  SessionList,
  SessionView,
  ShareView,
  TapeOverview,
  TapeView,
} from "@tapedeck/protocol";
import type { ConnectionOptions } from "./connection/connection.js";
import type { WebSocketClass } from "./connection/web-socket.js";
import { serialize, TapedeckError } from "./errors.js";
import type { Position } from "./frames/frame-sequencer.js";
import type { HttpClient } from "./http-client.js";
import { createBody, type OpenOptions, requireObject } from "./options.js";
import { Session } from "./session/session.js";
import { SessionClient } from "./session/session-client.js";

export interface ClusterClientParts extends Pick<ConnectionOptions, "rules" | "token"> {
  readonly http: HttpClient;
  readonly sockets: readonly string[];
  /** Undefined where the platform has none and none was passed in. */
  readonly WebSocket: WebSocketClass | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface JoinOptions {
  /** Goes on with the frame after this one, by `onFrame`, instead of beginning with the history. */
  readonly position?: Position;
  /** Closes the session here when it aborts. */
  readonly signal?: AbortSignal;
}

export interface ListOptions {
  /** 1 to 1000; 100 unless named. */
  readonly limit?: number;
  /** `next_cursor` of the page before. */
  readonly cursor?: string;
  readonly mode?: SessionView["mode"];
  readonly state?: SessionView["state"];
}

export interface ShareOptions {
  /** `viewer` unless named. */
  readonly role?: ShareView["role"];
  readonly seconds?: number;
}

/** A cluster, as its clients see it. Holds no connection: each session has one of its own. */
export class ClusterClient {
  readonly #parts: ClusterClientParts;

  /** @internal */
  constructor(parts: ClusterClientParts) {
    this.#parts = parts;
  }

  /**
   * Makes a session, or joins that of `sessionId` where it exists, and watches it. A new one in REPLAY is STOPPED until it
   * is told to `start`.
   */
  async open(choice: OpenOptions = {}, options: Pick<JoinOptions, "signal"> = {}): Promise<Session> {
    const WebSocket = this.#webSocketClass();
    const body = createBody(choice);
    const { session } = await this.#parts.http.call<{ session: SessionView }>("POST", "/sessions/create", body);
    return this.#watch(session, WebSocket, options);
  }

  /** Watches a session that exists; rejects with `SESSION_NOT_FOUND` otherwise. */
  async join(sessionId: string, options: JoinOptions = {}): Promise<Session> {
    const WebSocket = this.#webSocketClass();
    return this.#watch(await this.sessions.get(sessionId), WebSocket, options);
  }

  readonly sessions = {
    list: async (choice: ListOptions = {}): Promise<SessionList> =>
      this.#get(`/sessions${queryOf(requireObject("list", choice))}`),
    get: async (id: string): Promise<SessionView> => {
      const { session } = await this.#get<{ session: SessionView }>(`/sessions/${pathSegment(id)}`);
      return session;
    },
    /** Its sockets close, wherever they are. */
    delete: async (id: string): Promise<void> => {
      await this.#parts.http.call("DELETE", `/sessions/${pathSegment(id)}`);
    },
    stats: (): Promise<ClusterSessionStats> => this.#get("/sessions/stats"),
  };

  /** Links by which others may watch a session, or control it too, with their token instead of a user's. */
  readonly shares = {
    /** The token is told here, once. `seconds` from 60 to 30 days; a day unless named. */
    create: async (id: string, choice: ShareOptions = {}): Promise<{ share: ShareView; token: string }> => {
      const { role, seconds } = requireObject("create", choice);
      return this.#parts.http.call("POST", sharesPath(id), { role, expires_in_s: seconds });
    },
    list: async (id: string): Promise<ShareView[]> => (await this.#get<{ shares: ShareView[] }>(sharesPath(id))).shares,
    /** Those who came by it are sent away within seconds. */
    revoke: async (id: string, share: string): Promise<void> => {
      await this.#parts.http.call("DELETE", `${sharesPath(id)}/${pathSegment(share)}`);
    },
  };

  readonly tapes = {
    list: async (): Promise<TapeView[]> => (await this.#get<{ tapes: TapeView[] }>("/tapes")).tapes,
    get: async (id: string): Promise<TapeView> => this.#get(`/tapes/${pathSegment(id)}`),
    /** A price line of at most so many points, with gaps and events: what a scrubber shows. */
    overview: async (id: string, choice: { readonly points?: number } = {}): Promise<TapeOverview> => {
      const { points = 500 } = requireObject("overview", choice);
      return this.#get(`/tapes/${pathSegment(id)}/overview${queryOf({ points })}`);
    },
  };

  health(): Promise<Health> {
    return this.#get("/health");
  }

  /** Rates, latencies, totals, and all nodes. */
  metrics(): Promise<Dashboard> {
    return this.#get("/metrics/dashboard");
  }

  async nodes(): Promise<NodeView[]> {
    return (await this.metrics()).nodes;
  }

  #get<T>(path: string): Promise<T> {
    return this.#parts.http.call("GET", path);
  }

  #webSocketClass(): WebSocketClass {
    const { signal, WebSocket } = this.#parts;
    if (signal?.aborted) throw new TapedeckError("closed", "The deck was closed.");
    if (WebSocket) return WebSocket;
    const hint = "pass one in: tapedeck({ url, WebSocket }), for example that of the package ws";
    throw new TapedeckError("no_websocket", `There is no WebSocket on this platform; ${hint}.`);
  }

  async #watch(view: SessionView, WebSocket: WebSocketClass, options: JoinOptions): Promise<Session> {
    const { position, signal } = requireObject("options", options);
    const parts = this.#parts;
    const client = new SessionClient({ ...parts, WebSocket, view, position });
    const signals = [parts.signal, signal].filter((one) => one !== undefined);
    const close = () => client.close();
    for (const one of signals) one.addEventListener("abort", close);
    client.events.end.add(() => {
      for (const one of signals) one.removeEventListener("abort", close);
    });
    if (signals.some(({ aborted }) => aborted)) close();
    await client.opened;
    return new Session(client);
  }
}

function sharesPath(id: string): string {
  return `/sessions/${pathSegment(id)}/shares`;
}

function pathSegment(id: string): string {
  return serialize("id", id, encodeURIComponent);
}

function queryOf(fields: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query.size > 0 ? `?${query}` : "";
}
