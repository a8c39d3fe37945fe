import { RefusedError, refuse } from "@tapedeck/protocol";
import type { Metrics } from "@tapedeck/runtime";
import { clientGone, type Requester, UserQueue } from "@tapedeck/sessions";
import { type EncodedPart, EncodingThreads } from "@tapedeck/tape";
import pLimit from "p-limit";
import type { FileContent } from "../http/file-response.js";
import { FilesNotWritable, GeneratedFile } from "./generated-file.js";

/** Files that a node makes at a time, each in a thread. */
const atOnce = 2;
/** A file that waits for its turn is not made if nobody has asked for it for so long. */
const forgottenMs = 60_000;
/** Balancers and readers give up after 30 to 60 s without an answer. */
const defaultHoldMs = 20_000;

type MakeParts = (encoders: EncodingThreads) => AsyncGenerator<EncodedPart, void, undefined>;

export interface GeneratedFilesOptions {
  /** Bound of the files on disk. */
  readonly diskBytes: number;
  /** How long a request waits for a file before it is told to ask again. */
  readonly holdMs?: number | undefined;
  readonly log: { warn(details: object, message: string): void };
}

/**
 * The files that this node has made: each once, however many ask for it. A user's files are made one after the other. What nobody has asked for
 * the longest goes when the disk is full.
 */
export class GeneratedFiles {
  readonly #diskBytes: number;
  readonly #holdMs: number;
  readonly #log: GeneratedFilesOptions["log"];
  /** By their tags; those that were asked for last are at the end. */
  readonly #files = new Map<string, GeneratedFile>();
  readonly #users = new UserQueue("files");
  readonly #node = pLimit(atOnce);
  readonly #encoders = new EncodingThreads();
  /** Files that were made, and that could not be made. */
  made = 0;
  failed = 0;

  constructor({ diskBytes, holdMs = defaultHoldMs, log }: GeneratedFilesOptions) {
    this.#diskBytes = diskBytes;
    this.#holdMs = holdMs;
    this.#log = log;
  }

  /** Bytes on disk. */
  get bytes(): number {
    let bytes = 0;
    for (const file of this.#files.values()) bytes += file.size;
    return bytes;
  }

  /**
   * The file with a tag. Nothing is made before its length or its bytes are asked for, and nothing then if this node has it.
   *
   * @param parts begins to make it
   */
  get(tag: string, { user }: Pick<Requester, "user">, parts: MakeParts): FileContent {
    const file = (): GeneratedFile => {
      const known = this.#files.get(tag);
      const wanted = known ?? new GeneratedFile(tag, this.#holdMs);
      this.#files.delete(tag);
      this.#files.set(tag, wanted);
      if (known === undefined) void this.#make(wanted, user, parts);
      return wanted;
    };
    return {
      tag,
      bytes: this.#files.get(tag)?.bytes,
      complete: () => file().complete(),
      read: (from, to) => file().read(from, to),
      readAll: () => file().readAll(),
    };
  }

  /** Gives up all files. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all([...files.map((file) => file.close()), this.#encoders.close()]);
  }

  async #make(file: GeneratedFile, user: string, parts: MakeParts): Promise<void> {
    // A client that leaves does not stop it: it comes back for the rest, or others want it.
    const requester = { user, signal: new AbortController().signal };
    try {
      await this.#users.run(requester, () => this.#node(() => this.#write(file, parts(this.#encoders))));
      this.made++;
    } catch (error) {
      this.#files.delete(file.tag);
      this.failed++;
      if (!(error instanceof RefusedError) || error instanceof FilesNotWritable) {
        this.#log.warn({ err: error, file: file.tag }, "file not made");
      }
      await file.fail(error);
    }
  }

  async #write(file: GeneratedFile, parts: AsyncGenerator<EncodedPart, void, undefined>): Promise<void> {
    if (!file.isWaitedFor && performance.now() - file.askedAt > forgottenMs) throw clientGone();
    await file.write(parts, (bytes) => this.#makeRoom(bytes));
  }

  /** @throws RefusedError if all that is on disk is in use */
  #makeRoom(bytes: number): void {
    for (const [tag, file] of this.#files) {
      if (this.bytes + bytes <= this.#diskBytes) return;
      if (file.isUsed) continue;
      this.#files.delete(tag);
      void file.close();
    }
    if (this.bytes + bytes <= this.#diskBytes) return;
    const most = Math.round(this.#diskBytes / 2 ** 20);
    const message = `The file is larger than what is left of the ${most} MB that a node has for such files: ask for a smaller range of frames.`;
    throw new RefusedError(refuse("INVALID_VALUE", message));
  }
}

export function observeFiles(metrics: Metrics, files: Pick<GeneratedFiles, "bytes" | "made" | "failed">): void {
  metrics.observeGauge({
    name: "tapedeck_api_files_bytes",
    help: "Disk that files take which were made on request",
    read: () => files.bytes,
  });
  metrics.observeCounter({
    name: "tapedeck_api_files_total",
    help: "Files that were made on request, and that could not be made",
    labels: ["outcome"],
    read: () => [
      [{ outcome: "made" }, files.made],
      [{ outcome: "failed" }, files.failed],
    ],
  });
}
