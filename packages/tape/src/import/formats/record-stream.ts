import type { SourceEvent } from "../events/source-event.js";
import { CutShort } from "../import-errors.js";
import { decompress } from "../input/decompress.js";
import type { RecordingFile } from "../input/recording-file.js";
import type { EventStream, ReadContext } from "./format.js";

/** Reads one file of binary records, which count as lines. */
export interface RecordReader {
  /** Records so far. */
  readonly count: number;
  /** The events of what was read, which nobody has taken yet. */
  readonly out: ReadEvents;
  /** Reads the records that the next bytes complete. Throws `CutShort` after the last good one. */
  read(chunk: Uint8Array): void;
  /** Throws `CutShort` if the file must not end here. */
  checkEnd(): void;
  /** Adds the events that the file's end completes. */
  end(): void;
}

/** What a reader has made of its records. */
export class ReadEvents {
  /** Since the last `take`. */
  list: SourceEvent[] = [];
  /** Receive time of the last event that was taken, nanoseconds since 1970; undefined if there is none. */
  receivedNs: bigint | undefined;

  take(): SourceEvent[] {
    const taken = this.list;
    this.list = [];
    this.receivedNs = taken.at(-1)?.receivedNs ?? this.receivedNs;
    return taken;
  }
}

/** The events of a file of binary records, chunk by chunk. */
export async function* recordStream(file: RecordingFile, reader: RecordReader, reading: ReadContext): EventStream {
  let bytes = 0;
  const source = file.source.open((length) => {
    bytes += length;
  });
  const report = (records: number) => {
    reading.addProgress(records, bytes);
    bytes = 0;
  };
  try {
    for await (const chunk of decompress(source, file.compression)) {
      reading.signal?.throwIfAborted();
      const before = reader.count;
      try {
        reader.read(chunk);
      } finally {
        report(reader.count - before);
        yield reader.out.take();
      }
    }
    reader.checkEnd();
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    reading.cutShort(file, { line: reader.count, receivedNs: reader.out.receivedNs }, error.message);
  }
  reader.end();
  yield reader.out.take();
}
