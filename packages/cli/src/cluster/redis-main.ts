import { spawn } from "node:child_process";
import { announceReady, commonEnv, port, readConfig } from "@tapedeck/runtime";
import { z } from "zod";
import { codeOf } from "./problem.js";

/**
 * The cluster's own Redis under a supervisor of its own: redis-server knows nothing of the process that started it, so
 * this one ends it when the cluster is gone, however that happened.
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

const settings = [
  ...["--save", "60 1", "--appendonly", "no"],
  ...["--maxmemory-policy", "noeviction"], // BullMQ's leases must not be evicted
  ...["--client-output-buffer-limit", "pubsub 256mb 128mb 60"], // a gateway that stutters is not to be cut off
];

const saveBudgetMs = 5000;

function start(command: string, args: string[]): void {
  const server = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  server.stdout.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    if (said.includes("Ready to accept connections")) return;
    said += chunk.toString();
    if (said.includes("Ready to accept connections")) announceReady({ url: `redis://127.0.0.1:${config.PORT}` });
  });
  server.once("error", (error) => {
    if (codeOf(error) === "ENOENT" && command === "redis-server") return startContainer();
    process.stderr.write(
      "There is no Redis: install redis-server (Debian: apt-get install redis-server; macOS: brew install redis), " +
        "or set REDIS_URL to one that runs.\n",
    );
    process.exit(1);
  });
  server.once("exit", (code, signal) => process.exit(signal ? 0 : (code ?? 1)));
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      server.kill("SIGTERM");
      // Redis does not end while it cannot save, as when its disk is full or its folder is gone.
      setTimeout(() => server.kill("SIGKILL"), saveBudgetMs);
    });
  }
}

/** Without a redis-server on the PATH, one in Docker; its data lasts as long as the container. */
function startContainer(): void {
  const publish = ["-p", `127.0.0.1:${config.PORT}:6379`];
  start("docker", ["run", "--rm", ...publish, config.REDIS_IMAGE, "redis-server", ...settings]);
}

start("redis-server", ["--port", `${config.PORT}`, "--bind", "127.0.0.1", "--dir", config.REDIS_FOLDER, ...settings]);
