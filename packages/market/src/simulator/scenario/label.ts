import type { TapeNs } from "@tapedeck/protocol";
import type { BookSideName } from "../../book/order-book.js";
import type { IncidentKind, IncidentSeverity } from "./scenario.js";

/** What was staged, when and where: the truth that a detector is measured against. Never part of a frame. */
export interface IncidentLabel {
  readonly kind: IncidentKind;
  /** An honest burst: no detector of manipulation should speak up. */
  readonly benign: boolean;
  readonly severity: IncidentSeverity;
  /** Tape time of its first and its last act. */
  readonly fromNs: TapeNs;
  readonly toNs: TapeNs;
  /** The side of the book it works on; undefined where it works on both, or on none. */
  readonly side: BookSideName | undefined;
  /** Where the price goes: +1 up, -1 down, 0 nowhere. */
  readonly direction: 1 | 0 | -1;
  /** Price units: the best price of its side, or the mid, as it begins. */
  readonly price: number;
}
