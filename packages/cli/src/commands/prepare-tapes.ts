import { importRecording, reportLines, writeDemoTape } from "@tapedeck/tape";
import { ImportProgressLine } from "../terminal/import-progress.js";
import { StatusLine } from "../terminal/output.js";
import { withStoreAt } from "./tape-store.js";

interface TapesToPrepare {
  /** Folder or bucket of the tapes. */
  readonly store: string;
  /** Of the bucket, unless it is AWS's. */
  readonly endpoint: string | undefined;
  /** Files of recordings to import. */
  readonly recordings: readonly string[];
  /** Also imports the readable part of truncated or damaged files. */
  readonly keepPartial: boolean;
  readonly tell: (sentence: string, ...more: string[]) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes sure that there is a tape to play: imports the given recordings, or makes a demo tape if the store is empty.
 *
 * @throws ImportRefused if a recording is refused; UserError or TapeWriteError if the store cannot be read or written
 */
export async function prepareTapes({
  store: place,
  endpoint,
  recordings,
  keepPartial,
  tell,
  signal,
}: TapesToPrepare): Promise<void> {
  const status = new StatusLine(process.stdout);
  await withStoreAt(place, endpoint, async (store) => {
    try {
      if (recordings.length > 0) {
        tell(`Importing ${recordings.join(", ")}`);
        const line = new ImportProgressLine(performance.now());
        const report = await importRecording(
          recordings,
          { keepPartial },
          {
            store,
            signal,
            onProgress: (progress) => status.show(() => `  ${line.text(progress, performance.now())}`),
          },
        );
        status.clear();
        const [first = "", ...more] = reportLines(report);
        tell(first, ...more);
      }
      if ((await store.ids()).length > 0) return;
      tell(
        "The store has no tape yet: making a demo tape of half an hour (tapedeck demo --labels lists its incidents)",
      );
      const onProgress = (fraction: number) => status.show(() => `  ${Math.round(100 * fraction)} %`);
      await writeDemoTape(store, { signal, onProgress });
    } finally {
      status.clear();
    }
  });
}
