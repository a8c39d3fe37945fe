import { z } from "zod";
import type { KubernetesObject } from "./overlays.js";

const labels = z.record(z.string(), z.string());
const expression = z.strictObject({ key: z.string(), operator: z.literal("In"), values: z.array(z.string()) });
const policy = z.looseObject({
  podSelector: z.strictObject({ matchLabels: labels.default({}), matchExpressions: z.array(expression).default([]) }),
  policyTypes: z.array(z.enum(["Ingress", "Egress"])),
  egress: z
    .array(z.looseObject({ ports: z.array(z.looseObject({ port: z.union([z.int(), z.string()]) })) }))
    .default([]),
});

/** The ports to which a pod with these labels may connect; undefined where no policy restricts it. */
export function outgoingPorts(
  objects: readonly KubernetesObject[],
  pod: Readonly<Record<string, string>>,
): ReadonlySet<number | string> | undefined {
  const policies = objects
    .filter(({ kind }) => kind === "NetworkPolicy")
    .map(({ spec }) => policy.parse(spec))
    .filter(({ policyTypes, podSelector }) => policyTypes.includes("Egress") && selects(podSelector, pod));
  if (policies.length === 0) return undefined;
  return new Set(policies.flatMap(({ egress }) => egress.flatMap(({ ports }) => ports.map(({ port }) => port))));
}

function selects(
  { matchLabels, matchExpressions }: z.infer<typeof policy>["podSelector"],
  pod: Record<string, string>,
) {
  return (
    Object.entries(matchLabels).every(([key, value]) => pod[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(pod[key] ?? ""))
  );
}
