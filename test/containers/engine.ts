import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { output, works } from "./command.js";
import { debianMirror } from "./debian.js";

/** Of docker compose: the test's own override file says `!override`, which is younger than what docker-compose.yml needs. */
const leastCompose = [2, 24, 4];

/** A Docker engine with compose and BuildKit: `env` is what makes `docker` talk to it. */
export interface Engine {
  readonly env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** Why there is none, and what mends that. */
export class NoEngine extends Error {}

/**
 * The engine that runs here. `npm run test:containers`, as root on Debian, installs one where none is and starts it for the time of the
 * test, with folders and a socket of its own; `npm test` leaves a machine without an engine as it is.
 *
 * @throws NoEngine
 */
export async function someEngine(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-engine-"));
  const started: ChildProcess[] = [];
  const stop = async () => {
    for (const child of started) await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { env: await environment(folder, started), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function environment(folder: string, started: ChildProcess[]): Promise<NodeJS.ProcessEnv> {
  let env: NodeJS.ProcessEnv = { ...process.env, DOCKER_BUILDKIT: "1" };
  const isAskedFor = process.env.TAPEDECK_TEST_CONTAINERS !== undefined;
  const mayInstall = isAskedFor && process.getuid?.() === 0 && (await works("apt-get", ["--version"]));
  const ownEngine = process.env.TAPEDECK_TEST_ENGINE === "own";
  if (ownEngine || !(await works("docker", ["info"], { env }))) {
    if (!mayInstall) {
      throw new NoEngine(
        "no Docker engine answers `docker info` here: install one with its compose plugin (https://docs.docker.com/engine/install), or run " +
          "`npm run test:containers` as root on Debian, which does",
      );
    }
    if (!(await works("dockerd", ["--version"]))) await install("docker.io");
    if (ownEngine || !(await works("docker", ["info"], { env }))) env = await startEngine(folder, env, started);
  }
  if (!(await composeIsNewEnough(env))) {
    const least = leastCompose.join(".");
    if (!mayInstall)
      throw new NoEngine(`docker compose is absent or older than ${least}: update docker-compose-plugin`);
    env = await withPlugins(folder, env);
    if (!(await composeIsNewEnough(env)))
      throw new NoEngine(`docker compose ${least} could not be had from Debian's packages`);
  }
  return env;
}

async function composeIsNewEnough(env: NodeJS.ProcessEnv): Promise<boolean> {
  const version = await output("docker", ["compose", "version", "--short"], { env }).catch(() => "");
  const [, ...numbers] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  for (const [nth, least] of leastCompose.entries()) {
    const number = Number(numbers[nth] ?? -1);
    if (number !== least) return number > least;
  }
  return true;
}

export async function install(name: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = ["install", "-y", "-qq", "--no-install-recommends", name];
  if (await works("apt-get", apt, { env })) return;
  // A fresh machine has no package lists.
  await output("apt-get", ["update", "-qq"], { env }).catch(() => "");
  await output("apt-get", apt, { env }).catch((error: unknown) => {
    throw new NoEngine(`${name} could not be installed: ${error}`);
  });
}

async function startEngine(
  folder: string,
  env: NodeJS.ProcessEnv,
  started: ChildProcess[],
): Promise<NodeJS.ProcessEnv> {
  const socket = `unix://${join(folder, "docker.sock")}`;
  const log = join(folder, "dockerd.log");
  const descriptor = openSync(log, "a");
  const places = ["data-root", "exec-root"].flatMap((option) => [`--${option}`, join(folder, option)]);
  const child = spawn("dockerd", ["-H", socket, ...places, "--pidfile", join(folder, "docker.pid")], {
    stdio: ["ignore", descriptor, descriptor],
  });
  started.push(child);
  process.once("exit", () => child.kill("SIGTERM"));
  const own = { ...env, DOCKER_HOST: socket };
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(200)) {
    if (await works("docker", ["info"], { env: own })) return own;
    if (child.exitCode !== null) break;
  }
  throw new NoEngine(`dockerd could not be started here: ${await output("tail", ["-n", "5", log])}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = once(child, "exit");
  child.kill("SIGTERM");
  await end;
}

/** Debian 12 has no compose v2 and a client that may not find a newer one's plugins: those of Debian 13, unpacked beside the engine. */
async function withPlugins(folder: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const mirror = await debianMirror();
  if (mirror === undefined)
    throw new NoEngine("docker compose could not be had from Debian's packages: apt knows none");
  const apart = join(folder, "apt");
  await mkdir(join(apart, "lists"), { recursive: true });
  await mkdir(join(apart, "cache"), { recursive: true });
  await writeFile(join(apart, "debian.list"), `deb ${mirror} trixie main\n`);
  const places = [
    `Dir::Etc::sourcelist=${join(apart, "debian.list")}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State::lists=${join(apart, "lists")}`,
    `Dir::Cache=${join(apart, "cache")}`,
    "APT::Sandbox::User=root",
  ].flatMap((setting) => ["-o", setting]);
  const plugins = join(folder, "config", "cli-plugins");
  await mkdir(plugins, { recursive: true });
  try {
    await output("apt-get", [...places, "update", "-qq"]);
    await output("apt-get", [...places, "download", "docker-compose", "docker-buildx"], { cwd: apart });
    await output("sh", ["-c", 'for package in ./*.deb; do dpkg -x "$package" unpacked; done'], { cwd: apart });
    await cp(join(apart, "unpacked/usr/libexec/docker/cli-plugins"), plugins, { recursive: true });
  } catch (error) {
    throw new NoEngine(`docker compose could not be had from Debian's packages: ${error}`);
  }
  return { ...env, DOCKER_CONFIG: join(folder, "config") };
}
