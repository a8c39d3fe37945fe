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
import type { Trading } from "@tapedeck/trading";
import type { FilePins } from "./files/file-pins.js";
import type { GeneratedFiles } from "./files/generated-files.js";
import type { RequestMetrics } from "./http/request-metrics.js";
import type { WebSockets } from "./http/web-socket.js";
import type { OpenStreams } from "./tapes/open-streams.js";

/** The dependencies of routes. Everything that outlives a request is in Redis or in the tape store. */
export interface Api {
  readonly node: string;
  readonly sessions: SessionService;
  readonly store: SessionStore;
  readonly tapes: TapeCatalog;
  readonly trading: Trading;
  /** Runs users' searches in tapes, including overviews. */
  readonly searches: UserQueue;
  /** Answers that are sent for as long as their clients read. */
  readonly streams: OpenStreams;
  /** The sockets with which routes answer. */
  readonly sockets: WebSockets;
  /** Makes minutes of data feeds; clients ask for sixty at a time. */
  readonly slices: UserQueue;
  /** Files that were made of tapes. */
  readonly files: GeneratedFiles;
  /** Which files of growing tapes clients read. */
  readonly pins: FilePins;
  readonly live: Pick<LiveTapes, "status" | "feedsInDemand">;
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly requests: RequestMetrics;
  readonly countCommand: CountCommand;
  /** BullMQ's queues, shown to admins. */
  readonly queues: readonly ReconnectingQueue[];
  readonly log: Logger;
  readonly access: Access;
  /** Checks the host name and origin of requests. */
  readonly guard: RequestGuard;
  /** The Content-Security-Policy of our own pages. */
  readonly pagePolicy: string;
  readonly trustedProxies: TrustedProxies;
  readonly legacyModeGuess: boolean;
  readonly bodyBytes: number;
}
