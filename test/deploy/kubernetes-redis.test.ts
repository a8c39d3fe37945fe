import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { accountNames } from "@tapedeck/sessions";
import { describe, expect, test } from "vitest";
import { waysOut } from "./network-policies.js";
import { podsOf } from "./overlays.js";
import { serviceNames } from "./settings.js";
import { shipped } from "./shipped.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const component = "k8s/components/redis-accounts";
/** Networks that exchanges are not in: private ones, and that of the address at which clouds hand out credentials. */
const inside = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"];

describe.each(shipped)("$name", ({ name: what, render }) => {
  const objects = render();
  const pods = podsOf(objects);
  const podOf = (wanted: string) => pods.find(({ kind, name }) => kind === "Deployment" && name === wanted);
  const outOf = (wanted: string) => waysOut(objects, podOf(wanted)?.labels ?? {}) ?? [];
  const bucket = objects.some(({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === "bucket");

  test("[DP58] each pod receives only the address of its own Redis user", () => {
    for (const name of [...serviceNames, "cli"]) {
      const [container] = podOf(name)?.spec.containers ?? [];
      const references = container?.env.flatMap(({ valueFrom, ...variable }) =>
        valueFrom?.secretKeyRef === undefined ? [] : { variable: variable.name, ...valueFrom.secretKeyRef },
      );
      expect(references).toEqual([{ variable: "REDIS_URL", name: "redis", key: name === "cli" ? "operator" : name }]);
      expect(container?.envFrom.map(({ secretRef }) => secretRef?.name)).not.toContain("redis");
    }
  });

  test("[DP58] only secrets hold Redis passwords", () => {
    for (const object of objects.filter(({ kind }) => kind !== "Secret")) {
      expect(JSON.stringify(object)).not.toMatch(/rediss?(\+\w+)?:\/\/[^"\s]*:[^"\s]*@(?!HOST)/);
    }
    const made = objects.filter(({ kind, metadata }) => kind === "Secret" && metadata.name === "redis");
    expect(made.length, what).toBe(what.includes("every option") ? 1 : 0);
  });

  test("[DP59] a ticker and the command line may connect only to DNS and Redis, and to the bucket if tapes are in one", () => {
    for (const name of ["ticker", "cli"]) {
      const ports = outOf(name).flatMap((way) => way.ports.map(({ port }) => port));
      const others = ports.filter((port) => ![53, 6379, 6380, 26379].includes(Number(port)));
      expect(others.filter((port) => port !== 9000)).toEqual(bucket ? [443] : []);
    }
  });

  test("[DP59] a feed may connect to exchanges on the internet, and to no private address", () => {
    const exchanges = outOf("feed").filter(({ ports }) => ports.some(({ port }) => port === 8443));
    expect(exchanges).toMatchObject([
      { to: [{ ipBlock: { cidr: "0.0.0.0/0", except: inside } }, { ipBlock: { cidr: "::/0" } }] },
    ]);
  });

  test("[DP59] an included Redis is the only Redis that services can reach, and connects only to its own nodes", () => {
    const servers = pods.filter(({ kind, name }) => kind === "StatefulSet" && name.startsWith("redis"));
    for (const { name, labels } of servers) {
      for (const service of serviceNames) {
        const toRedis = outOf(service).filter(({ ports }) => ports.some(({ port }) => port === 6379));
        expect(toRedis).toMatchObject([{ to: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": name } } }] }]);
      }
      const out = waysOut(objects, labels);
      if (name === "redis") expect(out).toEqual([]);
      else expect(JSON.stringify(out)).not.toContain("ipBlock");
      for (const way of out ?? []) expect(way.to).toHaveLength(1);
    }
    expect(servers).toHaveLength(/local|redis-cluster/.test(what) ? 1 : 0);
  });
});

test("[DP57] the guide's command creates a key for every user, each with a different password", () => {
  const [, command = ""] = /^ *(for user in [^\n]*done) > redis\.env$/m.exec(read("docs/kubernetes.md")) ?? [];
  const { stdout } = spawnSync("sh", ["-c", `address=redis.example.com:6380 scheme=rediss; ${command}`], {
    encoding: "utf8",
  });
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line) => line.split("=")[0])).toEqual([...accountNames]);
  for (const line of lines) {
    expect(line).toMatch(/^(\w+)=rediss:\/\/\1:[0-9a-f]{48}@redis\.example\.com:6380$/);
  }
  expect(new Set(lines.map((line) => line.split("=")[1]?.split(":")[2])).size).toBe(lines.length);
});

test.each([
  ["redis://redis:6379", "no user"],
  ["redis://gateway:@redis:6379", "an empty password"],
  ["redis://api:abc@redis:6379", "another user's"],
  ["redis://gateway:a%20b@redis:6379", "a password that is written otherwise in an address"],
])("[DP57] Redis does not start with the address %s: %s", (address) => {
  const folder = mkdtempSync(join(tmpdir(), "tapedeck-start-"));
  try {
    writeFileSync(join(folder, "gateway"), address);
    const args = [join(root, component, "start.sh"), "/dev/null", folder, folder, "--port", "0"];
    const { status, stderr } = spawnSync("sh", args, { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toContain("The key gateway of the secret redis must have the form redis://gateway:PASSWORD@HOST");
    expect(stderr).not.toContain(address);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("[DP57] a node of a Redis Cluster does not start without the user of its nodes", () => {
  const folder = mkdtempSync(join(tmpdir(), "tapedeck-start-"));
  try {
    writeFileSync(join(folder, "api"), "redis://api:abc@redis:6379");
    const settings = join(root, "k8s/components/redis-cluster/redis.conf");
    const { status, stderr } = spawnSync("sh", [join(root, component, "start.sh"), settings, folder, folder], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining("The secret redis has no key node")]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
