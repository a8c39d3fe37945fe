import { DamagedTape } from "../errors.js";
import { files, type Manifest } from "../format/manifest.js";
import { FileMissing, type TapeStore } from "../store/store.js";
import { tapeName } from "../tape-id.js";
import type { StoredTrackFile } from "./track.js";

/** Bytes that are read at a time: a window of a bucket's `ReadAhead`, so that no window is fetched for two reads. */
const chunkBytes = 256 * 1024;

/** A Parquet file of an event track, byte by byte. It never changes: another version of the tape has another. */
export class TrackFileContent {
  readonly bytes: number;
  /** Differs from that of any other content of the file's name. */
  readonly tag: string;
  readonly #store: Pick<TapeStore, "readRange">;
  readonly #manifest: Manifest;
  readonly #file: StoredTrackFile;

  /** @throws DamagedTape if the manifest has a track but not this file */
  constructor(store: Pick<TapeStore, "readRange">, manifest: Manifest, file: StoredTrackFile) {
    this.#store = store;
    this.#manifest = manifest;
    this.#file = file;
    const written = manifest.files[file];
    if (written === undefined) throw this.#damaged();
    this.bytes = written.bytes;
    this.tag = `${manifest.version}-${written.bytes.toString(16)}-${written.crc32.toString(16)}`;
  }

  complete(): Promise<number> {
    return Promise.resolve(this.bytes);
  }

  readAll(): AsyncGenerator<Buffer, void, undefined> {
    return this.read(0, this.bytes);
  }

  /**
   * Bytes `from` up to and without `to`, in pieces that are read when they are taken. Fails with `DamagedTape` if they are not
   * there, or with `StoreUnavailable`.
   */
  async *read(from: number, to: number): AsyncGenerator<Buffer, void, undefined> {
    const { id, version } = this.#manifest;
    for (let at = from; at < to; ) {
      const end = Math.min(to, at - (at % chunkBytes) + chunkBytes);
      const piece = await this.#store
        .readRange(id, version, files[this.#file], at, end - at)
        .catch((error: unknown) => {
          throw error instanceof FileMissing ? this.#damaged(error) : error;
        });
      if (piece.length !== end - at) throw this.#damaged();
      yield piece;
      at = end;
    }
  }

  #damaged(cause?: unknown): DamagedTape {
    const { id, version } = this.#manifest;
    return new DamagedTape(tapeName(id, version), `${files[this.#file]} is not what was written`, cause);
  }
}
