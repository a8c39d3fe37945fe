import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { outgoingPorts } from "./network-policies.js";
import { type KubernetesObject, podsOf, render, renderer, renderWith } from "./overlays.js";
import { serviceNames, settingsOf } from "./settings.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const guide = read("docs/kubernetes.md");

/** Production with a component. */
const production = (component: string) =>
  renderWith((k8s) => ({
    namespace: "tapedeck",
    resources: [`${k8s}/overlays/production`],
    components: [`${k8s}/components/${component}`],
  }));

/** The overlay that a section of the guide has in its first blocks, as if it lay beside production. */
function documented(section: string, blocks = 1): KubernetesObject[] {
  const text = guide.split(/^##+ /m).find((each) => each.startsWith(`${section}\n`)) ?? "";
  const found = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
  const overlay = found.slice(0, blocks).join("");
  return renderWith((k8s) =>
    z
      .looseObject({})
      .parse(parse(overlay.replaceAll("../../", `${k8s}/`).replaceAll("../prod", `${k8s}/overlays/prod`))),
  );
}

function only(objects: readonly KubernetesObject[], kind: string): KubernetesObject {
  const [found, another] = objects.filter((object) => object.kind === kind);
  if (found === undefined || another !== undefined) throw new Error(`there is not exactly one ${kind}`);
  return found;
}

const ingress = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    ingressClassName: z.string(),
    tls: z.tuple([z.strictObject({ hosts: z.array(z.string()), secretName: z.string() })]),
    rules: z.tuple([z.looseObject({ host: z.string() })]),
  }),
});
const issuer = z.strictObject({
  apiVersion: z.literal("cert-manager.io/v1"),
  kind: z.literal("Issuer"),
  metadata: z.looseObject({ name: z.string(), namespace: z.literal("tapedeck") }),
  spec: z.strictObject({
    acme: z.strictObject({
      server: z.url(),
      privateKeySecretRef: z.strictObject({ name: z.string() }),
      solvers: z.array(
        z.strictObject({ http01: z.strictObject({ ingress: z.strictObject({ ingressClassName: z.string() }) }) }),
      ),
    }),
  }),
});

describe.skipIf(renderer === undefined)("a certificate", () => {
  test("[DP33] is a secret that the guide creates, for the host name of the ingress", () => {
    const { tls, rules } = ingress.parse(only(render("production"), "Ingress")).spec;
    expect(guide).toContain(`create secret tls ${tls[0].secretName} `);
    expect(tls[0].hosts).toEqual([rules[0].host]);
  });

  test("[DP33] is created by cert-manager with its component: the ingress names an issuer that answers through the same controller", () => {
    const objects = documented("The certificate");
    const { metadata, spec } = ingress.parse(only(objects, "Ingress"));
    const made = issuer.parse(only(objects, "Issuer"));
    expect(metadata.annotations["cert-manager.io/issuer"]).toBe(made.metadata.name);
    expect(made.spec.acme.solvers.map(({ http01 }) => http01.ingress.ingressClassName)).toEqual([
      spec.ingressClassName,
    ]);
  });
});

describe.skipIf(renderer === undefined)("a MinIO", () => {
  const readers = [...serviceNames, "cli"];
  const portsOf = (objects: readonly KubernetesObject[], name: string) =>
    outgoingPorts(objects, podsOf(objects).find((pod) => pod.name === name)?.labels ?? {});

  test("[DP34] is reached by every pod that reads tapes, and by none without its component", () => {
    const objects = documented("A MinIO, or another store that speaks S3", 1);
    const { S3_ENDPOINT = "", TAPEDECK_STORE = "" } = only(objects, "ConfigMap").data ?? {};
    expect(TAPEDECK_STORE).toMatch(/^s3:/);
    for (const service of serviceNames) {
      expect(settingsOf(service, { ...common, S3_ENDPOINT }).config).toMatchObject({ S3_ENDPOINT });
    }
    const port = Number(new URL(S3_ENDPOINT).port);
    for (const name of readers) expect([name, portsOf(objects, name)?.has(port)]).toEqual([name, true]);
    const without = render("production");
    for (const name of readers) expect([name, portsOf(without, name)?.has(port)]).toEqual([name, false]);
  });

  test("[DP34] is reached at another port with the guide's patch", () => {
    const objects = documented("A MinIO, or another store that speaks S3", 2);
    for (const name of readers) expect([name, portsOf(objects, name)?.has(9443)]).toEqual([name, true]);
    for (const name of readers) expect([name, portsOf(objects, name)?.has(9000)]).toEqual([name, false]);
  });
});

/** What the services take at least, and users with tokens. */
const common = {
  REDIS_URL: "redis://redis:6379",
  AUTH_JWT_SECRET: "0123456789abcdef0123456789abcdef",
  HOST: "0.0.0.0",
};

const podMonitor = z.strictObject({
  apiVersion: z.literal("monitoring.coreos.com/v1"),
  kind: z.literal("PodMonitor"),
  metadata: z.looseObject({ name: z.string(), namespace: z.literal("tapedeck") }),
  spec: z.strictObject({
    jobLabel: z.string(),
    selector: z.strictObject({
      matchExpressions: z.array(
        z.strictObject({ key: z.string(), operator: z.literal("In"), values: z.array(z.string()) }),
      ),
    }),
    podMetricsEndpoints: z.tuple([
      z.strictObject({ port: z.string(), interval: z.string().regex(/^\d+s$/), honorLabels: z.boolean() }),
    ]),
  }),
});

describe.skipIf(renderer === undefined)("the Prometheus operator", () => {
  const objects = renderer === undefined ? [] : production("prometheus-operator");

  test("[DP35] scrapes every service at its status port, under the job that the alerts name", () => {
    const { spec } = podMonitor.parse(only(objects, "PodMonitor"));
    const chosen = podsOf(objects).filter(({ labels }) =>
      spec.selector.matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? "")),
    );
    expect(chosen.map(({ name }) => name).sort()).toEqual([...serviceNames].sort());
    for (const { name, labels, spec: pod } of chosen) {
      const ports = pod.containers.flatMap(({ ports }) => ports.map((port) => port.name));
      expect([name, ports.includes(spec.podMetricsEndpoints[0].port)]).toEqual([name, true]);
      expect(read("deploy/prometheus/alerts.yml")).toContain(`up{job="${labels[spec.jobLabel]}"}`);
    }
    const { scrape_configs } = z
      .looseObject({ scrape_configs: z.tuple([z.looseObject({ honor_labels: z.boolean() })]) })
      .parse(parse(read("deploy/prometheus/prometheus.yml")));
    expect(spec.podMetricsEndpoints[0].honorLabels).toBe(scrape_configs[0].honor_labels);
  });

  test("[DP35] scrapes every service once", () => {
    const annotated = podsOf(objects).filter(({ annotations }) => "prometheus.io/scrape" in annotations);
    expect(annotated).toEqual([]);
  });

  test("[DP35] loads the alerts of deploy/prometheus/alerts.yml", () => {
    const { spec } = only(objects, "PrometheusRule");
    expect(spec).toEqual(parse(read("deploy/prometheus/alerts.yml")));
  });

  test("[DP35] has the alerts as scripts/prometheus-rule.mjs writes them", () => {
    const path = "k8s/components/prometheus-operator/alerts.yaml";
    const script = fileURLToPath(new URL("../../scripts/prometheus-rule.mjs", import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [script], { encoding: "utf8" });
    expect([status, stdout]).toEqual([0, read(path)]);
  });
});
