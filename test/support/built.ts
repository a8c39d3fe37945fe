import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The file of a process of the local cluster, or of the command line. */
export function programOf(
  name: "api" | "gateway" | "ticker" | "feed" | "venue" | "balancer" | "redis" | "tapedeck",
): string {
  return `${root}dist/${name}.js`;
}

/** Before a run that starts processes: they are what was compiled last. */
export function setup(): void {
  if (process.env.TAPEDECK_TEST_BUILT) return; // by npm test, for all of its parts
  execFileSync(process.execPath, ["scripts/bundle-processes.mjs"], { cwd: root, stdio: "inherit" });
}
