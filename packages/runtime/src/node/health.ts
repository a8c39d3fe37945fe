/** `degraded`: serving, with something wrong. `unready`: another replica would do better, send nobody new here. */
export type Condition = "ok" | "degraded" | "unready";

export interface HealthSnapshot {
  readonly status: "healthy" | "degraded";
  /** One sentence per thing that is not in order. */
  readonly issues: readonly string[];
  /** Seconds since the process started. */
  readonly uptime: number;
}

export interface Health {
  /** Says how one part is; the latest word counts. Parts are independent: one that recovers never hides another's trouble. */
  set(part: string, condition: Condition, reason?: string): void;
  snapshot(): HealthSnapshot;
  ready(): boolean;
}

export function createHealth(): Health {
  const parts = new Map<string, { condition: Condition; reason: string }>();
  return {
    set(part, condition, reason = condition) {
      if (condition === "ok") parts.delete(part);
      else parts.set(part, { condition, reason });
    },
    snapshot() {
      return {
        status: parts.size === 0 ? "healthy" : "degraded",
        issues: [...parts].map(([part, { reason }]) => `${part}: ${reason}`),
        uptime: process.uptime(),
      };
    },
    ready() {
      return [...parts.values()].every(({ condition }) => condition !== "unready");
    },
  };
}
