import { describe, expect, test } from "vitest";
import { helm, renderChart } from "./helm.js";
import { type KubernetesObject, render, renderer, renderWith } from "./overlays.js";

/** A field of an object, such as `Deployment/api` `spec.replicas`, that is not the same in an overlay and in the chart. */
interface Difference {
  readonly field: string;
  readonly overlay: unknown;
  readonly chart: unknown;
}

/** What the chart does otherwise on purpose. Whatever else differs is a mistake in one of the two. */
const permitted: readonly { readonly why: string; covers(difference: Difference): boolean }[] = [
  {
    why: "a release goes into a namespace that is there, or that --create-namespace makes",
    covers: ({ field, chart }) => field.startsWith("Namespace/") && chart === undefined,
  },
  {
    why: "Helm finds a release's objects by its own labels; pods have none of them, so that they are not rolled by one",
    covers: ({ field, overlay }) =>
      overlay === undefined &&
      /^\S+ metadata\.labels\.(helm\.sh\/chart|app\.kubernetes\.io\/(instance|managed-by|version))$/.test(field),
  },
  {
    why: "Helm removes at once what a new revision lacks, and an old pod that starts again still looks for its settings",
    covers: ({ overlay, chart }) => chart === "settings" && /^settings-\w{10}$/.test(String(overlay)),
  },
  {
    why: "so the name stays, and this is what rolls pods",
    covers: ({ field, overlay }) =>
      overlay === undefined && field.endsWith("spec.template.metadata.annotations.checksum/settings"),
  },
];

const unexpected = (differences: readonly Difference[]) =>
  differences.filter((difference) => !permitted.some(({ covers }) => covers(difference)));

/** The production overlay with components, as a user's overlay names them. */
const withComponents = (...names: readonly string[]) =>
  renderWith((k8s) => ({
    namespace: "tapedeck",
    resources: [`${k8s}/overlays/production`],
    components: names.map((name) => `${k8s}/components/${name}`),
  }));

/** kustomize's base labels what is its own, and not what a component brings; the chart labels every object. */
const labelled = (...objects: readonly string[]) =>
  objects.map((object) => ({
    field: `${object} metadata.labels.app.kubernetes.io/part-of`,
    overlay: undefined,
    chart: "tapedeck",
  }));

describe.skipIf(helm === undefined || renderer === undefined)("the Helm chart beside kustomize", () => {
  test("[DP41] with the production example it renders the production overlay, except for the listed differences", () => {
    const found = differencesOf(render("production"), renderChart({}, "production"));
    expect(unexpected(found)).toEqual([]);
    // What is no difference any more is permitted no more.
    for (const { why, covers } of permitted) expect(found.filter(covers), why).not.toEqual([]);
  });

  test("[DP41] its objects for the Prometheus operator equal those of the component", () => {
    const chart = renderChart({ podMonitor: { enabled: true }, prometheusRule: { enabled: true } }, "production");
    expect(unexpected(differencesOf(withComponents("prometheus-operator"), chart))).toEqual(
      labelled("PodMonitor/tapedeck", "PrometheusRule/tapedeck"),
    );
  });

  test("[DP41] its policy for the port of a store equals that of the component, under another name", () => {
    const chart = renderChart({ networkPolicy: { extraEgressPorts: [9000] } }, "production");
    const renamed = chart.map((object) =>
      object.metadata.name === "extra-egress" ? { ...object, metadata: { ...object.metadata, name: "minio" } } : object,
    );
    expect(unexpected(differencesOf(withComponents("minio"), renamed))).toEqual(labelled("NetworkPolicy/minio"));
  });

  test.each([
    [{ api: { replicas: 3, autoscaling: { enabled: false } } }, "Deployment/api spec.replicas"],
    [{ feed: { env: { CACHE_MB: "65" } } }, "Deployment/feed spec.template.spec.containers[feed].env[CACHE_MB].value"],
    [{ pods: { disruptionBudget: { enabled: false } } }, "PodDisruptionBudget/ticker spec.maxUnavailable"],
    [
      { store: { s3: { existingSecret: "keys" } } },
      "Deployment/api spec.template.spec.containers[api].envFrom[2].secretRef.name",
    ],
  ])("[DP41] the comparison finds %j", (values, field) => {
    const found = differencesOf(render("production"), renderChart(values, "production"));
    expect(unexpected(found).map((difference) => difference.field)).toContain(field);
  });
});

function differencesOf(overlay: readonly KubernetesObject[], chart: readonly KubernetesObject[]): Difference[] {
  const [ours, theirs] = [fieldsOf(chart), fieldsOf(overlay)];
  return [...new Set([...theirs.keys(), ...ours.keys()])]
    .map((field) => ({ field, overlay: theirs.get(field), chart: ours.get(field) }))
    .filter(({ overlay, chart }) => overlay !== chart);
}

/** Every field that holds a value, by object and path. */
function fieldsOf(objects: readonly KubernetesObject[]): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const object of objects) {
    const name = object.metadata.name.replace(/^settings-\w{10}$/, "settings");
    for (const [path, value] of leaves(object)) fields.set(`${object.kind}/${name} ${path.slice(1)}`, value);
  }
  return fields;
}

/** An item of a list goes by its name where it has one, since the order of variables, ports and containers means nothing. */
function* leaves(value: unknown, path = ""): Generator<[path: string, value: unknown]> {
  if (typeof value !== "object" || value === null) yield [path, value];
  else if (Object.keys(value).length === 0) {
    // Labels and annotations that hold nothing are none.
    if (!/\.(labels|annotations)$/.test(path)) yield [path, Array.isArray(value) ? "an empty list" : "an empty map"];
  } else if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) yield* leaves(item, `${path}[${nameOf(item) ?? at}]`);
  } else {
    for (const [key, item] of Object.entries(value)) yield* leaves(item, `${path}.${key}`);
  }
}

function nameOf(item: unknown): unknown {
  return typeof item === "object" && item !== null && "name" in item ? item.name : undefined;
}
