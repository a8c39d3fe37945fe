import type { Cluster, Command, Redis } from "ioredis";

/*
 * Timeouts on connections to Redis. They count ticks, not the time on a clock: while a process is suspended, by SIGSTOP or an overloaded
 * machine, answers wait unread in its sockets, and when it resumes, its timers run before its sockets are read. A plain timer, such as
 * ioredis's `commandTimeout` and `socketTimeout`, would then fail commands whose answers have arrived.
 */

const tickMs = 250;

function ticksIn(ms: number): number {
  return Math.ceil(ms / tickMs);
}

/** Calls `tick` once in each tick until the returned function is called. It does not keep the process alive. */
function onEachTick(tick: () => void): () => void {
  const timer = setInterval(tick, tickMs).unref();
  return () => clearInterval(timer);
}

/** Calls `decide` once everything that the sockets hold now has been read: what seemed late may have been answered. */
function afterPendingReads(decide: () => void): void {
  setImmediate(decide);
}

/** Resolves to the result of `run`, or rejects after about `ms`, counted in ticks. */
export async function withTimeout<T>(ms: number, run: () => Promise<T>): Promise<T> {
  let stop = (): void => {};
  const timeout = new Promise<never>((_, reject) => {
    let left = ticksIn(ms);
    stop = onEachTick(() => {
      if (--left === 0) afterPendingReads(() => reject(new Error(`no answer within ${ms / 1000} s`)));
    });
  });
  try {
    return await Promise.race([run(), timeout]);
  } finally {
    stop();
  }
}

/** A command failed because there is no connection, or no answer in time. */
export class RedisUnavailable extends Error {
  override readonly name = "RedisUnavailable";
}

interface CommandTimeout {
  /** A command fails after this time. */
  readonly ms: number;
  /** Why this command cannot be sent now; undefined if it can be, or may be soon. Not called for the commands with which ioredis connects. */
  readonly refusal?: (command: Command) => string | undefined;
}

/** What connections to a single Redis and to a Cluster have in common. */
type CommandSender = Pick<Cluster, "sendCommand"> & { once(event: "end", listener: () => void): unknown };

/**
 * ioredis queues a command for as long as it has no connection, which may be minutes: while Redis loads its data, or a Cluster forms.
 * This fails each command after the timeout. A command that has failed is not sent any more, since its caller acts on the failure.
 * There is no timer per command: all pending commands are checked together in each tick.
 */
export function addCommandTimeout(connection: CommandSender, { ms, refusal }: CommandTimeout): void {
  const pending = new PendingCommands(ticksIn(ms));
  const send = connection.sendCommand.bind(connection);
  connection.sendCommand = (command, stream, node) => {
    if (command.isSettled) return command.promise;
    const reason = handshakeCommands.has(command.name) ? undefined : refusal?.(command);
    if (reason !== undefined) {
      command.reject(new RedisUnavailable(reason));
      return command.promise;
    }
    pending.add(command);
    return send(command, stream, node);
  };
  const stop = onEachTick(() => {
    const late = pending.endTick();
    if (late.length === 0) return;
    afterPendingReads(() => {
      for (const command of late.filter(isPending))
        command.reject(new RedisUnavailable(`no answer within ${ms / 1000} s`));
    });
  });
  connection.once("end", stop);
}

/** Below this many commands, settled ones are kept until the tick ends. */
const minCapacity = 64;

/** Commands by the tick in which they were sent. */
class PendingCommands {
  readonly #limit: number;
  /** Of the current tick. Settled commands are dropped early, or else the garbage collector would have to move each of them. */
  #sent: Command[] = [];
  #capacity = minCapacity;
  /** Of the ticks before, oldest first. */
  readonly #earlier: Command[][] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(command: Command): void {
    this.#sent.push(command);
    if (this.#sent.length < this.#capacity) return;
    this.#sent = this.#sent.filter(isPending);
    this.#capacity = 2 * this.#sent.length + minCapacity;
  }

  /** Ends a tick. Returns the commands that have been pending for the limit of ticks. */
  endTick(): Command[] {
    this.#earlier.push(this.#sent.filter(isPending));
    this.#sent = [];
    return this.#earlier.length > this.#limit ? (this.#earlier.shift() ?? []).filter(isPending) : [];
  }
}

function isPending({ isSettled }: Command): boolean {
  return !isSettled;
}

/** Sent by ioredis itself, before a connection is ready and at its end. */
const handshakeCommands: ReadonlySet<string> = new Set([
  "auth",
  "client",
  "cluster",
  "hello",
  "info",
  "quit",
  "readonly",
  "select",
]);

type MonitoredRedis = Pick<Redis, "commandQueue" | "stream"> & { once(event: "end", listener: () => void): unknown };
/** Undefined before the first connection. */
type Stream = Redis["stream"] | undefined;

/**
 * Replaces a connection whose Redis has received a command and then sends nothing for `ms`. All pending commands fail, as when a
 * connection is lost.
 */
export function reconnectWhenUnresponsive(redis: MonitoredRedis, ms: number): void {
  const limit = ticksIn(ms);
  let seen = progressOf(redis);
  let ticks = 0;
  const check = (): void => {
    const now = progressOf(redis);
    ticks = isUnresponsive(seen, now) ? ticks + 1 : 0;
    seen = now;
    if (ticks >= limit) afterPendingReads(() => isUnresponsive(seen, progressOf(redis)) && replace());
  };
  const replace = (): void => {
    ticks = 0;
    redis.stream.destroy(new Error(`Redis has sent nothing for ${ms / 1000} s while commands are pending`));
  };
  redis.once("end", onEachTick(check));
}

interface Progress {
  /** The command that is to be answered next. */
  readonly command: object | undefined;
  readonly stream: Stream;
  readonly bytesRead: number | undefined;
}

function progressOf(redis: MonitoredRedis): Progress {
  const stream: Stream = redis.stream;
  return { command: redis.commandQueue.peekFront()?.command, stream, bytesRead: stream?.bytesRead };
}

function isUnresponsive(before: Progress, now: Progress): boolean {
  return (
    now.command !== undefined &&
    now.command === before.command &&
    now.stream === before.stream &&
    now.bytesRead === before.bytesRead
  );
}
