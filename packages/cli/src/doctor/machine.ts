import { spawnSync } from "node:child_process";
import { type AccessConfig, checkExposure } from "@tapedeck/access";
import { ConfigError } from "@tapedeck/runtime";
import { type Finding, fail, ok, warn } from "./finding.js";

/** A gateway's sockets are files, and so are its connections to Redis. */
const leastFiles = 4_096;

/** What this shell would give to a service that is started from it. */
export function checkMachine(config: AccessConfig & { readonly HOST: string }): Finding[] {
  return [node(), files(), exposure(config)];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 9)) return ok("node", process.versions.node);
  return fail("node", process.versions.node, "use Node 20.9 or later");
}

function files(): Finding {
  const limit = spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).stdout.trim();
  if (limit === "unlimited" || Number(limit) >= leastFiles) return ok("open files", limit);
  return warn("open files", `a process here may open ${limit}: so many sockets, and fewer`, "ulimit -n 65536");
}

function exposure(config: AccessConfig & { readonly HOST: string }): Finding {
  try {
    checkExposure("a service", config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return fail("access", error.message, "docs/security.md has the ways to know users");
  }
  const hasKey = config.AUTH_JWT_SECRET !== undefined || config.AUTH_JWKS_URL !== undefined;
  if (hasKey || config.WITHOUT_AUTHENTICATION === undefined) return ok("access", `HOST is ${config.HOST}`);
  return warn("access", "anyone who reaches it may use it", "AUTH_JWKS_URL or AUTH_JWT_SECRET, unless that is meant");
}
