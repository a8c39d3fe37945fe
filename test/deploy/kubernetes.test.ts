import { readFileSync } from "node:fs";
import { clientAddress, trustedProxies } from "@tapedeck/runtime";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { kubernetesRelease } from "./kubernetes-schema.js";
import { type Container, type KubernetesObject, podsOf, renderer } from "./overlays.js";
import { type ServiceName, serviceNames, settingsOf } from "./settings.js";
import { shipped } from "./shipped.js";

if (renderer === undefined) {
  process.stderr.write("SKIPPED: the Kubernetes manifests, since there is neither kubectl nor kustomize here.\n");
}
const guide = readFileSync(new URL("../../docs/kubernetes.md", import.meta.url), "utf8");

test.each([
  ["kubernetes-oldest", "1.32"],
  ["kubernetes-newest", "1.36"],
])("[DP1] the models of %s find the errors of an object", async (client, expected) => {
  const { release, problemsOf } = await kubernetesRelease(client);
  expect(release).toBe(expected);
  const spec = { ports: [{ port: "http", targetPrt: 80 }], selector: { app: 1 } };
  expect(problemsOf({ apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec })).toEqual([
    "Service.spec.ports[0].port is not a number",
    "Service.spec.ports[0].targetPrt is unknown",
    "Service.spec.selector.app is not a string",
  ]);
  expect(problemsOf({ apiVersion: "apps/v1", kind: "Deployment", metadata: {}, spec: { template: {} } })).toEqual([
    "Deployment.spec.selector is missing",
  ]);
});

describe.each(shipped)("$name", ({ render }) => {
  const objects = render();
  const pods = podsOf(objects);
  const services = pods.filter(({ name }) => serviceNames.some((service) => service === name));

  test.each(["kubernetes-oldest", "kubernetes-newest"])(
    "[DP1] holds nothing that %s would not take",
    async (client) => {
      const { problemsOf } = await kubernetesRelease(client);
      expect(objects.flatMap(problemsOf)).toEqual([]);
    },
  );

  test("[DP2] every pod meets the restricted standard, is read-only and has no service account token", () => {
    for (const { name, spec } of pods) {
      expect([name, spec.automountServiceAccountToken, spec.serviceAccountName]).toEqual([name, false, "tapedeck"]);
      expect([name, spec.securityContext]).toMatchObject([
        name,
        { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      ]);
      for (const { securityContext, resources } of spec.containers) {
        expect([name, securityContext]).toMatchObject([
          name,
          { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
        ]);
        expect([name, Object.keys(resources.limits), Object.keys(resources.requests)]).toEqual([
          name,
          ["memory"],
          ["cpu", "memory"],
        ]);
      }
    }
  });

  test("[DP3] every setting is known to its service and has a valid value", () => {
    const shared = new Map(serviceNames.map((service) => [service, new Set<string>()]));
    for (const { name, spec } of services) {
      const service = serviceNames.find((known) => known === name) ?? "api";
      const [container] = spec.containers;
      expect(settingsOf(service, ownSettings(container)).unknown).toEqual([]);
      const all = { ...sharedSettings(objects, container), ...ownSettings(container), ...secrets };
      shared.set(service, new Set(settingsOf(service, all).unknown));
    }
    // A setting for all may mean something to one alone, but not to none.
    const unknownToAll = [...(shared.get("api") ?? [])].filter((name) =>
      [...shared.values()].every((s) => s.has(name)),
    );
    expect(unknownToAll).toEqual([]);
  });

  test("[DP4] the grace period is longer than a pod's own shutdown", () => {
    for (const { name, spec } of services) {
      const { config } = settings(objects, name, spec.containers[0]);
      const number = (setting: string) => Number(config[setting] ?? 0);
      const needed =
        name === "gateway"
          ? number("UNREADY_MS") + number("DRAIN_MS") + 5_000
          : number("UNREADY_MS") + number("SHUTDOWN_MS");
      expect(spec.terminationGracePeriodSeconds * 1000 - needed, name).toBeGreaterThanOrEqual(10_000);
    }
  });

  test("[DP4] the ingress notices an unready pod before the pod closes sockets", () => {
    for (const { name, spec } of services.filter(({ name }) => name === "api" || name === "gateway")) {
      const { config } = settings(objects, name, spec.containers[0]);
      const probe = spec.containers[0]?.readinessProbe;
      const noticedMs = (probe?.periodSeconds ?? 0) * (probe?.failureThreshold ?? 0) * 1000;
      expect(Number(config.UNREADY_MS) - noticedMs, name).toBeGreaterThanOrEqual(500);
    }
  });

  test("[DP64] a pod that answers no probe is unready within two seconds, and not killed within half a minute", () => {
    for (const { name, spec } of services) {
      const { readinessProbe: ready, livenessProbe: live } = spec.containers[0] ?? {};
      if (!ready || !live) throw new Error(`${name} has no probes`);
      const pauseS = Math.max(ready.periodSeconds, ready.timeoutSeconds);
      // It froze right after an answer.
      const unreadyS = ready.periodSeconds + ready.timeoutSeconds + (ready.failureThreshold - 1) * pauseS;
      expect(unreadyS, name).toBeLessThanOrEqual(2);
      expect((live.failureThreshold - 1) * live.periodSeconds, name).toBeGreaterThanOrEqual(30);
    }
  });

  test("[DP4] the memory limit is more than twice the block cache", () => {
    for (const { name, spec } of services) {
      const { config } = settings(objects, name, spec.containers[0]);
      const limit = bytesOf(spec.containers[0]?.resources.limits.memory);
      expect(limit / 2 ** 20 - 2 * Number(config.CACHE_MB), name).toBeGreaterThanOrEqual(256);
    }
  });

  test("[DP51] trusts X-Forwarded-For only from the ingress controller's addresses, and from no whole private network", () => {
    for (const { name, spec } of services.filter(({ name }) => name === "api" || name === "gateway")) {
      const { config } = settings(objects, name, spec.containers[0]);
      const trusts = trustedProxies(String(config.TRUSTED_PROXIES));
      for (const address of ["10.1.2.3", "172.20.0.9", "192.168.1.5", "fd00::1", "127.0.0.1"]) {
        expect(clientAddress(address, "6.6.6.6", trusts), name).toBe(address);
      }
    }
  });

  test("[DP5] an unavailable Redis restarts no pod", () => {
    for (const { name, spec } of services) {
      expect([name, spec.containers[0]?.livenessProbe?.httpGet?.path]).toEqual([name, "/health/live"]);
    }
  });

  test("[OB4] reads health and metrics at a port without tokens, which no service or ingress exposes", () => {
    for (const { name, spec, annotations } of services) {
      const [container] = spec.containers;
      const { config } = settings(objects, name, container);
      const expected = name === "ticker" || name === "feed" ? config.PORT : config.STATUS_PORT;
      const status = container?.ports.find((port) => port.name === "status")?.containerPort;
      expect([name, status, annotations["prometheus.io/port"]]).toEqual([name, expected, String(expected)]);
      for (const probe of [container?.livenessProbe, container?.readinessProbe, container?.startupProbe]) {
        expect([name, probe?.httpGet?.port]).toEqual([name, "status"]);
      }
    }
    const doors = objects.filter(({ kind }) => kind === "Service" || kind === "Ingress");
    expect(doors.length).toBeGreaterThan(0);
    for (const { spec } of doors) expect(JSON.stringify(spec)).not.toMatch(/"status"|8001/);
  });

  test("[DP6] everything that objects refer to exists", () => {
    const there = new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
    const documented = (kind: string, name: string) =>
      kind === "Secret" && guide.includes(`create secret generic ${name}`);
    const missing = objects
      .flatMap(referencesOf)
      .filter(([kind, name]) => !there.has(`${kind}/${name}`) && !documented(kind, name));
    expect(missing).toEqual([]);
  });

  test("[DP6] selects existing pods, by labels and ports that they have", () => {
    for (const { kind, metadata, spec } of objects) {
      const selector = selectorOf(kind, spec);
      if (selector === undefined) continue;
      const chosen = pods.filter(({ labels }) =>
        Object.entries(selector).every(([key, value]) => labels[key] === value),
      );
      expect(chosen.length, `${kind} ${metadata.name}`).toBeGreaterThanOrEqual(1);
    }
  });
});

const secrets = { REDIS_URL: "redis://redis:6379" };

function settings(objects: readonly KubernetesObject[], service: string, container: Container | undefined) {
  const name: ServiceName = serviceNames.find((known) => known === service) ?? "api";
  return settingsOf(name, { ...sharedSettings(objects, container), ...ownSettings(container), ...secrets });
}

function ownSettings(container: Container | undefined): Record<string, string> {
  return Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value ?? ""]));
}

