import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { announceReady, commonEnv, endWithParent, port, readConfig } from "@tapedeck/runtime";
import { z } from "zod";
import { printError } from "../terminal/output.js";
import { UserError } from "../user-error.js";
import { enableAppendOnlyFile, hasAppendOnlyFile, until } from "./append-only-file.js";
import { acceptsConnections } from "./ports.js";

/**
 * Runs the cluster's own Redis: redis-server does not watch its parent process, so this process ends it when the cluster ends, however that
 * happens.
 */
const config = readConfig(
  "redis",
  z.object({
    PORT: port,
    REDIS_FOLDER: z.string(),
    LOG_LEVEL: commonEnv.LOG_LEVEL,
    REDIS_IMAGE: z.string().default("redis:7-alpine"),
  }),
);
const folder = config.REDIS_FOLDER;
const url = `redis://127.0.0.1:${config.PORT}`;

process.chdir(folder);
/** The same name for the same folder, whatever path leads to it. */
const name = `tapedeck-${createHash("sha256").update(process.cwd()).digest("hex").slice(0, 12)}`;
/** Not in the folder: its path may be too long for a socket, and some file systems do not support sockets. */
const socket = join(tmpdir(), `${name}.sock`);

/** A Redis that ends normally writes all its data. If it is killed, or the power fails, it loses at most two seconds. */
const settings = [
  ...["--save", "", "--appendfsync", "everysec"],
  ...["--aof-load-truncated", "yes"], // a write that a kill truncated is lost, but Redis still starts
  ...["--maxmemory-policy", "noeviction"], // leases must not be evicted
  ...["--client-output-buffer-limit", "pubsub 256mb 128mb 60"], // a gateway that falls behind for a moment stays connected
];

/**
 * A shell script that runs a command until the pipe at its descriptor 3 closes, then asks the command to end, and kills it after five
 * seconds. The other end of the pipe closes with this process, even if this process is killed. The exit code is the command's.
 */
const keeper = `
  "$@" 3<&- & server=$!
  { cat; for signal in TERM TERM TERM TERM TERM KILL; do kill -$signal $server || break; sleep 1; done; } <&3 >/dev/null 2>&1 &
  keeper=$!
  wait $server
  code=$?
  kill $keeper
  exit $code
`;

/** If the previous cluster was killed a moment ago, its Redis still writes to the same files. */
const predecessorBudgetMs = 10_000;

let server: ChildProcess | undefined;
/** Whether Redis was asked to end: then its exit code, perhaps that of a signal, is not a failure. */
let ending = false;
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
endWithParent();
await start().catch(fail);

/** The keeper's pipe closes with this process, and so Redis ends too. */
function fail(error: unknown): never {
  printError(...(error instanceof UserError ? error.message : String(error)).split("\n"));
  process.exit(1);
}

/** Closes the keeper's pipe; this process ends when the keeper does. */
function end(): void {
  ending = true;
  if (!server) process.exit(0);
  const pipe = server.stdio[3];
  if (pipe && "destroy" in pipe) pipe.destroy();
}

async function start(): Promise<void> {
  if (works("redis-server", "--version")) return await startServer();
  if (works("docker", "--version")) return startContainer();
  throw new UserError(
    "Redis is not installed: install redis-server (Debian: apt-get install redis-server; macOS: brew install redis), " +
      "or set REDIS_URL to a Redis that is running.",
  );
}

async function startServer(): Promise<void> {
  const isFree = async () => !(await acceptsConnections({ path: socket }));
  await until(isFree, predecessorBudgetMs, `Another Redis uses ${folder}: stop the cluster that it belongs to first.`);
  const continued = await hasAppendOnlyFile(folder);
  const place = ["--port", `${config.PORT}`, "--bind", "127.0.0.1", "--dir", folder, "--unixsocket", socket];
  keep(["redis-server", ...place, "--appendonly", continued ? "yes" : "no", ...settings], async () => {
    if (!continued) await enableAppendOnlyFile(url, folder);
  });
}

/** Runs Redis in Docker, if there is no redis-server. Its data is in a volume, because in a mounted folder the owners would change. */
function startContainer(): void {
  // A container outlives a killed docker command.
  spawnSync("docker", ["rm", "--force", name], { stdio: "ignore" });
  const place = ["--name", name, "-p", `127.0.0.1:${config.PORT}:6379`, "-v", `${name}:/data`];
  keep(["docker", "run", "--rm", ...place, config.REDIS_IMAGE, "redis-server", "--appendonly", "yes", ...settings]);
}

/** Runs a Redis that ends with this process, and announces it once it accepts connections and `prepare` is done. */
function keep(command: readonly string[], prepare = async () => {}): void {
  const child = spawn("sh", ["-c", keeper, "sh", ...command], { stdio: ["ignore", "pipe", "inherit", "pipe"] });
  server = child;
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    if (output.includes("Ready to accept connections")) return;
    output += chunk.toString();
    if (!output.includes("Ready to accept connections")) return;
    prepare().then(
      () => announceReady({ url }),
      (error: unknown) => {
        if (ending) return;
        fail(error);
      },
    );
  });
  child.once("error", fail);
  child.once("exit", (code) => {
    process.exitCode = ending ? 0 : (code ?? 1);
    end(); // also closes the pipe, which remaining processes of the keeper may hold open
  });
  // Redis's last output reaches the log before this process ends.
  child.once("close", () => process.exit());
}

function works(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}
