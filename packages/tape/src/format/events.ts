import { type Severity, severity as severities } from "@tapedeck/protocol";
import type { TapeEvent } from "../tape.js";

/** Severities by the number that stands for them on a tape: they compare as the numbers do. */
export const severitiesByRank: readonly Severity[] = severities.options;

export function severityRank(severity: Severity): number {
  return severitiesByRank.indexOf(severity);
}

/** An event on a tape: seq and ns (f64), number of its type (u16), rank of its severity (u8), 5 bytes of nothing. */
export const eventBytes = 24;

export function encodeEvent(event: TapeEvent, type: number): Buffer {
  const bytes = Buffer.alloc(eventBytes);
  bytes.writeDoubleLE(event.seq, 0);
  bytes.writeDoubleLE(event.ns, 8);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt8(severityRank(event.severity), 18);
  return bytes;
}

/** The event in the record that begins at `offset`. */
export function decodeEvent(bytes: Buffer, offset: number, types: readonly string[]): TapeEvent {
  return {
    seq: bytes.readDoubleLE(offset),
    ns: bytes.readDoubleLE(offset + 8),
    type: types[bytes.readUInt16LE(offset + 16)] ?? "UNKNOWN",
    severity: severitiesByRank[bytes.readUInt8(offset + 18)] ?? "low",
  };
}
