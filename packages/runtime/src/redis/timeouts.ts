import type { Cluster, Command } from "ioredis";
import { afterPendingReads, onEachTick, ticksIn } from "./turns.js";

/** The error of a command for which there is no connection, or no answer in time. */
export class RedisUnavailable extends Error {
  override readonly name = "RedisAway";
}

export interface CommandTimeout {
  /** After so long a command has failed. */
  readonly ms: number;
  /** Why this command cannot be taken now; undefined where it can, or perhaps soon. Not asked about those by which ioredis connects. */
  readonly refusal?: (command: Command) => string | undefined;
}

/** What a connection to one Redis and one to a Cluster have in common. */
type CommandSender = Pick<Cluster, "sendCommand"> & { once(event: "end", listener: () => void): unknown };

/**
 * ioredis keeps a command for as long as it has no connection, and may be without one for minutes: while Redis loads its data, or a
 * Cluster forms. Here each is answered in time, by an error if need be, and one whose time is over is not sent any more, since its
 * caller has been told that it failed. There is no timer for each command: in each turn all are looked at together.
 */
export function addCommandTimeout(connection: CommandSender, { ms, refusal }: CommandTimeout): void {
  const unanswered = new PendingCommands(ticksIn(ms));
  const send = connection.sendCommand.bind(connection);
  connection.sendCommand = (command, stream, node) => {
    if (command.isSettled) return command.promise;
    const why = connecting.has(command.name) ? undefined : refusal?.(command);
    if (why !== undefined) {
      command.reject(new RedisUnavailable(why));
      return command.promise;
    }
    unanswered.add(command);
    return send(command, stream, node);
  };
  const stop = onEachTick(() => {
    const late = unanswered.turn();
    if (late.length === 0) return;
    afterPendingReads(() => {
      for (const command of late.filter(isOpen))
        command.reject(new RedisUnavailable(`no answer within ${ms / 1000} s`));
    });
  });
  connection.once("end", stop);
}

/** So many are kept before those that have been answered are dropped. */
const leastRoom = 64;

/** Commands by the turn in which they were sent. */
class PendingCommands {
  readonly #limit: number;
  /** Of this turn. Those that were answered are dropped soon, or else the garbage collector would move each of them. */
  #sent: Command[] = [];
  #room = leastRoom;
  /** Those of earlier turns, the earliest first. */
  readonly #earlier: Command[][] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(command: Command): void {
    this.#sent.push(command);
    if (this.#sent.length < this.#room) return;
    this.#sent = this.#sent.filter(isOpen);
    this.#room = 2 * this.#sent.length + leastRoom;
  }

  /** Ends a turn. Returns the commands that have been open for the limit of turns. */
  turn(): Command[] {
    this.#earlier.push(this.#sent.filter(isOpen));
    this.#sent = [];
    return this.#earlier.length > this.#limit ? (this.#earlier.shift() ?? []).filter(isOpen) : [];
  }
}

function isOpen({ isSettled }: Command): boolean {
  return !isSettled;
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
