import { FileMissing, type StagedVersion, type TapeStore, takenOver } from "./store.js";

interface StoredTape {
  highest: number;
  readonly versions: Map<number, Map<string, Buffer>>;
  staged: StagedFiles | undefined;
}

/** Shared with the stores of segments. */
interface Capacity {
  readonly bytes: number;
  used: number;
}

/** The files of a staged version, in the pieces in which they were appended. */
type StagedFiles = Map<string, Buffer[]>;

/** Tapes in the memory of this process: for tests, and for tapes that need not be kept. */
export class MemoryTapeStore implements TapeStore {
  readonly #tapes = new Map<string, StoredTape>();
  readonly #segments = new Map<string, MemoryTapeStore>();
  readonly #capacity: Capacity;

  /** `capacity` in bytes; a write beyond it fails as on a full disk. */
  constructor({
    capacity = Number.POSITIVE_INFINITY,
    shared = { bytes: capacity, used: 0 },
  }: { capacity?: number; shared?: Capacity } = {}) {
    this.#capacity = shared;
  }

  async ids(): Promise<string[]> {
    return [...this.#tapes].flatMap(([id, tape]) => (tape.versions.size > 0 ? [id] : [])).sort();
  }

  async current(id: string): Promise<number | undefined> {
    return (await this.versions(id)).at(-1);
  }

  async versions(id: string): Promise<number[]> {
    return [...(this.#tapes.get(id)?.versions.keys() ?? [])].sort((a, b) => a - b);
  }

  async read(id: string, version: number, file: string): Promise<Buffer> {
    return this.readRange(id, version, file, 0, Number.POSITIVE_INFINITY);
  }

  async readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer> {
    const bytes = this.#tapes.get(id)?.versions.get(version)?.get(file);
    if (bytes === undefined) throw new FileMissing(`${id}@${version} has no file ${file}`);
    return Buffer.from(bytes.subarray(offset, offset + length));
  }

  async begin(id: string): Promise<StagedVersion> {
    const tape = this.#tapes.get(id) ?? { highest: 0, versions: new Map(), staged: undefined };
    this.#tapes.set(id, tape);
    this.#free(tape.staged?.values());
    const files: StagedFiles = new Map();
    tape.staged = files;
    const version = tape.highest + 1;
    const assertNotTakenOver = () => {
      if (tape.staged !== files) throw takenOver();
    };
    return {
      version,
      append: async (file, bytes) => {
        assertNotTakenOver();
        if (this.#capacity.used + bytes.length > this.#capacity.bytes) {
          throw Object.assign(new Error("no space left in the memory store"), { code: "ENOSPC" });
        }
        this.#capacity.used += bytes.length;
        const pieces = files.get(file) ?? [];
        pieces.push(Buffer.from(bytes));
        files.set(file, pieces);
      },
      commit: async () => {
        assertNotTakenOver();
        tape.staged = undefined;
        tape.highest = version;
        tape.versions.set(version, new Map([...files].map(([file, pieces]) => [file, Buffer.concat(pieces)])));
      },
      discard: async () => {
        if (tape.staged !== files) return;
        tape.staged = undefined;
        this.#free(files.values());
      },
    };
  }

  async delete(id: string, version: number): Promise<void> {
    const versions = this.#tapes.get(id)?.versions;
    const files = versions?.get(version);
    if (files === undefined) throw new FileMissing(`there is no version ${version} of ${id}`);
    for (const bytes of files.values()) this.#capacity.used -= bytes.length;
    versions?.delete(version);
  }

  async erase(id: string): Promise<void> {
    for (const version of await this.versions(id)) await this.delete(id, version);
    this.#free(this.#tapes.get(id)?.staged?.values());
    this.#tapes.delete(id);
  }

  segments(tape: string): TapeStore {
    const known = this.#segments.get(tape) ?? new MemoryTapeStore({ shared: this.#capacity });
    this.#segments.set(tape, known);
    return known;
  }

  async tapesWithSegments(): Promise<string[]> {
    const tapes = await Promise.all(
      [...this.#segments].map(async ([tape, store]) => ((await store.ids()).length > 0 ? [tape] : [])),
    );
    return tapes.flat().sort();
  }

  async eraseSegments(tape: string): Promise<void> {
    const store = this.#segments.get(tape);
    this.#segments.delete(tape);
    if (store === undefined) return;
    for (const id of store.#tapes.keys()) await store.erase(id);
  }

  #free(files: Iterable<Buffer[]> = []): void {
    for (const pieces of files) for (const piece of pieces) this.#capacity.used -= piece.length;
  }
}
