import { FileMissing, type StagedVersion, type TapeStore } from "./store.js";

interface Shelf {
  highest: number;
  readonly versions: Map<number, Map<string, Buffer>>;
  draft: Pieces | undefined;
}

/** What a store shares with its parts. */
interface Disk {
  readonly capacity: number;
  used: number;
}

/** The files of a draft, as they were appended. */
type Pieces = Map<string, Buffer[]>;

/** Tapes in the memory of this process: for tests, and for tapes that nobody wants to keep. */
export class MemoryTapeStore implements TapeStore {
  readonly #shelves = new Map<string, Shelf>();
  readonly #parts = new Map<string, MemoryTapeStore>();
  readonly #disk: Disk;

  /** `capacity` in bytes; writing beyond it fails as a full disk does. */
  constructor({
    capacity = Number.POSITIVE_INFINITY,
    disk = { capacity, used: 0 },
  }: { capacity?: number; disk?: Disk } = {}) {
    this.#disk = disk;
  }

  async ids(): Promise<string[]> {
    return [...this.#shelves].flatMap(([id, shelf]) => (shelf.versions.size > 0 ? [id] : [])).sort();
  }

  async current(id: string): Promise<number | undefined> {
    return (await this.versions(id)).at(-1);
  }

  async versions(id: string): Promise<number[]> {
    return [...(this.#shelves.get(id)?.versions.keys() ?? [])].sort((a, b) => a - b);
  }

  async read(id: string, version: number, file: string): Promise<Buffer> {
    return this.readRange(id, version, file, 0, Number.POSITIVE_INFINITY);
  }

  async readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer> {
    const bytes = this.#shelves.get(id)?.versions.get(version)?.get(file);
    if (bytes === undefined) throw new FileMissing(`${id}@${version} has no file ${file}`);
    return Buffer.from(bytes.subarray(offset, offset + length));
  }

  async begin(id: string): Promise<StagedVersion> {
    const shelf = this.#shelves.get(id) ?? { highest: 0, versions: new Map(), draft: undefined };
    this.#shelves.set(id, shelf);
    this.#free(shelf.draft?.values());
    const pieces: Pieces = new Map();
    shelf.draft = pieces;
    const version = shelf.highest + 1;
    const mustBeOurs = () => {
      if (shelf.draft !== pieces) throw new Error("another import of the same tape has taken over");
    };
    return {
      version,
      append: async (file, bytes) => {
        mustBeOurs();
        if (this.#disk.used + bytes.length > this.#disk.capacity) {
          throw Object.assign(new Error("no space left in the memory store"), { code: "ENOSPC" });
        }
        this.#disk.used += bytes.length;
        const written = pieces.get(file) ?? [];
        written.push(Buffer.from(bytes));
        pieces.set(file, written);
      },
      commit: async () => {
        mustBeOurs();
        shelf.draft = undefined;
        shelf.highest = version;
        shelf.versions.set(version, new Map([...pieces].map(([file, written]) => [file, Buffer.concat(written)])));
      },
      discard: async () => {
        if (shelf.draft !== pieces) return;
        shelf.draft = undefined;
        this.#free(pieces.values());
      },
    };
  }

  async delete(id: string, version: number): Promise<void> {
    const versions = this.#shelves.get(id)?.versions;
    const files = versions?.get(version);
    if (files === undefined) throw new FileMissing(`there is no version ${version} of ${id}`);
    for (const bytes of files.values()) this.#disk.used -= bytes.length;
    versions?.delete(version);
  }

  async erase(id: string): Promise<void> {
    for (const version of await this.versions(id)) await this.delete(id, version);
    this.#free(this.#shelves.get(id)?.draft?.values());
    this.#shelves.delete(id);
  }

  segments(tape: string): TapeStore {
    const known = this.#parts.get(tape) ?? new MemoryTapeStore({ disk: this.#disk });
    this.#parts.set(tape, known);
    return known;
  }

  async tapesWithSegments(): Promise<string[]> {
    const there = await Promise.all(
      [...this.#parts].map(async ([tape, store]) => ((await store.ids()).length > 0 ? [tape] : [])),
    );
    return there.flat().sort();
  }

  async eraseSegments(tape: string): Promise<void> {
    const store = this.#parts.get(tape);
    this.#parts.delete(tape);
    if (store === undefined) return;
    for (const id of store.#shelves.keys()) await store.erase(id);
  }

  #free(files: Iterable<Buffer[]> = []): void {
    for (const pieces of files) for (const piece of pieces) this.#disk.used -= piece.length;
  }
}
