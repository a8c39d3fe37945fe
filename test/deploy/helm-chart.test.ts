import { describe, expect, test } from "vitest";
import { helm, lint, refusalOf, renderChart } from "./helm.js";
import { type KubernetesObject, podsOf } from "./overlays.js";

const deployments = ["api", "cli", "feed", "gateway", "ticker", "venue"];
const users = ["api", "gateway", "ticker", "feed", "venue", "operator"];
const addresses = (password: string) =>
  Object.fromEntries(users.map((user) => [user, `redis://${user}:${password}@redis:6379`]));

describe.skipIf(helm === undefined)("the Helm chart", () => {
  test.each([undefined, "production"])("[DP42] helm lint finds nothing in it with the values of %s", (example) => {
    expect(lint(example)).toMatchObject({ status: 0, stdout: expect.stringContaining("0 chart(s) failed") });
  });

  test("[DP43] a changed setting rolls every pod", () => {
    expect(rolledBy({ settings: { LOG_LEVEL: "debug" } })).toEqual(deployments);
    expect(rolledBy({ store: { s3: { region: "eu-west-1" } } })).toEqual(deployments);
  });

  test("[DP43] a changed key of a secret that the chart creates rolls every pod", () => {
    const made = (password: string) => ({
      redis: { existingSecret: "", secret: addresses(password) },
    });
    expect(rolledBy(made("new"), made("old"))).toEqual(deployments);
  });

  test("[DP43] a change to one service's pods rolls only those, and a change that does not concern pods rolls none", () => {
    expect(rolledBy({ ticker: { env: { CACHE_MB: "256" } } })).toEqual(["ticker"]);
    expect(rolledBy({ api: { autoscaling: { maxReplicas: 20 } }, ingress: { host: "a.example.com" } })).toEqual([]);
    expect(rolledBy({ networkPolicy: { extraEgressPorts: [9000] } })).toEqual([]);
  });

  test("[DP44] pods refer to secrets by name, and the chart creates none", () => {
    const objects = renderChart({ redis: { existingSecret: "our-redis" } }, "production");
    expect(objects.filter(({ kind }) => kind === "Secret")).toEqual([]);
    for (const names of secretsOf(objects)) expect(names).toEqual(["authentication", "s3", "our-redis"]);
  });

  test("[DP44] the chart creates a secret if its name is empty and its keys are given", () => {
    const objects = renderChart({
      redis: { existingSecret: "", secret: addresses("secret") },
      authentication: { existingSecret: "", secret: { AUTH_JWT_SECRET: "0123456789" } },
    });
    const made = objects.filter(({ kind }) => kind === "Secret");
    expect(Object.fromEntries(made.map(({ metadata, stringData }) => [metadata.name, stringData]))).toEqual({
      redis: addresses("secret"),
      authentication: { AUTH_JWT_SECRET: "0123456789" },
    });
    for (const names of secretsOf(objects)) expect(names).toEqual(["authentication", "redis"]);
  });

  test("[DP44] pods with a cloud identity read no keys of the bucket", () => {
    const annotations = { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/tapedeck" };
    const objects = renderChart(
      { serviceAccount: { annotations }, store: { s3: { existingSecret: "" } } },
      "production",
    );
    for (const names of secretsOf(objects)) expect(names).toEqual(["authentication", "redis"]);
    expect(objects.find(({ kind }) => kind === "ServiceAccount")?.metadata).toMatchObject({ annotations });
  });

  test.each([
    [{ ports: { public: 8001 } }, "ports.public and ports.status are both 8001"],
    [{ settings: { PORT: "9000" } }, "settings.PORT has no place here: set ports.public"],
    [{ settings: { SHARE_SECRET: "a" } }, "settings.SHARE_SECRET has no place here: put it into a secret"],
    [
      { redis: { existingSecret: "" } },
      "redis.secret.api is not there: name a secret that holds an address of Redis for each of api, gateway",
    ],
    [{ redis: { secret: { api: "redis://a" } } }, 'redis.existingSecret is "redis" and redis.secret has keys'],
    [{ store: { kind: "s3" } }, "store.s3.url is empty: a store of the kind s3 needs s3://bucket/prefix"],
    [{ ingress: { tls: { secretName: "tls" } } }, "ingress.host is empty: a certificate"],
    [{ ingress: { tls: { issuer: { name: "ca" } } } }, "ingress.tls.secretName is empty: name the secret"],
    [{ ticker: { autoscaling: { metric: null } } }, "ticker.autoscaling has neither metric nor cpuPercent"],
    [{ api: { autoscaling: { minReplicas: 11 } } }, "api.autoscaling.minReplicas is 11, above maxReplicas, 10"],
    [{ gateway: { env: { DRAIN_MS: "60500" } } }, "a pod needs 71 s to end by the times in gateway.env"],
    [{ gateway: { env: { UNREADY_MS: 1000 } } }, "gateway.env.UNREADY_MS is 1000, but the ingress notices"],
    [{ api: { env: { UNREADY_MS: null } } }, "api.env.UNREADY_MS is 0, but the ingress notices"],
    [{ api: { replica: 3 } }, "additional properties 'replica' not allowed"],
    [{ api: { image: { digest: "sha256:abc" } } }, "at '/api/image/digest'"],
  ])("[DP45] %j is refused with what would be accepted", (values, sentence) => {
    expect(refusalOf(values)).toContain(sentence);
  });

  test("[DP46] a numeric setting keeps its digits", () => {
    const objects = renderChart({ settings: { MAX_SESSIONS: 1_000_000 }, api: { env: { CACHE_MB: 1_000_000 } } });
    expect(objects.find(({ kind }) => kind === "ConfigMap")?.data?.MAX_SESSIONS).toBe("1000000");
    const [container] = podsOf(objects).find(({ name }) => name === "api")?.spec.containers ?? [];
    expect(container?.env).toContainEqual({ name: "CACHE_MB", value: "1000000" });
  });

  test("[DP46] an image has its registry and its digest or tag", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const image = { registry: "registry.example.com/team", tag: "1.2.3" };
    const objects = renderChart({ image, api: { image: { digest } }, feed: { image: { tag: "1.2.4" } } });
    const images = podsOf(objects).map(({ name, spec }) => [name, spec.containers[0]?.image]);
    expect(Object.fromEntries(images)).toMatchObject({
      api: `registry.example.com/team/tapedeck/api@${digest}`,
      gateway: "registry.example.com/team/tapedeck/gateway:1.2.3",
      feed: "registry.example.com/team/tapedeck/feed:1.2.4",
    });
  });

  test("[DP46] a value for one service overrides the value for all", () => {
    const objects = renderChart({
      pods: { nodeSelector: { disk: "ssd" }, priorityClassName: "markets" },
      gateway: { priorityClassName: "sockets", nodeSelector: { network: "fast" } },
    });
    const placed = (of: string) => podsOf(objects).find(({ name }) => name === of)?.spec;
    expect(placed("ticker")).toMatchObject({ nodeSelector: { disk: "ssd" }, priorityClassName: "markets" });
    expect(placed("gateway")).toMatchObject({
      nodeSelector: { disk: "ssd", network: "fast" },
      priorityClassName: "sockets",
    });
  });

  test("[DP46] without an autoscaler a service has its configured replicas", () => {
    const objects = renderChart({ gateway: { autoscaling: { enabled: false }, replicas: 5 } });
    const of = (wanted: string) =>
      objects.filter(({ kind, metadata }) => kind === wanted && metadata.name === "gateway");
    expect(of("HorizontalPodAutoscaler")).toEqual([]);
    expect(of("Deployment")).toMatchObject([{ spec: { replicas: 5 } }]);
  });
});

/** The names of the deployments whose pods a change of values replaces. */
function rolledBy(change: Record<string, unknown>, before: Record<string, unknown> = {}): string[] {
  const old = new Map(podTemplates(renderChart(before, "production")));
  return podTemplates(renderChart(change, "production"))
    .flatMap(([name, pod]) => (old.get(name) === pod ? [] : name))
    .sort();
}

function podTemplates(objects: readonly KubernetesObject[]): [name: string, template: string][] {
  return objects
    .filter(({ kind }) => kind === "Deployment")
    .map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec?.template)]);
}

/** The secrets that each pod reads, in their order. */
function secretsOf(objects: readonly KubernetesObject[]): string[][] {
  const pods = podsOf(objects);
  expect(pods.length).toBeGreaterThanOrEqual(deployments.length);
  return pods.map(({ spec }) =>
    spec.containers.flatMap(({ env, envFrom }) => [
      ...envFrom.flatMap(({ secretRef }) => secretRef?.name ?? []),
      ...env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []),
    ]),
  );
}
