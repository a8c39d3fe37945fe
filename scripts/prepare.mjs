// Shared by `npm start`, `npm test` and `npm run bench`: on a bare machine with only Node and npm, install or build
// everything else. Plain JavaScript without dependencies, since it runs before any are installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** A problem that the user can fix; the message is one sentence that says how. */
class Problem extends Error {}

/** Runs `steps` one after the other; a Problem ends the process with its message. */
export async function prepare(...steps) {
  process.chdir(root);
  try {
    for (const step of steps) await step();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(`\n${error.message}`);
    process.exit(1);
  }
}

/** npm passes signals on (the scripts in package.json `exec`, since a shell between would not), unless it is killed. */
export function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch); // a second signal would force the end
    process.kill(process.pid, "SIGTERM");
  }, 1000).unref();
}

export function node() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 9)) return;
  throw new Problem(`Node ${process.versions.node} is too old: install Node 20.9 or later from https://nodejs.org.`);
}

export async function dependencies() {
  if (installed()) return;
  say("Installing dependencies (npm ci), once");
  const code = await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], aside);
  if (code !== 0) throw new Problem("The dependencies could not be installed: see above, then run npm ci.");
}

/** Whether node_modules matches the lock file, according to npm's own record of what it installed. */
function installed() {
  const wanted = packagesOf("package-lock.json");
  const there = packagesOf("node_modules/.package-lock.json");
  if (!wanted || !there) return false;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      !path.includes("node_modules/") || entry.optional || entry.link || there[path]?.version === entry.version,
  );
}

function packagesOf(lock) {
  return existsSync(lock) ? JSON.parse(readFileSync(lock, "utf8")).packages : undefined;
}

/** Ensures that a Redis is available: yours, a redis-server, or Docker. */
export async function redis() {
  if (process.env.REDIS_URL || works("redis-server", ["--version"])) return;
  if (process.platform === "linux" && process.getuid?.() === 0 && works("apt-get", ["--version"])) {
    say("Installing redis-server (apt-get), once");
    if (await aptInstall("redis-server")) return;
  }
  if (works("docker", ["info"])) return;
  const command = process.platform === "darwin" ? "brew install redis" : "sudo apt-get install redis-server";
  throw new Problem(
    `There is no Redis here: install one (${command}), start Docker, or set REDIS_URL to one that runs.`,
  );
}

/** Installs a browser if that is possible without asking; tests that need one warn when they are skipped. */
export async function browser() {
  const shell = "chromium-headless-shell";
  if (existsSync(process.env.CHROMIUM_PATH ?? `/usr/bin/${shell}`)) return;
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !works("apt-get", ["--version"])) return;
  say(`Installing ${shell} (apt-get), once`);
  // Tests run in a Chromium with windows, too, only slower: a machine that has one needs no new lists for this.
  const hasChromium = existsSync("/usr/bin/chromium");
  if (!(await aptInstall(shell, { update: !hasChromium })) && !hasChromium) await aptInstall("chromium");
}

/** Installs HAProxy, for tests of the balancer of docker-compose.yml, as above. */
export async function balancer() {
  if (works("haproxy", ["-v"])) return;
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !works("apt-get", ["--version"])) return;
  say("Installing haproxy (apt-get), once");
  await aptInstall("haproxy", { version: "-v" });
}

/** Installs Helm, for tests of the chart, if Go can build it: Debian has no package of it. */
export async function helm() {
  const folder = join(process.env.GOPATH ?? join(homedir(), "go"), "bin"); // where test/deploy/helm.ts looks
  if (works("helm", ["version"]) || works(join(folder, "helm"), ["version"]) || !works("go", ["version"])) return;
  say("Building helm (go install), once: some minutes");
  const options = { ...aside, env: { ...process.env, GOBIN: folder } };
  await run("go", ["install", "helm.sh/helm/v3/cmd/helm@v3.22.0"], options);
}

async function aptInstall(name, { version = "--version", update = true } = {}) {
  const options = { ...aside, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  const install = () => run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", name], options);
  if ((await install()) !== 0 && update) {
    // A fresh machine has no package lists, an old one outdated ones.
    await run("apt-get", ["update", "-qq"], options);
    await install();
  }
  return works(name, [version]);
}

export async function build() {
  say("Compiling");
  if ((await run(bin("tsc"), ["-b"], aside)) !== 0) throw new Problem("The sources do not compile: see above.");
  if ((await run(process.execPath, ["scripts/bundle.mjs"], aside)) !== 0)
    throw new Problem("The SDK was not bundled: see above.");
  if ((await run(process.execPath, ["scripts/bundle-processes.mjs"], aside)) !== 0)
    throw new Problem("The processes were not bundled: see above.");
}

/** The sources of the dashboard. */
const dashboardSources = [
  "services/dashboard/src",
  "services/dashboard/public",
  "services/dashboard/index.html",
  "services/dashboard/vite.config.ts",
  "services/dashboard/package.json",
  "packages/client/src",
  "packages/protocol/src",
  "package-lock.json",
];

/** Builds the dashboard, unless it was built from the same sources. */
export async function dashboard() {
  const hash = createHash("sha256");
  for (const file of dashboardSources.flatMap(filesIn)) hash.update(`${file}\n`).update(readFileSync(file));
  const now = hash.digest("hex");
  const stamp = "services/dashboard/dist/.sources";
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === now) return;
  say("Building the dashboard, once");
  const code = await run(bin("vite"), ["build", "services/dashboard", "--logLevel", "warn"], aside);
  if (code !== 0) throw new Problem("The dashboard was not built: see above.");
  writeFileSync(stamp, now);
}

function filesIn(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(`${path}/${name}`));
}

/** A command of a dependency. */
export function bin(name) {
  return `${root}node_modules/.bin/${name}`;
}

/** Reports what has to be prepared on stderr, so that `npm run -s tapedeck -- import --json FILE | jq` reads only JSON. */
export function say(sentence) {
  console.error(`- ${sentence}`);
}

const aside = { stdio: ["inherit", process.stderr, "inherit"] };

function works(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Runs a command in this terminal and resolves with its exit code. SIGTERM ends the command and then this process. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", cwd: root, ...options });
    let announced = false;
    const pass = () => {
      announced = true;
      child.kill("SIGTERM");
    };
    process.on("SIGTERM", pass);
    child.once("error", (error) => reject(new Problem(`${command} could not be run: ${error.message}.`)));
    child.once("exit", (code, signal) => {
      process.off("SIGTERM", pass);
      if (announced) process.kill(process.pid, "SIGTERM");
      else resolve(signal ? 1 : code);
    });
  });
}
