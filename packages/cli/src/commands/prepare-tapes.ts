import {
  ImportRefused,
  importRecording,
  openTapeStore,
  reportText,
  TapeWriteError,
  writeDemoTape,
} from "@tapedeck/tape";
import { Problem } from "../cluster/problem.js";
import { StatusLine } from "../terminal/status-line.js";

export interface TapesToPrepare {
  /** Folder or bucket of the tapes; the bucket's endpoint where it is not AWS's. */
  readonly store: string;
  readonly endpoint: string | undefined;
  /** Files of recordings to import. */
  readonly recordings: readonly string[];
  /** Makes tapes also of files that cannot be read to their end. */
  readonly keepPartial: boolean;
  readonly tell: (sentence: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that there is something to play: the recordings asked for, or a demo where the store is empty.
 *
 * @throws Problem when a recording is refused or the store cannot take it
 */
export async function prepareTapes({
  store: place,
  endpoint,
  recordings,
  keepPartial,
  tell,
  signal,
}: TapesToPrepare): Promise<void> {
  const store = await openTapeStore(place, endpoint);
  const status = new StatusLine(process.stdout);
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
      tell(reportText(report));
    }
    if ((await store.ids()).length > 0) return;
    tell("No tape yet: making a demo of half an hour, once (tapedeck demo --labels prints what happens in it)");
    const onProgress = (fraction: number) => status.show(() => `  ${Math.round(100 * fraction)} %`);
    await writeDemoTape(store, { signal, onProgress });
  } catch (error) {
    if (error instanceof ImportRefused || error instanceof TapeWriteError) throw new Problem(error.message);
    throw error;
  } finally {
    status.clear();
  }
}
