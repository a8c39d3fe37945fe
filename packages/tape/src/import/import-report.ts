import { maxLevels } from "@tapedeck/market";

/** What an import did, in numbers; `reportLines` puts it into words. */
export interface ImportReport {
  readonly files: readonly string[];
  /** Files found beside the recording that are not recordings; `reason` completes a sentence about the file. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  readonly formats: readonly string[];
  readonly lines: number;
  readonly seconds: number;
  readonly linesPerSecond: number;
  readonly frames: number;
  readonly brokenLines: { readonly count: number; readonly first: readonly BrokenLineReport[] };
  /** Files that could not be read to their end; the tapes are partial. */
  readonly cutShort: readonly CutShortReport[];
  /** Number of messages that a tape does not need, by kind. */
  readonly ignoredLines: Readonly<Record<string, number>>;
  /** Other things the user should know about the recording, one sentence each. */
  readonly notices: readonly string[];
  readonly tapes: readonly TapeReport[];
}

export interface CutShortReport {
  readonly file: string;
  /** Number of the last line that was read. */
  readonly line: number;
  /** Receive time of the last event, ISO 8601. */
  readonly until: string | undefined;
  readonly reason: string;
}

export interface BrokenLineReport {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

/** One instrument of a recording and the tape made from it. */
export interface TapeReport {
  /** `id@version`; undefined if the instrument was refused. */
  readonly tape: string | undefined;
  readonly refused: string | undefined;
  readonly symbol: string;
  readonly source: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly durationMs: number;
  readonly frames: number;
  /** Version of the analytics in the frames. */
  readonly analyticsVersion: number;
  /** Updates on the tape: the sum of its frames' `updates`. */
  readonly bookUpdates: number;
  /** Book updates after the last frame. They changed nothing that a frame shows, so the tape ends before them. */
  readonly updatesAfterTape: number;
  /** Time of the recording's last event: the tape's end or later. */
  readonly heardUntil: string | undefined;
  /** Trades on the tape. */
  readonly trades: number;
  readonly gaps: readonly {
    readonly from: string;
    readonly to: string;
    readonly ms: number;
    readonly reason: string;
  }[];
  readonly book: {
    readonly diffsApplied: number;
    readonly diffsBeforeSnapshot: number;
    readonly snapshotsUsed: number;
    readonly snapshotsNotNeeded: number;
    readonly snapshotsApart: number;
    /** The book was built from diffs alone. */
    readonly withoutSnapshot: boolean;
    /** Times that the venue's update ids show missing updates. */
    readonly sequenceBreaks: number;
    /** Books whose bid was not below their ask; the older side's overlapping levels were removed. */
    readonly crossed: number;
    readonly levelsUncrossed: number;
    /** Books whose top 20 levels reach beyond the prices that the snapshot covered. */
    readonly levelsOutsideSnapshot: number;
    /** Changes of levels whose id is unknown. */
    readonly unknownIds: number;
    /** Most levels on one side of the book; frames keep the best 20. */
    readonly deepest: number;
    readonly finalBid: number | null;
    readonly finalAsk: number | null;
  };
  /** Repeated events, left out. */
  readonly duplicates: number;
  /** Events that came after later ones. They were put in order, except those that came too late. */
  readonly outOfOrder: {
    readonly book: number;
    readonly trades: number;
    readonly bookLeftOut: number;
    /** Too late to be put in order: they are in the next frame, with their own time. */
    readonly tradesLate: number;
  };
  /** By reason. */
  readonly tradesLeftOut: Readonly<Record<string, number>>;
  /** Trades missing by the venue's trade ids. */
  readonly missingTrades: number;
}

/** The report as text. Names of files and instruments are not escaped, so they may contain line breaks. */
export function reportLines(report: ImportReport): string[] {
  const { brokenLines } = report;
  const lines = [
    `${report.files.length === 1 ? report.files[0] : `${report.files.length} files`} (${report.formats.join(", ")}): ` +
      `${count(report.lines, "line")} in ${report.seconds.toFixed(1)} s, ${Math.round(report.linesPerSecond)} lines/s, ` +
      `${count(report.frames, "frame")}`,
  ];
  for (const { file, line, until, reason } of report.cutShort) {
    lines.push(`PARTIAL: ${file} was read up to line ${line}${until ? `, received at ${until}` : ""}: ${reason}`);
  }
  for (const tape of report.tapes) lines.push(...tapeText(tape, report.cutShort.length > 0));
  if (brokenLines.count > 0) {
    lines.push(`${count(brokenLines.count, "broken line")}, left out:`);
    for (const { file, line, reason } of brokenLines.first) lines.push(`  ${file}:${line}  ${reason}`);
    const more = brokenLines.count - brokenLines.first.length;
    if (more > 0) lines.push(`  and ${more} more`);
  }
  const ignored = Object.entries(report.ignoredLines);
  if (ignored.length > 0) {
    lines.push(`ignored: ${ignored.map(([kind, n]) => `${n} ${kind}`).join(", ")}`);
  }
  for (const notice of report.notices) lines.push(notice);
  for (const { file, reason } of report.skipped) lines.push(`skipped: ${file} ${reason}`);
  return lines;
}

function tapeText(tape: TapeReport, partial: boolean): string[] {
  if (tape.refused !== undefined) return [`${tape.symbol} ${tape.source}: refused, ${tape.refused}`];
  const seconds = tape.durationMs / 1000;
  return [
    `${tape.tape}  ${tape.symbol} ${tape.source}  ${tape.from} to ${tape.to}  (${seconds.toFixed(1)} s)${partial ? ", partial" : ""}`,
    `  ${count(tape.frames, "frame")} (${seconds > 0 ? (tape.frames / seconds).toFixed(1) : "-"}/s), ` +
      `${count(tape.bookUpdates, "book update")}, ${count(tape.trades, "trade")}`,
    `  ${count(tape.gaps.length, "gap")}, ${count(tape.book.crossed, "crossed book")}, ` +
      `${count(tape.outOfOrder.book + tape.outOfOrder.trades, "event")} out of order, ${count(tape.duplicates, "duplicate")}`,
    ...[
      ...endFindings(tape),
      ...bookFindings(tape),
      ...orderFindings(tape),
      ...tradeFindings(tape),
      ...gapFindings(tape),
    ].map((finding) => `  ${finding}`),
  ];
}

function* endFindings({ updatesAfterTape, heardUntil }: TapeReport): Generator<string> {
  if (updatesAfterTape > 0) {
    yield `${count(updatesAfterTape, "book update")} after the last frame, until ${heardUntil}, changed nothing that a frame shows`;
  }
}

function* bookFindings({ book }: TapeReport): Generator<string> {
  if (book.withoutSnapshot) yield "no snapshot: the book is built from the diffs alone and is shallow at first";
  if (book.diffsBeforeSnapshot > 0)
    yield `${count(book.diffsBeforeSnapshot, "diff")} older than the snapshot, left out`;
  if (book.snapshotsNotNeeded > 0)
    yield `${count(book.snapshotsNotNeeded, "snapshot")} not needed: the book was complete`;
  if (book.snapshotsApart > 0)
    yield `${count(book.snapshotsApart, "snapshot")} not used: diffs between them and the recording are missing`;
  if (book.sequenceBreaks > 0) yield `${count(book.sequenceBreaks, "break")} in the update ids, marked as gaps`;
  if (book.crossed > 0) {
    yield `${count(book.crossed, "crossed book")}: ${count(book.levelsUncrossed, "stale level")} removed`;
  }
  if (book.levelsOutsideSnapshot > 0) {
    yield `levels_outside_snapshot: the top 20 of ${count(book.levelsOutsideSnapshot, "book")} reach beyond the prices ` +
      "that the snapshot covered; unchanged levels beyond them are missing";
  }
  if (book.deepest > maxLevels) {
    yield `${count(book.deepest, "level")} a side in the recording's deepest book; frames keep the best ${maxLevels}`;
  }
  if (book.unknownIds > 0) yield `${count(book.unknownIds, "change")} of unknown levels, left out`;
}

function* orderFindings({ outOfOrder, duplicates }: TapeReport): Generator<string> {
  if (outOfOrder.book + outOfOrder.trades > 0) {
    yield `out of order: ${count(outOfOrder.book, "book update")} and ${count(outOfOrder.trades, "trade")}, put in order`;
  }
  if (outOfOrder.bookLeftOut > 0) yield `${count(outOfOrder.bookLeftOut, "book update")} came too late, left out`;
  if (outOfOrder.tradesLate > 0)
    yield `${count(outOfOrder.tradesLate, "trade")} came too late, shown in the next frame`;
  if (duplicates > 0) yield `${count(duplicates, "duplicate")}, left out`;
}

const reasons: Readonly<Record<string, string>> = {
  beforeFirstFrame: "before the book was known",
  withoutBook: "while the book was silent",
};

function* tradeFindings({ tradesLeftOut, missingTrades }: TapeReport): Generator<string> {
  for (const [reason, n] of Object.entries(tradesLeftOut)) {
    if (n > 0) yield `${count(n, "trade")} left out: ${reasons[reason] ?? reason}`;
  }
  if (missingTrades > 0) yield `${count(missingTrades, "trade")} missing in the recording, marked as gaps`;
}

const gapsShown = 20;

function* gapFindings({ gaps }: TapeReport): Generator<string> {
  for (const { from, to, ms, reason } of gaps.slice(0, gapsShown)) {
    yield `gap of ${(ms / 1000).toFixed(3)} s, ${from} to ${to}: ${reason}`;
  }
  if (gaps.length > gapsShown) yield `and ${gaps.length - gapsShown} more gaps`;
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
}
