/** Milliseconds, or a number with a unit: `"90s"`, `"15m"`, `"1.5h"`, `"250ms"`, `"2d"`. */
export type Duration = number | `${number}${Unit}`;
type Unit = "ms" | "s" | "m" | "h" | "d";

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const satisfies Record<Unit, number>;

/** Throws a RangeError for what is no duration. */
export function millisOf(duration: Duration): number {
  if (typeof duration === "number" && Number.isFinite(duration)) return duration;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  if (amount === undefined || !isUnit(unit)) {
    throw new RangeError(
      `${String(duration)} is no duration: give milliseconds, or a text such as "90s", "15m" or "1.5h"`,
    );
  }
  return Number(amount) * unitMs[unit];
}

function isUnit(text: string | undefined): text is Unit {
  return text !== undefined && Object.hasOwn(unitMs, text);
}
