import { connect } from "node:net";

/** Why a Redis cannot be used, where a person has to change something, or may want to know what is waited for. */
export interface RedisFault {
  /** The word by which Redis says it. */
  readonly cause: string;
  readonly problem: string;
  readonly remedy: string;
}

const known: readonly (RedisFault & { readonly says: RegExp })[] = [
  {
    says: /^DENIED\b/,
    cause: "DENIED",
    problem: "Redis is in protected mode: it takes connections from its own machine alone",
    remedy:
      "set requirepass in its redis.conf and the same password in REDIS_URL, or protected-mode no where the network is closed",
  },
  {
    says: /^WRONGPASS\b|^ERR invalid password/,
    cause: "WRONGPASS",
    problem: "Redis refuses the user or the password of REDIS_URL",
    remedy: "correct them in REDIS_URL (redis://USER:PASSWORD@HOST:PORT), or change requirepass or the ACL of Redis",
  },
  {
    says: /^NOAUTH\b/,
    cause: "NOAUTH",
    problem: "Redis asks for a password, and REDIS_URL has none",
    remedy: "write it into REDIS_URL: redis://:PASSWORD@HOST:PORT, or redis://USER:PASSWORD@HOST:PORT",
  },
  {
    says: /^READONLY\b/,
    cause: "READONLY",
    problem: "this Redis is a replica, and takes no writes",
    remedy: "set REDIS_URL to its master, or to the sentinels that know it: redis+sentinel://HOST:PORT/NAME",
  },
  {
    says: /^LOADING\b/,
    cause: "LOADING",
    problem: "Redis is loading its data from disk",
    remedy: "wait until it has; appendonly and save in redis.conf say what there is to load",
  },
  {
    says: /^FORMING\b/,
    cause: "FORMING",
    problem: "the Redis Cluster is not complete: some of its slots have no master with an address",
    remedy:
      "wait until it has formed (redis-cli --cluster create), or assign its slots (redis-cli --cluster fix); nodes learn their addresses from one another, or from cluster-announce-ip and cluster-announce-hostname",
  },
  {
    says: /^CLUSTERDOWN\b/,
    cause: "CLUSTERDOWN",
    problem: "the Redis Cluster says that it is down",
    remedy:
      "see redis-cli cluster info at its nodes; cluster-require-full-coverage no keeps one lost master from stopping all",
  },
  {
    says: /cluster support disabled/,
    cause: "NOCLUSTER",
    problem: "this Redis is no Redis Cluster",
    remedy: "set REDIS_URL to redis://HOST:PORT",
  },
];

/** Undefined for an error that says no more than that Redis cannot be reached. */
export function faultFromError(error: Error): RedisFault | undefined {
  const { message } = lastOf(error);
  const found = known.find(({ says }) => says.test(message));
  return found && { cause: found.cause, problem: found.problem, remedy: found.remedy };
}

/** In a Redis Cluster what the last node answered says more than that all have failed. */
function lastOf(error: Error): Error {
  return "lastNodeError" in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}

export function describeFault({ problem, remedy }: RedisFault): string {
  return `${problem}: ${remedy}`;
}

const lookMs = 1000;

/**
 * A Redis in protected mode says so and hangs up before it has read anything, so that whoever writes at once may see a broken connection
 * instead. This listens, and writes nothing.
 */
export function isInProtectedMode(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const end = (denied: boolean) => (): void => {
      socket.destroy();
      resolve(denied);
    };
    socket.once("data", (bytes: Buffer) => end(bytes.toString("latin1").startsWith("-DENIED"))());
    socket.once("error", end(false)).once("end", end(false)).setTimeout(lookMs, end(false));
  });
}
