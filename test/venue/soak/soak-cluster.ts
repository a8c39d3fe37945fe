import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCluster } from "@tapedeck/cli";
import { WebSocket } from "ws";
import { FakeBinance } from "../../support/exchange/binance.js";
import { Http } from "../../support/http.js";
import { startRedisServer } from "../../support/redis-server.js";
import { Tapes } from "../../support/tapes.js";
import { venueAddress, venueKey } from "../../support/venue-bot.js";
import type { Account } from "./clients.js";
import { liveMarket, openMarket, recording } from "./market.js";

/** What the run needs of its cluster. */
export interface SoakCluster {
  readonly http: Http;
  /** A session's venue, on one of the nodes. */
  venue(session: string, account: Account, node: number): string;
  key(session: string): Promise<{ readonly apiKey: string; readonly secret: string }>;
  /** Plays the live market from now on, so that it has a past. */
  beginLiveMarket(): Promise<void>;
  readonly folder: string;
  stop(): Promise<void>;
}

/** A real cluster with two venues, a Redis of its own, and a stand-in for the exchange. */
export async function startSoakCluster(): Promise<SoakCluster> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-soak-"));
  const redis = await startRedisServer();
  const exchange = new FakeBinance();
  await exchange.open();
  exchange.market(liveMarket.symbol).run();
  const tapes = new Tapes(join(folder, "tapes"));
  await tapes.recorded(recording);
  const cluster = await startCluster({
    ...{ gateways: 1, apis: 1, tickers: 1, feeds: 1, venues: 2, port: 0 },
    ...{ redisUrl: redis.url, prefix: `soak-${randomBytes(4).toString("hex")}`, store: tapes.folder, folder },
    env: {
      all: {
        ...{ DEFAULT_TAPE: recording, LOG_LEVEL: process.env.LOG_LEVEL ?? "info", SIMULATION_WARM_UP: "off" },
        ...{ BINANCE_URL: exchange.url, BINANCE_REST_URL: exchange.restUrl, REQUEST_WEIGHT: "100000000" },
      },
    },
    tell: (sentence) => appendFileSync(join(folder, "messages.log"), `${sentence}\n`),
  });
  const http = new Http(cluster.apis.map(({ url }) => url));
  const venue = (session: string, account: Account, node: number) =>
    venueAddress(cluster, session, account, node % cluster.venues.length);
  let listener: WebSocket | undefined;
  return {
    ...{ http, venue, folder },
    key: (session) => venueKey(cluster, session),
    beginLiveMarket: async () => {
      const id = await openMarket(http, "live", 1, 0);
      listener = new WebSocket(`${venue(id, "spot", 0).replace(/^http/, "ws")}/ws/btcusdt@bookTicker`);
      listener.on("error", () => {}); // at the run's end
    },
    stop: async () => {
      listener?.terminate();
      await cluster.stop();
      await cluster.kill();
      await exchange.close();
      await redis.stop();
      if (!process.env.TAPEDECK_KEEP_LOGS) await rm(folder, { recursive: true, force: true });
    },
  };
}
