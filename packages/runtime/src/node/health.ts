/** `degraded`: serving, but something is wrong. `unready`: another replica would do better, so no new work should come here. */
type Condition = "ok" | "degraded" | "unready";

interface HealthSnapshot {
  readonly status: "healthy" | "degraded";
  /** One sentence per part that is not ok. */
  readonly issues: readonly string[];
  /** Seconds since the process started. */
  readonly uptime: number;
}

export interface Health {
  /** Sets the condition of one part. Parts are independent: one that recovers never hides the trouble of another. */
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
