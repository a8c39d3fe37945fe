import { once } from "node:events";
import { resolve } from "node:path";
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
import { startupWarnings } from "./early-warnings.js";
import { prepareTapes } from "./prepare-tapes.js";

const env = z.object({
  ...accessEnv,
  PORT: port.default(8000),
  /** Address that the balancer listens on; 0.0.0.0 lets other machines in. */
  HOST: commonEnv.HOST,
  REDIS_URL: commonEnv.REDIS_URL.removeDefault().optional(),
  TAPEDECK_PREFIX: commonEnv.TAPEDECK_PREFIX,
  /** Folder of Redis's data, the logs and cluster.json, and of the tapes unless TAPEDECK_STORE says otherwise. */
  TAPEDECK_FOLDER: z.string().default(resolve(home, ".tapedeck")),
  TAPEDECK_STORE: commonEnv.TAPEDECK_STORE.removeDefault().optional(),
  S3_ENDPOINT: commonEnv.S3_ENDPOINT,
  TAPEDECK_GATEWAYS: integer("gateways", { min: 1, max: 32 }).default(2),
  TAPEDECK_APIS: integer("apis", { min: 1, max: 32 }).default(2),
  TAPEDECK_TICKERS: integer("tickers", { min: 1, max: 32 }).default(2),
  /** Without one LIVE shows nothing. */
  TAPEDECK_FEEDS: integer("feeds", { min: 0, max: 32 }).default(1),
});

/** `tapedeck up`: a whole cluster on this machine, until Ctrl-C. */
export function upCommand(): Command {
  return new Command("up")
    .description("run a whole local cluster: Redis, gateways, apis, tickers, a feed and a balancer in front of them")
    .option("--import <path...>", "recordings to import first, as `tapedeck import` does")
    .option("--keep-partial", "import also files that are cut short or damaged, what can be read of them")
    .action((options: { import?: string[]; keepPartial?: boolean }) =>
      up(options.import ?? [], options.keepPartial ?? false),
    );
}

async function up(recordings: readonly string[], keepPartial: boolean): Promise<void> {
  if (repository === undefined) {
    throw new UserError(
      "tapedeck up starts the services, which only the repository of Tapedeck has: run npm start there. " +
        "All other commands work from here, with --url for a cluster elsewhere.",
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
    prepare: async () => {
      const endpoint = config.S3_ENDPOINT;
      await prepareTapes({ store, endpoint, recordings, keepPartial, tell, signal: ending.signal });
      tell("Starting the services");
    },
    tell,
  });
  const stopListening = onEndSignals({
    end: () => {
      tell("Stopping; press Ctrl-C again to end the services at once");
      ending.abort();
      void cluster.stop();
    },
    force: async (signal) => {
      tell("Ending the services at once; Redis saves its data first");
      await cluster.kill();
      stopListening();
      process.kill(process.pid, signal); // npm reports an exit code of its own kind as an error, but not a signal
    },
  });
  // A terminal that was closed takes no more output. The cluster ends in order all the same.
  ignoreOutputErrors();

  tell("Starting Redis and the balancer");
  try {
    await cluster.start();
  } catch (error) {
    if (ending.signal.aborted) return tell("Stopped");
    throw error;
  }
  for (const sentence of await startupWarnings(`${folder}/logs`)) tell(sentence);
  print(...whereToLook(cluster, folder).split("\n"));

  await ended;
  await cluster.stop();
}

function whereToLook({ url, redisUrl, gateways, apis, tickers, feeds }: Cluster, folder: string): string {
  const ws = url.replace(/^http/, "ws");
  return `
Tapedeck is playing at ${url}  (${counted(gateways, "gateway")}, ${counted(apis, "api")}, ${counted(tickers, "ticker")}, ${counted(feeds, "feed")})

  API             ${url}/docs
  Make a session  curl ${url}/sessions/create --json '{"session_id":"demo"}'
  Play it         curl -X POST ${url}/replay/start/demo
  Watch it        ${ws}/ws/demo
  Go live         curl -X POST ${url}/mode/demo --json '{"mode":"LIVE","source":"SIM"}'
  Redis           redis-cli -u ${redactAddress(redisUrl)}
  Logs            ${folder}/logs

Ctrl-C stops everything.
`;
}

function counted({ length }: readonly unknown[], what: string): string {
  return `${length} ${what}${length === 1 ? "" : "s"}`;
}
