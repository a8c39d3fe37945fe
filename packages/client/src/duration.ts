import { badArgument } from "./errors.js";

/** Milliseconds, or a number with a unit: `"90s"`, `"15m"`, `"1.5h"`, `"250ms"`, `"2d"`. */
export type Duration = number | `${number}${Unit}`;
type Unit = "ms" | "s" | "m" | "h" | "d";

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const satisfies Record<Unit, number>;

/** @throws TapedeckError `bad_argument` that names the argument */
export function millisOf(name: string, duration: Duration): number {
  if (typeof duration === "number" && Number.isFinite(duration)) return duration;
  const [, amount, unit] = (typeof duration === "string" && /^(\d+(?:\.\d+)?)(ms|[smhd])$/.exec(duration)) || [];
  if (amount === undefined || !isUnit(unit)) {
    throw badArgument(name, 'must be milliseconds or a text such as "15m"');
  }
  return Number(amount) * unitMs[unit];
}

function isUnit(text: string | undefined): text is Unit {
  return text !== undefined && Object.hasOwn(unitMs, text);
}
