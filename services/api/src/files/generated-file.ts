import { EventEmitter, once } from "node:events";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { type EncodedPart, writeFailureReason } from "@tapedeck/tape";
import type { FileContent } from "../http/file-response.js";
import type { Pieces } from "../http/streamed-body.js";

/** Bytes that are read at a time. */
const pieceBytes = 256 * 1024;
/** Seconds until a client that was not answered in time should ask again. */
const retryAfter = 2;
/** The same where somebody has to make room first. */
const retryAfterFailure = 60;

/** The disk is full, or the folder for temporary files is not writable. */
export class FilesNotWritable extends RefusedError {
  constructor(cause: unknown) {
    const message = `This node cannot write to its folder for temporary files: ${writeFailureReason(cause)}.`;
    super(refuse("UNAVAILABLE", message), { cause, retryAfter: retryAfterFailure });
  }
}

/**
 * A file that is made on request and kept on disk. Its name is removed as soon as it is open, so that nothing stays behind, however the process
 * ends. Those who want all of it read it while it is made; those who need its length or a part wait for its end.
 */
export class GeneratedFile implements FileContent {
  readonly tag: string;
  readonly #holdMs: number;
  #handle: FileHandle | undefined;
  #written = 0;
  /** 0 to 1. */
  #done = 0;
  #state: "waiting" | "making" | "complete" | "failed" = "waiting";
  #failure: { readonly error: unknown } | undefined;
  readonly #events = new EventEmitter<{ changed: [] }>().setMaxListeners(0);
  /** Readers of its bytes: as long as there are any, it stays on disk. */
  #readers = 0;
  #closed = false;
  /** Requests that wait for it. */
  #waiting = 0;
  /** When it was asked for last, by `performance.now()`. */
  askedAt = performance.now();

  /** @param holdMs how long a request waits for its end */
  constructor(tag: string, holdMs: number) {
    this.tag = tag;
    this.#holdMs = holdMs;
  }

  /** Undefined until it is complete. */
  get bytes(): number | undefined {
    return this.#state === "complete" ? this.#written : undefined;
  }

  /** Bytes that it takes on disk. */
  get size(): number {
    return this.#closed ? 0 : this.#written;
  }

  get isUsed(): boolean {
    return this.#readers > 0 || this.#waiting > 0 || this.#state === "waiting" || this.#state === "making";
  }

  get isWaitedFor(): boolean {
    return this.#waiting > 0 || this.#readers > 0;
  }

  /** Writes all parts. Rejects with `FilesNotWritable`, and as making them does; then so does all that waits for the file. */
  async write(parts: AsyncGenerator<EncodedPart, void, undefined>, makeRoom: (bytes: number) => void): Promise<void> {
    this.#state = "making";
    const handle = await openUnnamed().catch(notWritable);
    this.#handle = handle;
    for await (const { bytes, done } of parts) {
      makeRoom(bytes.length);
      await handle.writeFile(bytes).catch(notWritable);
      this.#written += bytes.length;
      this.#done = done;
      this.#events.emit("changed");
    }
    this.#state = "complete";
    this.#events.emit("changed");
  }

  async fail(error: unknown): Promise<void> {
    this.#state = "failed";
    this.#failure = { error };
    this.#events.emit("changed");
    await this.close();
  }

  /** Its length. Rejects with FILE_NOT_READY if it is not complete in time, and as making it does. */
  async complete(): Promise<number> {
    const late = AbortSignal.timeout(this.#holdMs);
    this.#waiting++;
    try {
      while (this.#state !== "complete") await this.#next(late);
      return this.#written;
    } finally {
      this.#waiting--;
      this.askedAt = performance.now();
    }
  }

  /** Bytes `from` up to and without `to`, of a file that is complete. */
  async *read(from: number, to: number): Pieces {
    this.#readers++;
    try {
      for (let at = from; at < to; at += pieceBytes) yield await this.#piece(at, Math.min(to, at + pieceBytes));
    } finally {
      await this.#leave();
    }
  }

  /** All bytes, as they are made. Fails with FILE_NOT_READY if its turn does not come in time, and as making it does. */
  async *readAll(): Pieces {
    const late = AbortSignal.timeout(this.#holdMs);
    this.#readers++;
    try {
      while (this.#written === 0) await this.#next(late);
      for (let at = 0; ; ) {
        const end = Math.min(this.#written, at + pieceBytes);
        if (at < end) {
          yield await this.#piece(at, end);
          at = end;
        } else if (this.#state === "complete") return;
        else await this.#next();
      }
    } finally {
      await this.#leave();
    }
  }

  /** Gives its disk back, once nobody reads it. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#readers > 0) return;
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #leave(): Promise<void> {
    this.#readers--;
    this.askedAt = performance.now();
    if (this.#closed) await this.close();
  }

  /** Waits for the next change. Rejects if the file cannot be made, or not in time. */
  async #next(late?: AbortSignal): Promise<void> {
    this.#throwIfFailed();
    try {
      await once(this.#events, "changed", late === undefined ? {} : { signal: late });
    } catch {
      throw this.#notReady(); // only the signal ends the waiting
    }
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #notReady(): RefusedError {
    const so = this.#state === "waiting" ? "waits for others" : `is ${Math.floor(100 * this.#done)} % done`;
    const message = `The file is being made and ${so}: ask again. The whole file, without Range, can be read while it is made.`;
    return new RefusedError(refuse("FILE_NOT_READY", message), { retryAfter });
  }

  async #piece(from: number, to: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(to - from);
    const read = await this.#handle?.read(buffer, 0, to - from, from);
    if (read?.bytesRead !== to - from) throw new Error(`a generated file has no bytes ${from} to ${to - 1}`);
    return buffer;
  }
}

function notWritable(error: unknown): never {
  throw new FilesNotWritable(error);
}

/** A file without a name, whose bytes go when it is closed. */
async function openUnnamed(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-file-"));
  try {
    return await open(join(folder, "file"), "w+");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
