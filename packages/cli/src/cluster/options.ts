export type ServiceKind = "gateway" | "api" | "ticker" | "feed" | "venue";

export const serviceKinds: readonly ServiceKind[] = ["api", "gateway", "ticker", "feed", "venue"];

export interface ClusterOptions {
  /** How many of each; by default 2, 2, 2, 1 and 1. */
  readonly gateways?: number;
  readonly apis?: number;
  readonly tickers?: number;
  readonly feeds?: number;
  readonly venues?: number;
  /** Port of the balancer; 0 lets the system choose. */
  readonly port?: number;
  /** Address that the balancer listens on. The services listen on 127.0.0.1. */
  readonly host?: string;
  /** A running Redis to use; otherwise the cluster starts its own. */
  readonly redisUrl?: string | undefined;
  /** First part of every key. */
  readonly prefix?: string;
  /** Folder of the tapes. */
  readonly store: string;
  /** Folder for Redis's data, the logs and cluster.json. */
  readonly folder: string;
  /** Additional environment for all services, or for those of one kind. */
  readonly env?: Partial<Record<ServiceKind | "all", NodeJS.ProcessEnv>>;
  /** If false, `url` is the first api's. */
  readonly balancer?: boolean;
  /** Whether to restart processes that die. */
  readonly restart?: boolean;
  /** Runs when port, folder and Redis have been checked, before any service starts. */
  readonly prepare?: () => Promise<void>;
  /** Gets one sentence for each event. */
  readonly tell?: (sentence: string) => void;
}
