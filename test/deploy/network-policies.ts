import { z } from "zod";
import type { KubernetesObject } from "./overlays.js";

const labels = z.record(z.string(), z.string());
const expression = z.strictObject({ key: z.string(), operator: z.literal("In"), values: z.array(z.string()) });
const policy = z.looseObject({
  podSelector: z.strictObject({ matchLabels: labels.default({}), matchExpressions: z.array(expression).default([]) }),
  policyTypes: z.array(z.enum(["Ingress", "Egress"])),
  egress: z
    .array(
      z.looseObject({
        to: z.array(z.record(z.string(), z.unknown())).optional(),
        ports: z.array(z.looseObject({ port: z.union([z.int(), z.string()]) })),
      }),
    )
    .default([]),
});

/** The ports to which a pod with these labels may connect; undefined where no policy restricts it. */
export function outgoingPorts(
  objects: readonly KubernetesObject[],
  pod: Readonly<Record<string, string>>,
): ReadonlySet<number | string> | undefined {
  const ways = waysOut(objects, pod);
  return ways && new Set(ways.flatMap(({ ports }) => ports.map(({ port }) => port)));
}

/** The same with the peers at those ports, where a policy names some; undefined peers are any. */
export function waysOut(objects: readonly KubernetesObject[], pod: Readonly<Record<string, string>>) {
  const policies = objects
    .filter(({ kind }) => kind === "NetworkPolicy")
    .map(({ spec }) => policy.parse(spec))
    .filter(({ policyTypes, podSelector }) => policyTypes.includes("Egress") && selects(podSelector, pod));
  return policies.length === 0 ? undefined : policies.flatMap(({ egress }) => egress);
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
