import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments, stringify } from "yaml";
import { z } from "zod";

const root = fileURLToPath(new URL("../../", import.meta.url));
const renderers = [
  ["kubectl", "kustomize"],
  ["kustomize", "build"],
] as const;

export const overlays = ["local", "production", "redis-cluster"] as const;

/** The command that renders overlays, if this machine has one. kubectl before 1.21 carries a kustomize without components. */
export const renderer = renderers.find(([command, verb]) => {
  const tried = spawnSync(command, [verb, "k8s/overlays/local"], { cwd: root, stdio: "ignore" });
  return tried.status === 0 || (tried.error === undefined && command === "kustomize");
});

/** The objects of an overlay, as `kubectl apply -k` would send them. */
export function render(overlay: string): KubernetesObject[] {
  return renderFolder(`k8s/overlays/${overlay}`);
}

/** The objects of a user's overlay, whose `kustomization.yaml` refers to the folder `k8s`. */
export function renderWith(kustomization: (k8s: string) => object): KubernetesObject[] {
  // Its real path: kustomize compares it with the paths of what it names.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "tapedeck-overlay-")));
  try {
    const heading = { apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization" };
    const content = kustomization(relative(folder, join(root, "k8s")));
    writeFileSync(join(folder, "kustomization.yaml"), stringify({ ...heading, ...content }));
    return renderFolder(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function renderFolder(folder: string): KubernetesObject[] {
  if (renderer === undefined) throw new Error("neither kubectl nor kustomize is installed");
  const [command, verb] = renderer;
  const { status, stdout, stderr } = spawnSync(command, [verb, folder], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`${folder} does not render: ${stderr}`);
  return objectsIn(stdout);
}

export function objectsIn(yaml: string): KubernetesObject[] {
  return parseAllDocuments(yaml).map((document) => object.parse(document.toJS()));
}

const names = z.record(z.string(), z.string());
const reference = z.looseObject({ name: z.string() });
const probe = z.looseObject({
  periodSeconds: z.int().default(10),
  failureThreshold: z.int().default(3),
  timeoutSeconds: z.int().default(1),
  httpGet: z.looseObject({ path: z.string(), port: z.union([z.string(), z.int()]) }).optional(),
});
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z
    .array(
      z.looseObject({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z
          .looseObject({ secretKeyRef: z.looseObject({ name: z.string(), key: z.string() }).optional() })
          .optional(),
      }),
    )
    .default([]),
  envFrom: z.array(z.looseObject({ configMapRef: reference.optional(), secretRef: reference.optional() })).default([]),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.int() })).default([]),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  startupProbe: probe.optional(),
  resources: z.looseObject({ limits: names.default({}), requests: names.default({}) }),
  securityContext: z.looseObject({
    allowPrivilegeEscalation: z.boolean().optional(),
    readOnlyRootFilesystem: z.boolean().optional(),
    capabilities: z.looseObject({ drop: z.array(z.string()) }).optional(),
  }),
});
const podSpec = z.looseObject({
  automountServiceAccountToken: z.boolean().optional(),
  serviceAccountName: z.string().optional(),
  terminationGracePeriodSeconds: z.int().default(30),
  securityContext: z.looseObject({
    runAsNonRoot: z.boolean().optional(),
    seccompProfile: z.looseObject({ type: z.string() }).optional(),
  }),
  containers: z.array(container),
  volumes: z
    .array(
      z.looseObject({ name: z.string(), persistentVolumeClaim: z.looseObject({ claimName: z.string() }).optional() }),
    )
    .default([]),
});
export type Container = z.infer<typeof container>;

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: names.default({}) }),
  data: names.optional(),
  spec: z
    .looseObject({
      replicas: z.int().optional(),
      strategy: z
        .looseObject({ rollingUpdate: z.looseObject({ maxSurge: z.int(), maxUnavailable: z.int() }).optional() })
        .optional(),
      template: z
        .looseObject({
          metadata: z.looseObject({ labels: names, annotations: names.default({}) }).optional(),
          spec: podSpec,
        })
        .optional(),
    })
    .optional(),
});
export type KubernetesObject = z.infer<typeof object>;

/** Whatever makes pods, with the pods' labels and spec. */
export function podsOf(objects: readonly KubernetesObject[]) {
  return objects.flatMap(({ kind, metadata, spec }) =>
    spec?.template === undefined
      ? []
      : [
          {
            kind,
            name: metadata.name,
            replicas: spec.replicas ?? 1,
            surge: spec.strategy?.rollingUpdate?.maxSurge ?? 0,
            labels: spec.template.metadata?.labels ?? {},
            annotations: spec.template.metadata?.annotations ?? {},
            spec: spec.template.spec,
          },
        ],
  );
}
