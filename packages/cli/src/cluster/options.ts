export type ServiceKind = "gateway" | "api" | "ticker" | "feed";

export const serviceKinds: readonly ServiceKind[] = ["api", "gateway", "ticker", "feed"];

export interface ClusterOptions {
  /** How many of each; 2, 2, 2 and 1 unless given. */
  readonly gateways?: number;
  readonly apis?: number;
  readonly tickers?: number;
  readonly feeds?: number;
  /** Of the balancer; 0 lets the system choose. */
  readonly port?: number;
  /** Address that the balancer listens on. The services listen on 127.0.0.1. */
  readonly host?: string;
  /** A Redis that runs already; otherwise the cluster starts one of its own. */
  readonly redisUrl?: string | undefined;
  /** First part of every key. */
  readonly prefix?: string;
  /** Folder of the tapes. */
  readonly store: string;
  /** Where Redis's data, the logs and cluster.json go. */
  readonly folder: string;
  /** Environment for every service, or for those of one kind. */
  readonly env?: Partial<Record<ServiceKind | "all", NodeJS.ProcessEnv>>;
  /** Without it, `url` is the first api's. */
  readonly balancer?: boolean;
  /** Start again what dies. */
  readonly restart?: boolean;
  /** Runs when port, folder and Redis are known to be good, before any service starts. */
  readonly prepare?: () => Promise<void>;
  /** Told one sentence at a time what happens; nobody by default. */
  readonly tell?: (sentence: string) => void;
}
