import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { accessEnv, checkExposure } from "@tapedeck/access";
import { commonEnv, integer, port, readConfig, redactAddress } from "@tapedeck/runtime";
import { isFolder } from "@tapedeck/tape";
import { Command } from "commander";
import { z } from "zod";
import { type Cluster, LocalCluster } from "../cluster/local-cluster.js";
import { home, repository } from "../repository.js";
import { ignoreOutputErrors } from "../run.js";
import { onEndSignals } from "../terminal/end-signals.js";
import { print } from "../terminal/output.js";
import { UserError } from "../user-error.js";
import { prepareTapes } from "./prepare-tapes.js";

const env = z.object({
  ...accessEnv,
  PORT: port.default(8000),
  /** Address that the balancer listens on; 0.0.0.0 admits other machines. */
  HOST: commonEnv.HOST,
  REDIS_URL: commonEnv.REDIS_URL.removeDefault().optional(),
  TAPEDECK_PREFIX: commonEnv.TAPEDECK_PREFIX,
  /** Folder for Redis's data, the logs and cluster.json, and for the tapes unless TAPEDECK_STORE is set. */
  TAPEDECK_FOLDER: z.string().default(resolve(home, ".tapedeck")),
  TAPEDECK_STORE: commonEnv.TAPEDECK_STORE.removeDefault().optional(),
  S3_ENDPOINT: commonEnv.S3_ENDPOINT,
  TAPEDECK_GATEWAYS: integer("gateways", { min: 1, max: 32 }).default(2),
  TAPEDECK_APIS: integer("apis", { min: 1, max: 32 }).default(2),
  TAPEDECK_TICKERS: integer("tickers", { min: 1, max: 32 }).default(2),
  /** Without a feed, LIVE shows nothing. */
  TAPEDECK_FEEDS: integer("feeds", { min: 0, max: 32 }).default(1),
  /** Without a venue, bots cannot connect. */
  TAPEDECK_VENUES: integer("venues", { min: 0, max: 32 }).default(1),
});

/** `tapedeck up`: runs a cluster on this machine until Ctrl-C. */
export function upCommand(): Command {
  return new Command("up")
    .description("run a local cluster: Redis, gateways, apis, tickers, a feed, a venue and a load balancer")
    .option("--import <path...>", "import these recordings first, like `tapedeck import`")
    .option("--keep-partial", "also import the readable part of truncated or damaged files")
    .action((options: { import?: string[]; keepPartial?: boolean }) =>
      up(options.import ?? [], options.keepPartial ?? false),
    );
}

async function up(recordings: readonly string[], keepPartial: boolean): Promise<void> {
  if (repository === undefined) {
    throw new UserError(
      "tapedeck up needs the services, which are only in the Tapedeck repository: run npm start there. " +
        "All other commands work here, with --url for a cluster elsewhere.",
    );
  }
  const config = readConfig("up", env);
  checkExposure("up", config);
  const folder = resolve(home, config.TAPEDECK_FOLDER);
  const place = config.TAPEDECK_STORE ?? `${folder}/tapes`;
  const store = isFolder(place) ? resolve(home, place) : place;
  const tell = (sentence: string, ...more: string[]) => print(`- ${sentence}`, ...more);

  const ending = new AbortController();
  const ended = once(ending.signal, "abort");
  const cluster = new LocalCluster({
    port: config.PORT,
    host: config.HOST,
    redisUrl: config.REDIS_URL,
    prefix: config.TAPEDECK_PREFIX,
    folder,
    store,
    gateways: config.TAPEDECK_GATEWAYS,
    apis: config.TAPEDECK_APIS,
    tickers: config.TAPEDECK_TICKERS,
    feeds: config.TAPEDECK_FEEDS,
    venues: config.TAPEDECK_VENUES,
    prepare: async () => {
      const endpoint = config.S3_ENDPOINT;
      await prepareTapes({ store, endpoint, recordings, keepPartial, tell, signal: ending.signal });
      tell("Starting the services");
    },
    tell,
  });
  const stopListening = onEndSignals({
    end: () => {
      tell("Stopping; press Ctrl-C again to kill the services");
      ending.abort();
      void cluster.stop();
    },
    force: async (signal) => {
      tell("Killing the services; Redis saves its data first");
      await cluster.kill();
      stopListening();
      process.kill(process.pid, signal); // npm reports a nonzero exit code as an error, but not a signal
    },
  });
  // A closed terminal accepts no output, but the cluster must still end in order.
  ignoreOutputErrors();

  tell("Starting Redis and the balancer");
  try {
    await cluster.start();
  } catch (error) {
    if (ending.signal.aborted) return tell("Stopped");
    throw error;
  }
  for (const sentence of await startupWarnings(`${folder}/logs`)) tell(sentence);
  const tradeAt = (await openDemo(cluster.url)) ? demo : "SESSION";
  print(...summary(cluster, folder, tradeAt).split("\n"));

  await ended;
  await cluster.stop();
}

/** The session of the examples that are printed. */
const demo = "demo";

/**
 * Opens that session, so that what is printed works at once and in any order: sockets make a session that does not exist, other addresses don't. Returns
 * false where the cluster wants users to sign in first.
 */
async function openDemo(url: string): Promise<boolean> {
  const body = JSON.stringify({ session_id: demo });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/sessions/create`, { method: "POST", headers, body }).catch(() => undefined);
  return answer?.ok === true;
}

function summary(
  { url, redisUrl, gateways, apis, tickers, feeds, venues }: Cluster,
  folder: string,
  tradeAt: string,
): string {
  const ws = url.replace(/^http/, "ws");
  return `
Tapedeck is playing at ${url}  (${plural(gateways, "gateway")}, ${plural(apis, "api")}, ${plural(tickers, "ticker")}, ${plural(feeds, "feed")}, ${plural(venues, "venue")})

  API             ${url}/docs
  Create session  curl ${url}/sessions/create --json '{"session_id":"${demo}"}'
  Play            curl -X POST ${url}/replay/start/${demo}
  Watch           ${ws}/ws/${demo}
  Go live         curl -X POST ${url}/mode/${demo} --json '{"mode":"LIVE","source":"SIM"}'
${venues.length === 0 ? "" : `  Trade           ${url}/venue/binance/${tradeAt}  (a bot's address of Binance)\n`}\
  Redis           redis-cli -u ${redactAddress(redisUrl)}
  Logs            ${folder}/logs

Ctrl-C stops everything.
`;
}

function plural({ length }: readonly unknown[], what: string): string {
  return `${length} ${what}${length === 1 ? "" : "s"}`;
}

const warning = z.object({ level: z.enum(["warn", "error", "fatal"]), msg: z.string() });

/** The warnings that the services of a cluster logged while they started, once each: users rarely read the logs of a working cluster. */
export async function startupWarnings(folder: string): Promise<string[]> {
  const found = new Map<string, string>();
  for (const file of (await readdir(folder)).sort()) {
    for (const line of (await readFile(join(folder, file), "utf8")).split("\n")) {
      const parsed = warning.safeParse(parseJson(line));
      if (parsed.success) found.set(parsed.data.msg, `${basename(file, ".log")} warns: ${parsed.data.msg}`);
    }
  }
  return [...found.values()];
}

/** Redis's log lines and stack traces are not JSON. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
