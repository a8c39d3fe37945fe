import type { Parameters } from "../http/parameters.js";

/**
 * The part of a list that a request asks for: from an id on, or the newest ones.
 *
 * @param from the parameter that names the first id
 */
export function page<T>(
  all: readonly T[],
  parameters: Parameters,
  { id, from }: { readonly id: (entry: T) => number; readonly from: string },
): readonly T[] {
  const limit = parameters.limit({ most: 1000, usual: 500 });
  const first = parameters.integer(from);
  if (first === undefined) return all.slice(-limit);
  return all.filter((entry) => id(entry) >= first).slice(0, limit);
}

/** Those between `startTime` and `endTime`, both in milliseconds and inclusive. */
export function asOfTime<T>(all: readonly T[], parameters: Parameters, timeOf: (entry: T) => number): readonly T[] {
  const start = parameters.integer("startTime") ?? Number.NEGATIVE_INFINITY;
  const end = parameters.integer("endTime") ?? Number.POSITIVE_INFINITY;
  return all.filter((entry) => timeOf(entry) >= start && timeOf(entry) <= end);
}
