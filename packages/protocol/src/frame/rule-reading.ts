/** Reading values whose type is not known, for the checkers of rules. */

export type Report = (problem: string) => void;

export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown): Record<string, unknown> {
  return isFields(value) ? value : {};
}

export function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

export function quoted(value: unknown): string {
  return JSON.stringify(value) ?? "absent";
}

/** Checks fields where they are present: a number from `low` to `high`, with so many decimals at most. */
export function rangeCheck(fields: Record<string, unknown>, say: Report) {
  return (name: string, low: number, high: number, decimals = 12): void => {
    const value = fields[name];
    if (value === undefined) return;
    const number = numberOf(value);
    if (!(number >= low && number <= high)) say(`${name} is ${quoted(value)}, not from ${low} to ${high}`);
    else if (Number(number.toFixed(decimals)) !== number) say(`${name} ${number} has more than ${decimals} decimals`);
  };
}
