import { RefusedError, refuse, type TapeNs } from "@tapedeck/protocol";

/** A range of a simulated tape has at most so much market time. */
export const longestRangeNs: TapeNs = 6 * 3_600e9;

/** A range of a tape that is made when it is asked for has no end, or is too long. */
export class RangeRefused extends RefusedError {
  /** @param field the end that is wrong, as the caller named it */
  constructor(tape: string, field: string, rule: string) {
    const why = `tape ${tape} is simulated, and made when it is asked for, at most six hours at a time`;
    super(refuse("INVALID_VALUE", `${field}: ${rule}; ${why}.`));
  }
}

/** @throws RangeRefused if a range is longer than `longestRangeNs` */
export function checkLength(tape: string, lengthNs: TapeNs): void {
  if (lengthNs > longestRangeNs) throw new RangeRefused(tape, "to", "must be at most six hours after from");
}
