import type { Cluster, Command } from "ioredis";

/** What a client hears of a command for which there is no connection. */
export class RedisAway extends Error {
  override readonly name = "RedisAway";
}

export interface InTime {
  /** After so long a command has failed. */
  readonly ms: number;
  /** Why this command cannot be taken now; undefined where it can, or perhaps soon. Not asked about those by which ioredis connects. */
  readonly refusal?: (command: Command) => string | undefined;
}

/**
 * ioredis keeps a command for as long as it has no connection, and may be without one for minutes: while Redis loads its data, or a
 * Cluster forms. Here each is answered in time, by an error if need be, and one whose time is over is not sent any more: whoever asked
 * has been told that it failed.
 */
export function answerInTime(connection: Pick<Cluster, "sendCommand">, { ms, refusal }: InTime): void {
  const send = connection.sendCommand.bind(connection);
  connection.sendCommand = (command, stream, node) => {
    if (command.isSettled) return command.promise;
    const why = connecting.has(command.name) ? undefined : refusal?.(command);
    if (why !== undefined) {
      command.reject(new RedisAway(why));
      return command.promise;
    }
    command.setTimeout(ms);
    return send(command, stream, node);
  };
}

/** Sent by ioredis itself, before it says that it is ready and at its end. */
const connecting: ReadonlySet<string> = new Set([
  "auth",
  "client",
  "cluster",
  "hello",
  "info",
  "quit",
  "readonly",
  "select",
]);
