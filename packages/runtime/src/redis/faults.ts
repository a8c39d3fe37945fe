import { connect } from "node:net";
import type { Redis } from "ioredis";

/** A known reason why Redis cannot be used: something that a person has to change or wait for. */
export interface RedisFault {
  /** The word with which Redis reports it. */
  readonly cause: string;
  readonly problem: string;
  readonly remedy: string;
}

const knownFaults: readonly (RedisFault & { readonly message: RegExp })[] = [
  {
    message: /^DENIED\b/,
    cause: "DENIED",
    problem: "Redis is in protected mode and accepts connections from its own machine only",
    remedy:
      "set requirepass in its redis.conf and the same password in REDIS_URL, or protected-mode no if the network is closed",
  },
  {
    message: /^WRONGPASS\b|^ERR invalid password/,
    cause: "WRONGPASS",
    problem: "Redis refuses the user or password of REDIS_URL",
    remedy: "correct them in REDIS_URL (redis://USER:PASSWORD@HOST:PORT), or change requirepass or the ACL of Redis",
  },
  {
    message: /^NOAUTH\b/,
    cause: "NOAUTH",
    problem: "Redis requires a password, and REDIS_URL has none",
    remedy: "add it to REDIS_URL: redis://:PASSWORD@HOST:PORT, or redis://USER:PASSWORD@HOST:PORT",
  },
  {
    message: /^READONLY\b/,
    cause: "READONLY",
    problem: "this Redis is a replica and accepts no writes",
    remedy: "set REDIS_URL to its master, or to the sentinels that know it: redis+sentinel://HOST:PORT/NAME",
  },
  {
    message: /^LOADING\b/,
    cause: "LOADING",
    problem: "Redis is loading its data from disk",
    remedy: "wait until it has loaded; appendonly and save in redis.conf determine what it loads",
  },
  {
    message: /^FORMING\b/,
    cause: "FORMING",
    problem: "the Redis Cluster is incomplete: some of its slots have no master with an address",
    remedy:
      "wait until it has formed (redis-cli --cluster create), or assign its slots (redis-cli --cluster fix); nodes learn their addresses from one another, or from cluster-announce-ip and cluster-announce-hostname",
  },
  {
    message: /^CLUSTERDOWN\b/,
    cause: "CLUSTERDOWN",
    problem: "the Redis Cluster reports that it is down",
    remedy:
      "run redis-cli cluster info on its nodes; with cluster-require-full-coverage no, one lost master does not stop the others",
  },
  {
    message: /cluster support disabled/,
    cause: "NOCLUSTER",
    problem: "this Redis is not a Redis Cluster",
    remedy: "set REDIS_URL to redis://HOST:PORT",
  },
];

/** Undefined for an error that only says that Redis cannot be reached. */
export function faultFromError(error: Error): RedisFault | undefined {
  const { message } = innermost(error);
  const found = knownFaults.find((fault) => fault.message.test(message));
  return found && { cause: found.cause, problem: found.problem, remedy: found.remedy };
}

/** On a Redis Cluster, the last node's answer says more than the error that all nodes have failed. */
function innermost(error: Error): Error {
  return "lastNodeError" in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}

export function describeFault({ problem, remedy }: RedisFault): string {
  return `${problem}: ${remedy}`;
}

const protectedModeMs = 1000;

/**
 * A Redis in protected mode says so and closes the connection before it has read anything, so a client that writes at once may only see a
 * broken connection. This connects, reads and writes nothing.
 */
export function isInProtectedMode(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const end = (denied: boolean) => (): void => {
      socket.destroy();
      resolve(denied);
    };
    socket.once("data", (bytes: Buffer) => end(bytes.toString("latin1").startsWith("-DENIED"))());
    socket.once("error", end(false)).once("end", end(false)).setTimeout(protectedModeMs, end(false));
  });
}

/**
 * In protected mode Redis answers with a long text. ioredis finds "no password is set" in it, mistakes it for the answer of a Redis without
 * passwords, and writes a warning to the console at each attempt. This keeps only the first words.
 */
export function shortenDeniedError(redis: Pick<Redis, "sendCommand" | "duplicate">): void {
  shortenOn(redis);
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => {
    const copy = duplicate(override);
    shortenOn(copy);
    return copy;
  };
}

function shortenOn(redis: Pick<Redis, "sendCommand">): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    if (command.name === "hello" || command.name === "auth") {
      const reject = command.reject.bind(command);
      command.reject = (error) => {
        if (error.message.startsWith("DENIED")) error.message = "DENIED Redis is running in protected mode";
        reject(error);
      };
    }
    return send(command, stream);
  };
}
