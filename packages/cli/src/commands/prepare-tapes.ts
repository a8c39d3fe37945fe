import { importRecording, reportLines, writeDemoTape } from "@tapedeck/tape";
import { StatusLine } from "../terminal/status-line.js";
import { withStoreAt } from "./tape-store.js";

export interface TapesToPrepare {
  /** Folder or bucket of the tapes; the bucket's endpoint where it is not AWS's. */
  readonly store: string;
  readonly endpoint: string | undefined;
  /** Files of recordings to import. */
  readonly recordings: readonly string[];
  /** Makes tapes also of files that cannot be read to their end. */
  readonly keepPartial: boolean;
  readonly tell: (sentence: string, ...more: string[]) => void;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that there is something to play: the recordings asked for, or a demo where the store is empty.
 *
 * @throws ImportRefused when a recording is refused, Problem or TapeWriteError when the store cannot be read or written
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
        const report = await importRecording(
          recordings,
          { keepPartial },
          {
            store,
            signal,
            onProgress: ({ bytes, totalBytes, frames }) =>
              status.show(() => `  ${Math.round((100 * bytes) / Math.max(1, totalBytes))} %, ${frames} frames`),
          },
        );
        status.clear();
        const [first = "", ...more] = reportLines(report);
        tell(first, ...more);
      }
      if ((await store.ids()).length > 0) return;
      tell("No tape yet: making a demo of half an hour, once (tapedeck demo --labels prints what happens in it)");
      const onProgress = (fraction: number) => status.show(() => `  ${Math.round(100 * fraction)} %`);
      await writeDemoTape(store, { signal, onProgress });
    } finally {
      status.clear();
    }
  });
}
