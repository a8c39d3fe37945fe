import { type ExportContent, encoderVersion, type SeqRange, type Tape, type TrackDecimals } from "@tapedeck/tape";

/** All that a generated file's bytes follow from. */
export interface FileIdentity {
  readonly content: ExportContent;
  /** Names the tape's version by its content. */
  readonly tape: string;
  readonly range: SeqRange;
  /** With the events that no frame shows. */
  readonly whole: boolean;
  /** Of bars, in nanoseconds; 0 of others. */
  readonly intervalNs: bigint;
  readonly precision: Tape["precision"];
  /** Of trades, book and orders; absent of others. */
  readonly decimals?: TrackDecimals | undefined;
}

/** Two nodes that make a file with the same tag make the same bytes. */
export function tagOf({ content, tape, range, whole, intervalNs, precision, decimals }: FileIdentity): string {
  const { priceDecimals, sizeDecimals } = precision;
  const scale = decimals === undefined ? "" : `${decimals.price}.${decimals.size}`;
  const frames = `${range.from}.${range.to}${whole ? "+" : ""}`;
  return [content, tape, frames, intervalNs, `${priceDecimals}.${sizeDecimals}`, scale, encoderVersion].join("-");
}

const pattern = /^([a-z]+)-([0-9a-z.]+)-(\d+)\.(\d+)-(\d+)-(\d+)\.(\d+)-(?:(\d+)\.(\d+))?-(\d+)$/;

/**
 * What a tag stands for, if it is one of this content, tape and interval, made by this release. Only tags of growing tapes are read again: a client that
 * has a part of such a file says so.
 */
export function identityIn(
  tag: string,
  { content, tape, intervalNs }: Pick<FileIdentity, "content" | "tape" | "intervalNs">,
): FileIdentity | undefined {
  const found = pattern.exec(tag);
  if (found === null) return undefined;
  const [from = 0, to = 0, _interval, priceDecimals = 0, sizeDecimals = 0, price, size] = found
    .slice(3, 10)
    .map(Number);
  const identity: FileIdentity = {
    ...{ content, tape, intervalNs, whole: false },
    range: { from, to },
    precision: { priceDecimals, sizeDecimals },
    decimals: found[8] === undefined ? undefined : { price: price ?? 0, size: size ?? 0 },
  };
  return tagOf(identity) === tag ? identity : undefined;
}
