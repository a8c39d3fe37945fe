import type {
  SessionStats as ClusterSessionStats,
  Dashboard,
  Health,
  NodeView,
  SessionList,
  SessionView,
  ShareView,
  TapeDeletion,
  TapeOverview,
  TapeView,
} from "@tapedeck/protocol";
import type { ConnectionOptions, WebSocketClass } from "./connection/connection.js";
import { TapedeckError } from "./errors.js";
import type { Position } from "./frames/frame-sequencer.js";
import { type HttpClient, pathSegment, queryOf } from "./http-client.js";
import { createBody, type OpenOptions, requireObject } from "./options.js";
import { Session } from "./session/session.js";
import { SessionClient } from "./session/session-client.js";
import { Trading } from "./trading/trading.js";

interface ClusterClientParts extends Pick<ConnectionOptions, "rules" | "token"> {
  readonly http: HttpClient;
  readonly sockets: readonly string[];
  /** Undefined when the platform has none and none was passed in. */
  readonly WebSocket: WebSocketClass | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface JoinOptions {
  /** Continues with the frame after this one (in `onFrame`) instead of starting with the history. */
  readonly position?: Position;
  /** Closes the session in this program when it aborts. */
  readonly signal?: AbortSignal;
  /**
   * Whether a session in lossless pace waits for this program: each frame is acknowledged when `onFrame` listeners have returned, and what they returned
   * has settled. By default `open` with `pace: "lossless"` does, and `join` only watches.
   */
  readonly acknowledge?: boolean;
}

export interface ListOptions {
  /** 1 to 1000; 100 by default. */
  readonly limit?: number;
  /** `next_cursor` of the previous page. */
  readonly cursor?: string;
  readonly mode?: SessionView["mode"];
  readonly state?: SessionView["state"];
}

export interface TapeOptions {
  readonly versions?: boolean;
}

export interface ShareOptions {
  /** `viewer` by default. */
  readonly role?: ShareView["role"];
  readonly seconds?: number;
}

/** One cluster. It holds no connection: each session has its own. */
export class ClusterClient {
  readonly #parts: ClusterClientParts;

  /** @internal */
  constructor(parts: ClusterClientParts) {
    this.#parts = parts;
  }

  /** Creates a session, or joins `sessionId` if it exists, and watches it. A new session in REPLAY is STOPPED until `start`. */
  async open(options: OpenOptions = {}, joinOptions: Omit<JoinOptions, "position"> = {}): Promise<Session> {
    const WebSocket = this.#webSocketClass();
    const body = createBody(options);
    const { session } = await this.#parts.http.call<{ session: SessionView }>("POST", "/sessions/create", body);
    const acknowledge = options.pace === "lossless";
    return this.#watch(session, WebSocket, { acknowledge, ...requireObject("options", joinOptions) });
  }

  /** Watches an existing session; rejects with `SESSION_NOT_FOUND` otherwise. */
  async join(sessionId: string, options: JoinOptions = {}): Promise<Session> {
    const WebSocket = this.#webSocketClass();
    return this.#watch(await this.sessions.get(sessionId), WebSocket, options);
  }

  readonly sessions = {
    list: async (options: ListOptions = {}): Promise<SessionList> =>
      this.#get(`/sessions${queryOf(requireObject("list", options))}`),
    get: async (id: string): Promise<SessionView> => {
      const { session } = await this.#get<{ session: SessionView }>(`/sessions/${pathSegment(id)}`);
      return session;
    },
    /** Closes all sockets of the session, on every gateway. */
    delete: async (id: string): Promise<void> => {
      await this.#parts.http.call("DELETE", `/sessions/${pathSegment(id)}`);
    },
    stats: (): Promise<ClusterSessionStats> => this.#get("/sessions/stats"),
  };

  /** Share links: their token lets others watch a session, or control it, without a user's token. */
  readonly shares = {
    /** The token is returned only here. `seconds` from 60 to 30 days; a day by default. */
    create: async (id: string, options: ShareOptions = {}): Promise<{ share: ShareView; token: string }> => {
      const { role, seconds } = requireObject("create", options);
      return this.#parts.http.call("POST", sharesPath(id), { role, expires_in_s: seconds });
    },
    list: async (id: string): Promise<ShareView[]> => (await this.#get<{ shares: ShareView[] }>(sharesPath(id))).shares,
    /** Disconnects the viewers of this link within seconds. */
    revoke: async (id: string, share: string): Promise<void> => {
      await this.#parts.http.call("DELETE", `${sharesPath(id)}/${pathSegment(share)}`);
    },
  };

  /** Orders of a session that this program need not watch. */
  trading(sessionId: string): Trading {
    return new Trading(this.#parts.http, sessionId);
  }

  readonly tapes = {
    /** With `versions`, each tape also says which versions it has, and what they take. */
    list: async (options: TapeOptions = {}): Promise<TapeView[]> =>
      (await this.#get<{ tapes: TapeView[] }>(`/tapes${queryOf(requireObject("list", options))}`)).tapes,
    get: async (id: string, options: TapeOptions = {}): Promise<TapeView> =>
      this.#get(`/tapes/${pathSegment(id)}${queryOf(requireObject("get", options))}`),
    /**
     * Deletes a tape, or `id@version`; for admins. Rejects with `TAPE_IN_USE` while sessions play it, unless forced: then they get no
     * frames but those that are in memory.
     */
    delete: async (id: string, options: { readonly force?: boolean } = {}): Promise<TapeDeletion> =>
      this.#parts.http.call("DELETE", `/tapes/${pathSegment(id)}${queryOf(requireObject("delete", options))}`),
    /** A price line of at most `points` points, with gaps and events: what a scrubber shows. */
    overview: async (id: string, options: { readonly points?: number } = {}): Promise<TapeOverview> => {
      const { points = 500 } = requireObject("overview", options);
      return this.#get(`/tapes/${pathSegment(id)}/overview${queryOf({ points })}`);
    },
  };

  health(): Promise<Health> {
    return this.#get("/health");
  }

  /** Rates, latencies, totals and nodes. */
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
    if (signal?.aborted) throw new TapedeckError("closed", "The client was closed.");
    if (WebSocket) return WebSocket;
    const hint = "pass one in: tapedeck({ url, WebSocket }), for example from the package ws";
    throw new TapedeckError("no_websocket", `This platform has no WebSocket; ${hint}.`);
  }

  async #watch(view: SessionView, WebSocket: WebSocketClass, options: JoinOptions): Promise<Session> {
    const { position, signal, acknowledge = false } = requireObject("options", options);
    const parts = this.#parts;
    const client = new SessionClient({ ...parts, WebSocket, view, position, acknowledges: acknowledge });
    const signals = [parts.signal, signal].filter((one) => one !== undefined);
    const close = () => client.close();
    for (const one of signals) one.addEventListener("abort", close);
    client.events.end.add(() => {
      for (const one of signals) one.removeEventListener("abort", close);
    });
    if (signals.some(({ aborted }) => aborted)) close();
    await client.opened;
    return new Session(client, this.trading(view.session_id));
  }
}

function sharesPath(id: string): string {
  return `/sessions/${pathSegment(id)}/shares`;
}
