import type { Violation } from "../history.js";
import type { Observations } from "../observations.js";
import type { Tapes } from "../tapes.js";

/** Says what of a history breaks one rule of the protocol. */
export type Rule = (observed: Observations, tapes: Tapes) => Violation[];

type Place = Pick<Violation, "at"> & Partial<Pick<Violation, "viewer" | "epoch" | "seq">>;

export function violation(rule: string, { session }: Observations, place: Place, text: string): Violation {
  const { viewer, epoch, seq, at } = place;
  return {
    rule,
    session,
    ...(viewer !== undefined && { viewer }),
    ...(epoch !== undefined && { epoch }),
    ...(seq !== undefined && { seq }),
    at,
    text,
  };
}
