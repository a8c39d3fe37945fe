import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "ioredis";
import { untilReady } from "./availability.js";
import type { RedisConnection } from "./connect.js";
import { oneNamePerMaster } from "./connect-cluster.js";
import { withTimeout } from "./turns.js";

/*
 * Messages on one Redis, and on a Redis Cluster. There they are sharded: a channel lies on the master that has the slot of its
 * name, so that each master carries its share (decision 0021). Lua scripts follow: `defineScripts`.
 */

/** Channels in one SUBSCRIBE. */
const channelsAtOnce = 1000;
/** While a master's successor is being found, its channels cannot be subscribed to. */
const patience = { attempts: 10, everyMs: 200 } as const;
/** Subscribing or unsubscribing that takes longer has failed: there may be no connection. */
const answerMs = 5000;

/** Resolves to how many subscribers Redis has given it to. */
export async function publish(redis: RedisConnection, channel: string, message: string): Promise<number> {
  return redis instanceof Cluster
    ? Number(await redis.spublish(channel, message))
    : await redis.publish(channel, message);
}

/** Calls `listener` with every message of a connection, whoever subscribed to its channel. Returns what ends that. */
export function onMessage(
  subscriber: RedisConnection,
  listener: (channel: Buffer, message: Buffer) => void,
): () => void {
  // The events with buffers, since a listener for the others would make ioredis turn each message into a string.
  if (subscriber instanceof Cluster) {
    subscriber.on("smessageBuffer", listener);
    return () => subscriber.off("smessageBuffer", listener);
  }
  subscriber.on("messageBuffer", listener);
  return () => subscriber.off("messageBuffer", listener);
}

/** Resolves when all of the channels are heard. Rejects when it takes some seconds; then they may be heard later all the same. */
export async function subscribe(subscriber: RedisConnection, ...channels: string[]): Promise<void> {
  await withTimeout<unknown>(answerMs, () =>
    subscriber instanceof Cluster
      ? Promise.all(channels.map((channel) => subscribeWithRetries(subscriber, channel)))
      : subscriber.subscribe(...channels),
  );
}

/** Subscribes for as long as it takes until all of the channels are heard. Rejects when the connection has been told to end. */
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
      if (attempt === patience.attempts || subscriber.status === "end") throw error;
      await sleep(patience.everyMs);
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
 * Calls `listener` each time that the subscriber, or on a Cluster one of its connections, has been made anew: messages were missed,
 * and `resubscribed` says when they are heard again. Returns what ends that.
 */
export function onReconnect(subscriber: RedisConnection, listener: () => void): () => void {
  if (subscriber instanceof Cluster) {
    subscriber.on("subscribersReady", listener);
    return () => subscriber.off("subscribersReady", listener);
  }
  let first = subscriber.status !== "ready";
  const ready = (): void => {
    if (first) first = false;
    else listener();
  };
  subscriber.on("ready", ready);
  return () => subscriber.off("ready", ready);
}

/** After a reconnection: resolves when these channels, which were subscribed to before, are heard again. */
export async function untilResubscribed(subscriber: RedisConnection, channels: readonly string[]): Promise<void> {
  if (subscriber instanceof Cluster) {
    // ioredis has sent its subscriptions by now. A master answers in order: when it answers this, it has them all.
    const last = oneNamePerMaster(subscriber, (n) => `{${n}}`);
    // One that is away answers nothing; when it or its successor is there, this comes again.
    await Promise.allSettled(last.map((nobodys) => withTimeout(answerMs, () => subscriber.sunsubscribe(nobodys))));
    return;
  }
  for (let at = 0; at < channels.length; at += channelsAtOnce) {
    // No deadline: a connection that does not answer is replaced, which rejects this, and then it comes again.
    await subscriber.subscribe(...channels.slice(at, at + channelsAtOnce));
  }
}
