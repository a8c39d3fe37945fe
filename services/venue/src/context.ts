import type { Access } from "@tapedeck/access";
import type { LiveTapes } from "@tapedeck/live";
import type { Health, Logger, Metrics, RedisConnection, RequestGuard, TrustedProxies } from "@tapedeck/runtime";
import type { Keys, SessionService, SessionStore } from "@tapedeck/sessions";
import type { TapeCatalog } from "@tapedeck/tape";
import type { Trading } from "@tapedeck/trading";
import type { Counter } from "prom-client";
import type { VenueConfig } from "./config.js";
import type { OrderCounts } from "./http/order-counts.js";
import type { VenueRequest } from "./http/request.js";
import type { RequestWeights } from "./http/request-weights.js";
import type { Players } from "./player/players.js";

/** What the routes and sockets of a venue's process need. */
export interface Venue {
  readonly config: VenueConfig;
  readonly node: string;
  /** The cluster's clock, in ms. */
  readonly now: () => number;
  readonly log: Logger;
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly store: SessionStore;
  readonly sessions: SessionService;
  readonly tapes: TapeCatalog;
  readonly trading: Trading;
  /** The sessions that this node plays. */
  readonly players: Players;
  readonly live: LiveTapes;
  readonly access: Access;
  readonly guard: RequestGuard;
  readonly trustedProxies: TrustedProxies;
  readonly health: Health;
  /** Absent if metrics have a port of their own. */
  readonly publicMetrics: Metrics | undefined;
  readonly requests: Counter<"status">;
  readonly weights: RequestWeights;
  readonly orderCounts: OrderCounts;
  /** Whether this client may see the session's market at all. Rejects with `BinanceError` or `RefusedError`. */
  admit(request: Pick<VenueRequest, "session" | "apiKey" | "path" | "headers">): Promise<void>;
}
