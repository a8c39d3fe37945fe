import type { Access } from "@tapedeck/access";
import type { LiveTapes } from "@tapedeck/live";
import type {
  CountCommand,
  Health,
  Logger,
  Metrics,
  RedisConnection,
  RequestGuard,
  TrustedProxies,
} from "@tapedeck/runtime";
import type { Keys, ReconnectingQueue, SessionService, SessionStore, UserQueue } from "@tapedeck/sessions";
import type { TapeCatalog } from "@tapedeck/tape";
import type { RequestMetrics } from "./http/request-metrics.js";

/** What the routes work with. Everything that outlives a request is in Redis or in the tape store. */
export interface Api {
  readonly node: string;
  readonly sessions: SessionService;
  readonly store: SessionStore;
  readonly tapes: TapeCatalog;
  /** Searches in tapes that users have asked for, overviews among them. */
  readonly searches: UserQueue;
  readonly live: Pick<LiveTapes, "status" | "feedsInDemand">;
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly requests: RequestMetrics;
  readonly countCommand: CountCommand;
  /** BullMQ's, for admins to look at. */
  readonly queues: readonly ReconnectingQueue[];
  readonly log: Logger;
  readonly access: Access;
  /** By which names this node is asked, and by which pages. */
  readonly guard: RequestGuard;
  /** The Content-Security-Policy of our own pages. */
  readonly pagePolicy: string;
  readonly trustedProxies: TrustedProxies;
  readonly legacyModeGuess: boolean;
  readonly bodyBytes: number;
}
