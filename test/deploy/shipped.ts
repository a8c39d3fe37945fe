import { helm, renderChart, type Values } from "./helm.js";
import { type KubernetesObject, overlays, render, renderer } from "./overlays.js";

/** Every option of the chart, but for objects that only the Prometheus operator knows. */
const everyOption: Values = {
  image: { registry: "registry.example.com/team", tag: "1.2.3", pullPolicy: "Always", pullSecrets: ["registry"] },
  ports: { public: 9000, status: 9001 },
  settings: { MAX_SESSIONS: 1_000_000 },
  redis: {
    existingSecret: "",
    secret: Object.fromEntries(
      ["api", "gateway", "ticker", "feed", "venue", "operator"].map((user) => [
        user,
        `redis://${user}:secret@redis.databases:6379`,
      ]),
    ),
  },
  authentication: { existingSecret: "", secret: { AUTH_JWT_SECRET: "0123456789abcdef0123456789abcdef" } },
  store: {
    kind: "s3",
    s3: { url: "s3://tapes", region: "eu-west-1", endpoint: "http://minio.storage:9000", existingSecret: "" },
  },
  serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/tapedeck" } },
  pods: {
    nodeSelector: { "kubernetes.io/arch": "amd64" },
    tolerations: [{ key: "markets", operator: "Exists" }],
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    topologySpread: [],
    priorityClassName: "markets",
    annotations: { "prometheus.io/scrape": "false" },
    labels: { team: "markets" },
    extraEnv: [{ name: "TAPEDECK_PREFIX", value: "markets" }],
    disruptionBudget: { enabled: false },
  },
  api: { autoscaling: { enabled: false } },
  gateway: { autoscaling: { metric: null }, disruptionBudget: { enabled: true, maxUnavailable: "25%" } },
  ticker: { image: { digest: `sha256:${"a".repeat(64)}` } },
  ingress: {
    className: "",
    host: "tapedeck.example.com",
    tls: { secretName: "tapedeck-tls", issuer: { name: "letsencrypt" } },
  },
  networkPolicy: { extraEgressPorts: [9000] },
};

interface Shipped {
  readonly name: string;
  render(): KubernetesObject[];
}

function ofChart(name: string, values?: Values, example?: string): Shipped {
  return { name: `the chart with ${name}`, render: () => renderChart(values, example) };
}

const ofOverlays = overlays.map((overlay) => ({ name: `the overlay ${overlay}`, render: () => render(overlay) }));
const ofCharts = [
  ofChart("its defaults"),
  ofChart("the example for production", {}, "production"),
  ofChart("every option set", everyOption),
];

/** What users send to a cluster: each overlay, and the chart with several values; without those that nothing here can render. */
export const shipped: readonly Shipped[] = [
  ...(renderer === undefined ? [] : ofOverlays),
  ...(helm === undefined ? [] : ofCharts),
];
