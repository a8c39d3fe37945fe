import { resolve } from "node:path";
import { accessEnv } from "@tapedeck/access";
import { commonEnv, readConfig } from "@tapedeck/runtime";
import { isFolder, openTapeStore } from "@tapedeck/tape";
import { Command } from "commander";
import { z } from "zod";
import { findRunningCluster } from "../cluster/cluster-file.js";
import { type Finding, fail } from "../doctor/finding.js";
import { checkMachine } from "../doctor/machine.js";
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

/** `tapedeck doctor`: reports problems, and what to change. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("check Redis, the nodes, the tapes and this machine for problems")
    .option("--json", "print the findings as JSON")
    .addHelpText(
      "after",
      "\nIt reads the same environment as a service (REDIS_URL, TAPEDECK_PREFIX, TAPEDECK_STORE, HOST, AUTH_*, ...), and without REDIS_URL checks\n" +
        "the local cluster (of TAPEDECK_FOLDER). It changes nothing. Exit code: 0 no problem, or only warnings; 1 something has to be fixed.",
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
  // Not with the other commands: it loads what only services need, which takes longer than all the rest of their start.
  const { checkRedisAndNodes } = await import("../doctor/redis.js");
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
    `no local cluster runs in ${folder}, and REDIS_URL is not set`,
    "start one with npm start, or set REDIS_URL to the Redis of the cluster to check",
  );
}

const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

function linesOf({ level, check, what, mend }: Finding): string[] {
  const line = `${marks[level]}  ${check.padEnd(14)}  ${what}`;
  return mend === undefined ? [line] : [line, `${" ".repeat(22)}-> ${mend}`];
}
