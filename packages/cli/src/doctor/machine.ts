import { spawnSync } from "node:child_process";
import { type AccessConfig, checkExposure } from "@tapedeck/access";
import { ConfigError } from "@tapedeck/runtime";
import { type Finding, fail, ok, warn } from "./finding.js";

/** Each socket of a gateway needs a file descriptor, and so does each connection to Redis. */
const minOpenFiles = 4_096;

/** Checks what a service started from this shell would get. */
export function checkMachine(config: AccessConfig & { readonly HOST: string }): Finding[] {
  return [node(), openFiles(), access(config)];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 9)) return ok("node", process.versions.node);
  return fail("node", process.versions.node, "use Node 20.9 or later");
}

function openFiles(): Finding {
  const limit = spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).stdout.trim();
  if (limit === "unlimited" || Number(limit) >= minOpenFiles) return ok("open files", limit);
  return warn(
    "open files",
    `a process may open only ${limit} files, and each socket of a gateway needs one`,
    "ulimit -n 65536",
  );
}

function access(config: AccessConfig & { readonly HOST: string }): Finding {
  try {
    checkExposure("a service", config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return fail("access", error.message, "set up authentication: docs/security.md");
  }
  const hasKey = config.AUTH_JWT_SECRET !== undefined || config.AUTH_JWKS_URL !== undefined;
  if (hasKey || config.WITHOUT_AUTHENTICATION === undefined) return ok("access", `HOST is ${config.HOST}`);
  return warn(
    "access",
    "anyone who can reach it may use it",
    "set AUTH_JWKS_URL or AUTH_JWT_SECRET, unless this is intended",
  );
}
