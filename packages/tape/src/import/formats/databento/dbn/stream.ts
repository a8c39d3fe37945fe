import { BrokenLine, CutShort } from "../../../import-errors.js";
import type { RecordingFile } from "../../../input/recording-file.js";
import type { EventStream, ReadContext } from "../../format.js";
import { ReadEvents, type RecordReader, recordStream } from "../../record-stream.js";
import { DatabentoEvents } from "../events.js";
import type { Schema } from "../record.js";
import { metadataBytes, preludeBytes, recordKinds, symbolsOfMetadata } from "./metadata.js";
import { DbnRecords } from "./records.js";

/** The events of a DBN file. Its records count as lines. */
export function dbnStream(file: RecordingFile, schema: Schema, reading: ReadContext): EventStream {
  return recordStream(file, new DbnReader(file, schema, reading), reading);
}

class DbnReader implements RecordReader {
  /** Records so far. */
  count = 0;
  readonly out = new ReadEvents();
  readonly #file: RecordingFile;
  readonly #schema: Schema;
  readonly #reading: ReadContext;
  readonly #events: DatabentoEvents;
  #records: DbnRecords | undefined;
  /** What is not read yet: the beginning of the metadata, or of a record. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: RecordingFile, schema: Schema, reading: ReadContext) {
    this.#file = file;
    this.#schema = schema;
    this.#reading = reading;
    this.#events = new DatabentoEvents(file.name, reading);
  }

  /** Throws `CutShort` after the last good record. */
  read(chunk: Uint8Array): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let at = 0;
    if (this.#records === undefined) {
      this.#rest = bytes;
      if (bytes.length < preludeBytes) return;
      at = metadataBytes(bytes);
      if (bytes.length < at) return;
      this.#records = new DbnRecords(this.#schema, symbolsOfMetadata(bytes.subarray(0, at)));
    }
    while (at < bytes.length) {
      const length = 4 * (bytes[at] ?? 0);
      if (length < recordHeaderBytes) throw new CutShort(`the next record says that it has ${length} bytes`);
      if (at + length > bytes.length) break;
      this.#readRecord(this.#records, bytes, at, length);
      at += length;
    }
    this.#rest = bytes.subarray(at);
  }

  /** Throws `CutShort` if the file ends within a record or before its metadata does. */
  checkEnd(): void {
    if (this.#records === undefined) throw new CutShort("the metadata ends in the middle");
    if (this.#rest.length > 0) throw new CutShort("the next record ends in the middle");
  }

  end(): void {
    this.#events.end(this.out.list);
  }

  #readRecord(records: DbnRecords, bytes: Buffer, at: number, length: number): void {
    this.count++;
    const out = this.out.list;
    const first = out.length;
    try {
      const record = records.read(bytes, at, length);
      if (record !== undefined) this.#events.push(record, out);
      else if (bytes[at + 1] !== recordKinds.symbolMapping) this.#reading.ignore("record of another kind");
    } catch (error) {
      if (!(error instanceof BrokenLine)) throw error;
      out.length = first;
      this.#reading.brokenLine(this.#file, this.count, error.message);
    }
  }
}

const recordHeaderBytes = 16;
