import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, Command } from "ioredis";
import { untilReady } from "./availability.js";
import { oneNamePerMaster, type RedisConnection } from "./connection.js";
import { withTimeout } from "./timeouts.js";

/*
 * Pub/sub on a single Redis and on a Redis Cluster. On a Cluster it is sharded: a channel is on the master that has the slot of its name, so
 * that each master carries its share (decision 0021). Lua scripts do the same: `defineScripts`.
 */

/** Channels per SUBSCRIBE. */
const channelsPerCommand = 1000;
/** While a dead master's successor is elected, its channels cannot be subscribed to. */
const retries = { attempts: 10, everyMs: 200 } as const;
/** Subscribing or unsubscribing that takes longer has failed: there may be no connection. */
const answerMs = 5000;

/** Resolves to the number of subscribers that Redis has delivered the message to. */
export async function publish(redis: RedisConnection, channel: string, message: string): Promise<number> {
  return redis instanceof Cluster
    ? Number(await redis.spublish(channel, message))
    : await redis.publish(channel, message);
}

/** Calls `listener` with every message that a connection receives, on any channel. Returns the function that stops it. */
export function onMessage(
  subscriber: RedisConnection,
  listener: (channel: Buffer, message: Buffer) => void,
): () => void {
  // The events with buffers: a listener for the others would make ioredis decode each message into a string.
  if (subscriber instanceof Cluster) {
    subscriber.on("smessageBuffer", listener);
    return () => subscriber.off("smessageBuffer", listener);
  }
  subscriber.on("messageBuffer", listener);
  return () => subscriber.off("messageBuffer", listener);
}

/** Resolves when all channels are subscribed. Rejects after some seconds; they may become subscribed later all the same. */
export async function subscribe(subscriber: RedisConnection, ...channels: string[]): Promise<void> {
  await withTimeout<unknown>(answerMs, () =>
    subscriber instanceof Cluster
      ? Promise.all(channels.map((channel) => subscribeWithRetries(subscriber, channel)))
      : subscriber.subscribe(...channels),
  );
}

/** Retries until all channels are subscribed. Rejects only if the connection has been closed. */
export async function untilSubscribed(subscriber: RedisConnection, ...channels: string[]): Promise<void> {
  for (;;) {
    try {
      return await subscribe(subscriber, ...channels);
    } catch (error) {
      if (subscriber.status === "end") throw error;
      await untilReady(subscriber);
    }
  }
}

async function subscribeWithRetries(subscriber: Cluster, channel: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await subscriber.ssubscribe(channel);
      return;
    } catch (error) {
      if (attempt === retries.attempts || subscriber.status === "end") throw error;
      await sleep(retries.everyMs);
    }
  }
}

export async function unsubscribe(subscriber: RedisConnection, ...channels: string[]): Promise<void> {
  await withTimeout<unknown>(answerMs, () =>
    subscriber instanceof Cluster
      ? Promise.all(channels.map((channel) => subscriber.sunsubscribe(channel)))
      : subscriber.unsubscribe(...channels),
  );
}

/**
 * Calls `listener` each time the subscriber, or on a Cluster one of its connections, has reconnected: messages were missed, and
 * `untilResubscribed` tells when new ones arrive again. Returns the function that stops it.
 */
export function onReconnect(subscriber: RedisConnection, listener: () => void): () => void {
  if (subscriber instanceof Cluster) {
    subscriber.on("subscribersReady", listener);
    return () => subscriber.off("subscribersReady", listener);
  }
  let first = subscriber.status !== "ready";
  const onReady = (): void => {
    if (first) first = false;
    else listener();
  };
  subscriber.on("ready", onReady);
  return () => subscriber.off("ready", onReady);
}

/** After a reconnection: resolves when these channels, which were subscribed before, are subscribed again. */
export async function untilResubscribed(subscriber: RedisConnection, channels: readonly string[]): Promise<void> {
  if (subscriber instanceof Cluster) {
    // By now ioredis has sent its subscriptions. A master answers in order, so its answer to this follows those to all of them.
    const unused = oneNamePerMaster(subscriber, (n) => `{${n}}`);
    // A master that is away answers nothing; when it or its successor is back, `onReconnect` fires again.
    await Promise.allSettled(unused.map((channel) => withTimeout(answerMs, () => subscriber.sunsubscribe(channel))));
    return;
  }
  for (let at = 0; at < channels.length; at += channelsPerCommand) {
    // No timeout: an unresponsive connection is replaced, which rejects this, and `onReconnect` fires again.
    await subscriber.subscribe(...channels.slice(at, at + channelsPerCommand));
  }
}

/** The beginning of a PUBLISH on a channel, up to the length of its message. */
export function publishHead(channel: string): string {
  return `*3\r\n$7\r\nPUBLISH\r\n$${Buffer.byteLength(channel)}\r\n${channel}\r\n$`;
}

/**
 * PUBLISH of an ASCII message, HOT. ioredis measures the bytes of each argument, which makes V8 copy a text that is joined from parts, and
 * once more for the socket: that was a third of what publishing a frame costs its process.
 */
export class AsciiPublish extends Command {
  readonly #head: string;
  readonly #message: string;

  /**
   * @param head of the channel, from `publishHead`
   * @param message must be ASCII: its length is taken for its bytes
   * @param onReply with the number of subscribers
   */
  constructor(head: string, message: string, onReply: (error: Error | null | undefined, reply: unknown) => void) {
    super("publish", [], {}, onReply);
    this.#head = head;
    this.#message = message;
  }

  override toWritable(): string {
    return `${this.#head}${this.#message.length}\r\n${this.#message}\r\n`;
  }
}
