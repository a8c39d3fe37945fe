import { randomUUID } from "node:crypto";
import {
  connectRedis,
  createHealth,
  createLogger,
  createMetrics,
  RequestGuard,
  startRedisClock,
} from "@tapedeck/runtime";
import { readVenueConfig } from "../config.js";
import { type RunningVenue, startVenue } from "../venue.js";

export interface TestVenueOptions {
  readonly redisUrl: string;
  /** Of the connection that hears messages, if that is another one. */
  readonly subscriberUrl?: string;
  /** Folder of the tapes. */
  readonly store: string;
  /** Key prefix, to share a cluster with another node; a random one otherwise. */
  readonly prefix?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface TestVenue extends RunningVenue {
  end(): Promise<void>;
}

/** One venue node on its own port, with a real Redis. */
export async function startTestVenue({
  redisUrl,
  subscriberUrl = redisUrl,
  store,
  prefix,
  env,
}: TestVenueOptions): Promise<TestVenue> {
  const config = readVenueConfig({
    REDIS_URL: redisUrl,
    TAPEDECK_STORE: store,
    TAPEDECK_PREFIX: prefix ?? `test-${randomUUID()}`,
    NODE_ID: `venue-${randomUUID()}`,
    SIMULATION_WARM_UP: "off",
    UNREADY_MS: "0",
    DRAIN_MS: "100",
    ...env,
  });
  const log = createLogger({ service: "venue", node: config.NODE_ID, level: "silent" });
  const connect = (purpose: "commands" | "subscriber", url: string) =>
    connectRedis({ url, purpose, name: config.NODE_ID, log });
  const redis = { commands: connect("commands", redisUrl), subscriber: connect("subscriber", subscriberUrl) };
  const clock = await startRedisClock(redis.commands, { log });
  const metrics = createMetrics("venue", config.NODE_ID);
  const guard = new RequestGuard(config);
  const venue = await startVenue({ config, guard, log, health: createHealth(), metrics, redis, now: clock.now });
  return {
    ...venue,
    async end() {
      await venue.drain();
      await venue.stopServing();
      await venue.stop();
      clock.stop();
      for (const connection of Object.values(redis)) connection.disconnect();
    },
  };
}
