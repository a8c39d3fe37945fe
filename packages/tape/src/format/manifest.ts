import { isoTime } from "@tapedeck/protocol";
import { z } from "zod";
import { DamagedTape, UnknownTapeFormat } from "../errors.js";
import { tapeIdPattern } from "../tape-id.js";

/**
 * Raised by any change after which an older reader would misread a tape: 2 says where a tape begins that does not begin at its
 * frame 0. `docs/tape-format.md` describes both.
 */
const formatVersions = [1, 2] as const;

/** The oldest format that holds a tape: releases that know no other go on reading what they can. */
export function formatOf(firstSeq: number): Manifest["format_version"] {
  return firstSeq === 0 ? 1 : 2;
}

export const files = {
  manifest: "manifest.json",
  index: "index.bin",
  blocks: "blocks.bin",
  events: "events.bin",
  overview: "overview.bin",
  book: "book.parquet",
  trades: "trades.parquet",
  snapshots: "snapshots.parquet",
  orders: "orders.parquet",
} as const;

const writtenFile = z.object({ bytes: z.int().nonnegative(), crc32: z.int().nonnegative() });
const ns = z.int().nonnegative();

const manifest = z.object({
  format: z.literal("tapedeck-tape"),
  format_version: z.literal(formatVersions),
  id: z.string().regex(tapeIdPattern),
  version: z.int().positive(),
  symbol: z.string().min(1),
  source: z.string().min(1),
  /** Nanoseconds since 1970 of tape time 0, as text: the number is beyond what a double holds exactly. */
  start_ns: z.string().regex(/^\d{1,20}$/),
  /** Decimals of a second in the frames' times. */
  decimals: z.union([z.literal(3), z.literal(6), z.literal(9)]),
  price_decimals: z.int().min(0).max(20),
  size_decimals: z.int().min(0).max(20),
  /** Frames were made at this interval; null: one per event. */
  interval_ms: z.number().positive().nullable(),
  /** Where it begins; absent for 0. */
  first_seq: z.int().positive().optional(),
  first_ns: ns.optional(),
  frames: z.int().positive(),
  trades: z.int().nonnegative(),
  last_ns: ns,
  blocks: z.int().positive(),
  gaps: z.array(z.object({ after_seq: z.int().nonnegative(), from_ns: ns, to_ns: ns, reason: z.string() })),
  /** Names of the event types, in the order in which `events.bin` numbers them. */
  event_types: z.array(z.string()),
  event_counts: z.record(z.string(), z.int().positive()),
  /** Version of the analytics in the frames; absent where they have none. */
  analytics_version: z.int().positive().optional(),
  /** Its event track; absent on tapes that were made without one. */
  track: z
    .object({
      events: z.int().nonnegative(),
      level_changes: z.int().nonnegative(),
      trades: z.int().nonnegative(),
      snapshots: z.int().nonnegative(),
      /** Rows of `orders.parquet`; absent without that file. */
      orders: z.int().nonnegative().optional(),
      price_decimals: z.int().min(0).max(20),
      size_decimals: z.int().min(0).max(20),
      /** False if some price or size has more than 15 digits, and was rounded. */
      exact: z.boolean(),
      /** Levels a side that the source has, if it has not all: behind so many nothing is known. */
      depth: z.int().positive().optional(),
      /** Where events may be missing, beside the gaps of the frames: of the tape of a feed. */
      gaps: z
        .array(z.object({ after_n: z.int().min(-1), reason: z.string() }))
        .readonly()
        .optional(),
    })
    .optional(),
  created_at: isoTime,
  files: z.object({
    index: writtenFile,
    blocks: writtenFile,
    events: writtenFile,
    overview: writtenFile,
    book: writtenFile.optional(),
    trades: writtenFile.optional(),
    snapshots: writtenFile.optional(),
    orders: writtenFile.optional(),
  }),
});
export type Manifest = z.infer<typeof manifest>;

/** What the files of a version take, but for the manifest itself. */
export function bytesOf({ files }: Pick<Manifest, "files">): number {
  return Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Reads a manifest. Throws `UnknownTapeFormat`, or `DamagedTape` saying what is wrong with it. */
export function parseManifest(tape: string, text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DamagedTape(tape, "its manifest is no JSON", error);
  }
  const version = z.object({ format_version: z.unknown() }).safeParse(json).data?.format_version;
  if (version !== undefined && !formatVersions.some((known) => known === version)) {
    throw new UnknownTapeFormat(tape, version, formatVersions);
  }
  const parsed = manifest.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new DamagedTape(tape, `in its manifest ${issue?.path.join(".") || "something"} is wrong: ${issue?.message}`);
}