function sharedSettings(
  objects: readonly KubernetesObject[],
  container: Container | undefined,
): Record<string, string> {
  const maps = (container?.envFrom ?? []).flatMap(({ configMapRef }) => configMapRef?.name ?? []);
  return Object.assign(
    {},
    ...maps.map((name) => objects.find((o) => o.kind === "ConfigMap" && o.metadata.name === name)?.data ?? {}),
  );
}

function bytesOf(quantity: string | undefined): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity ?? "") ?? [];
  return Number(number) * (unit === "Gi" ? 2 ** 30 : 2 ** 20);
}

/** Names of other objects, wherever an object has them. */
function referencesOf(object: KubernetesObject): [kind: string, name: string][] {
  const found: [string, string][] = [];
  const optional = (value: Record<string, unknown>) => value.optional === true;
  walk(object.spec, (key, value) => {
    const name = String(value.name ?? value.secretName ?? value.claimName ?? "");
    if (key === "configMapRef" || key === "configMap") found.push(["ConfigMap", name]);
    if ((key === "secretRef" || key === "secretKeyRef" || key === "secret") && !optional(value))
      found.push(["Secret", name]);
    if (key === "persistentVolumeClaim") found.push(["PersistentVolumeClaim", name]);
    if (key === "scaleTargetRef") found.push([String(value.kind), name]);
    if (key === "service") found.push(["Service", name]);
    if ("serviceAccountName" in value) found.push(["ServiceAccount", String(value.serviceAccountName)]);
  });
  return found;
}

function walk(value: unknown, visit: (key: string, value: Record<string, unknown>) => void, key = ""): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit, key);
  else if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    visit(key, Object.fromEntries(entries));
    for (const [name, item] of entries) walk(item, visit, name);
  }
}

const labels = z.record(z.string(), z.string());

/** The labels by which an object chooses pods; undefined for one that chooses none, or by something else than labels. */
function selectorOf(kind: string, spec: KubernetesObject["spec"]): Record<string, string> | undefined {
  const selector = kind === "NetworkPolicy" ? spec?.podSelector : spec?.selector;
  if (kind === "Service") return labels.parse(selector);
  return z.looseObject({ matchLabels: labels.optional() }).safeParse(selector).data?.matchLabels;
}
