// Builds all images with docker-bake.hcl, labelled with version and commit: npm run images -- [bake's options].
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cwd = fileURLToPath(new URL("..", import.meta.url));
const git = (...args) => spawnSync("git", args, { cwd, encoding: "utf8" }).stdout?.trim() ?? "";

const { version } = JSON.parse(readFileSync(`${cwd}package.json`, "utf8"));
const changed = git("status", "--porcelain") === "" ? "" : "-changed";
const env = {
  VERSION: version,
  REVISION: `${git("rev-parse", "HEAD")}${changed}`,
  // The commit's time: the same commit gives the same image.
  CREATED: git("log", "-1", "--format=%cI"),
  SOURCE: webAddress(git("config", "--get", "remote.origin.url")),
  ...process.env,
};
const { status, error } = spawnSync("docker", ["buildx", "bake", "--file=docker-bake.hcl", ...process.argv.slice(2)], {
  cwd,
  env,
  stdio: "inherit",
});
if (error) console.error(`Docker cannot be run (${error.message}): install it with its plugin buildx.`);
process.exit(status ?? 1);

/** The address without credentials; empty if it is not a web address. */
function webAddress(remote) {
  if (!/^https?:/.test(remote)) return "";
  const { origin, pathname } = new URL(remote);
  return origin + pathname.replace(/\.git$/, "");
}
