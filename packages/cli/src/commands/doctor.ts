import { resolve } from "node:path";
import { accessEnv } from "@tapedeck/access";
import { commonEnv, readConfig } from "@tapedeck/runtime";
import { isFolder, openTapeStore } from "@tapedeck/tape";
import { Command } from "commander";
import { z } from "zod";
import { findRunningCluster } from "../cluster/running-cluster.js";
import { type Finding, fail } from "../doctor/finding.js";
import { checkMachine } from "../doctor/machine.js";
import { checkRedisAndNodes } from "../doctor/redis-and-nodes.js";
import { checkTapes } from "../doctor/tapes.js";
import { home } from "../repository.js";
import { print, printJson } from "../terminal/output.js";

const env = z.object({
  ...accessEnv,
  REDIS_URL: commonEnv.REDIS_URL.removeDefault().optional(),
  TAPEDECK_PREFIX: commonEnv.TAPEDECK_PREFIX,
  TAPEDECK_STORE: commonEnv.TAPEDECK_STORE.removeDefault().optional(),
  S3_ENDPOINT: commonEnv.S3_ENDPOINT,
  HOST: commonEnv.HOST,
  TAPEDECK_FOLDER: z.string().default(".tapedeck"),
});

/** `tapedeck doctor`: what is wrong, and what to change. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("look for what is wrong with Redis, the nodes, the tapes and this machine")
    .option("--json", "print the findings as JSON")
    .addHelpText(
      "after",
      "\nIt reads the environment that a service would (REDIS_URL, TAPEDECK_PREFIX, TAPEDECK_STORE, HOST, AUTH_*, ...), and looks at the local\n" +
        "cluster (of TAPEDECK_FOLDER) where that names no Redis. It changes nothing. Exit code: 0 all is well or may stay as it is, 1 something has to be mended.",
    )
    .action(doctor);
}

async function doctor({ json }: { json?: boolean }): Promise<void> {
  const config = readConfig("doctor", env);
  const folder = resolve(home, config.TAPEDECK_FOLDER);
  const local = await findRunningCluster(folder);
  const redisUrl = config.REDIS_URL ?? local?.redis;
  const asked = config.TAPEDECK_STORE ?? local?.store ?? `${folder}/tapes`;
  const place = isFolder(asked) ? resolve(home, asked) : asked;
  const findings = [
    ...checkMachine(config),
    ...(redisUrl === undefined ? [noCluster(folder)] : await checkRedisAndNodes(redisUrl, config.TAPEDECK_PREFIX)),
    ...(await checkTapes(() => openTapeStore(place, config.S3_ENDPOINT), place)),
  ];
  if (json) printJson(findings, 2);
  else for (const finding of findings) print(...linesOf(finding));
  if (findings.some(({ level }) => level === "fail")) process.exitCode = 1;
}

function noCluster(folder: string): Finding {
  return fail(
    "cluster",
    `no local cluster of ${folder} runs, and REDIS_URL names no other`,
    "start one with npm start, or set REDIS_URL to the Redis of the cluster to look at",
  );
}

const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

function linesOf({ level, check, what, mend }: Finding): string[] {
  const said = `${marks[level]}  ${check.padEnd(14)}  ${what}`;
  return mend === undefined ? [said] : [said, `${" ".repeat(22)}-> ${mend}`];
}
