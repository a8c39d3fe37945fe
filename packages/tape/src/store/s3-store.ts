import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { tapeIdPattern } from "../tape-id.js";
import { ReadAhead } from "./read-ahead.js";
import { type ObjectUpload, S3Bucket, type S3Location } from "./s3-bucket.js";
import { FileMissing, orUnavailable, type StagedVersion, type TapeStore, takenOver } from "./store.js";

/**
 * Tapes in a bucket. Objects cannot be renamed, so a version becomes visible through a small object that lists a tape's versions:
 *
 *   tapes/{id}/{version}-{x}/{file}   a version's files, staged or finished
 *   standing/{id}.json                the version list: finished versions and the highest number ever used; absent without a version
 *   retired/{id}.json                 the highest number used by a tape whose versions were all deleted
 *   drafts/{id}.json                  the staged version
 *
 *   parts/{id}/...  growing/{id}/...   the same for the segments of a live tape; the version lists are in `growing/`
 *
 * Listing `standing/` thus lists the tapes, and a staged version that `drafts/` no longer names has been taken over.
 */
export class S3TapeStore implements TapeStore {
  readonly #location: S3Location;
  readonly #shared: Shared;
  readonly #bucket: S3Bucket;
  /** Prefix of all keys but the version lists, and prefix of the version lists. */
  readonly #prefix: string;
  readonly #versionLists: string;

  constructor(location: S3Location, shared = shareBucket(location), liveTape?: string) {
    this.#location = location;
    this.#shared = shared;
    this.#bucket = shared.bucket;
    this.#prefix = liveTape === undefined ? "" : `parts/${liveTape}/`;
    this.#versionLists = liveTape === undefined ? "standing/" : `growing/${liveTape}/`;
  }

  /** Closes the connections to the bucket. */
  close(): void {
    this.#bucket.close();
  }

  async ids(): Promise<string[]> {
    const keys = await orUnavailable(this.#bucket.list(this.#versionLists));
    const ids = keys.flatMap((key) => /^(.+)\.json$/.exec(key.slice(this.#versionLists.length))?.[1] ?? []);
    return ids.filter((id) => tapeIdPattern.test(id)).sort();
  }

  async current(id: string): Promise<number | undefined> {
    return (await this.versions(id)).at(-1);
  }

  async versions(id: string): Promise<number[]> {
    return (await orUnavailable(this.#versionList(id))).versions.map(({ version }) => version);
  }

  async read(id: string, version: number, file: string): Promise<Buffer> {
    const folder = await orUnavailable(this.#folder(id, version));
    return orMissing(await orUnavailable(this.#bucket.read(`${folder}${file}`)));
  }

  async readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer> {
    const folder = await orUnavailable(this.#folder(id, version));
    return orMissing(await orUnavailable(this.#shared.readAhead.read(`${folder}${file}`, offset, length)));
  }

  async begin(id: string): Promise<StagedVersion> {
    const [{ highest }, abandoned] = await Promise.all([this.#versionList(id), this.#stagedFolder(id)]);
    const version = highest + 1;
    const folder = this.#key(`tapes/${id}/${version}-${randomBytes(6).toString("hex")}/`);
    await this.#bucket.put(this.#key(`drafts/${id}.json`), JSON.stringify({ folder }));
    if (abandoned !== undefined) await this.#bucket.removeAll(abandoned);
    return new S3StagedVersion(version, (file) => this.#bucket.upload(`${folder}${file}`), {
      commit: () => this.#commit(id, version, folder),
      discard: async () => {
        if ((await this.#stagedFolder(id)) === folder) await this.#bucket.remove(this.#key(`drafts/${id}.json`));
        await this.#bucket.removeAll(folder);
      },
    });
  }

  async delete(id: string, version: number): Promise<void> {
    const { highest, versions, tag } = await this.#versionList(id);
    const deleted = versions.find((finished) => finished.version === version);
    if (deleted === undefined) throw new FileMissing(`there is no version ${version} of ${id}`);
    const left = versions.filter((finished) => finished !== deleted);
    if (left.length === 0) {
      await this.#bucket.put(this.#key(`retired/${id}.json`), JSON.stringify({ highest }));
      await this.#bucket.remove(this.#versionListKey(id));
    } else if (!(await this.#bucket.put(this.#versionListKey(id), JSON.stringify({ highest, versions: left }), tag))) {
      throw new Error(`tape ${id} was changed by another process meanwhile; nothing was deleted`);
    }
    this.#shared.folders.delete(`${this.#prefix}${id}@${version}`);
    await this.#bucket.removeAll(deleted.folder);
  }

  async erase(id: string): Promise<void> {
    const abandoned = await this.#stagedFolder(id);
    if (abandoned !== undefined) await this.#bucket.removeAll(abandoned);
    for (const version of await this.versions(id)) await this.delete(id, version);
    for (const kind of ["drafts", "retired"]) await this.#bucket.remove(this.#key(`${kind}/${id}.json`));
  }

  segments(tape: string): TapeStore {
    return new S3TapeStore(this.#location, this.#shared, tape);
  }

  async tapesWithSegments(): Promise<string[]> {
    return (await orUnavailable(this.#bucket.folders("growing/"))).filter((id) => tapeIdPattern.test(id)).sort();
  }

  async eraseSegments(tape: string): Promise<void> {
    await this.#bucket.removeAll(`growing/${tape}/`); // first, so that readers do not see segments without files
    await this.#bucket.removeAll(`parts/${tape}/`);
  }

  async #commit(id: string, version: number, folder: string): Promise<void> {
    const [{ highest, versions, tag }, staged] = await Promise.all([this.#versionList(id), this.#stagedFolder(id)]);
    const ours = staged === folder && highest < version;
    const next = JSON.stringify({ highest: version, versions: [...versions, { version, folder }] });
    if (!ours || !(await this.#bucket.put(this.#versionListKey(id), next, tag))) throw takenOver();
    await this.#bucket.remove(this.#key(`drafts/${id}.json`));
  }

  #key(path: string): string {
    return this.#prefix + path;
  }

  #versionListKey(id: string): string {
    return `${this.#versionLists}${id}.json`;
  }

  /** The prefix of a finished version's files. */
  async #folder(id: string, version: number): Promise<string> {
    const name = `${this.#prefix}${id}@${version}`;
    const known = this.#shared.folders.get(name);
    if (known !== undefined) return known;
    const found = (await this.#versionList(id)).versions.find((finished) => finished.version === version);
    if (found === undefined) throw new FileMissing(`there is no version ${version} of ${id}`);
    this.#shared.folders.set(name, found.folder);
    return found.folder;
  }

  /** `tag` is for `put`, which replaces the list only if no other process has changed it since; `absent` if there is none yet. */
  async #versionList(id: string): Promise<z.infer<typeof versionList> & { readonly tag: string }> {
    const present = await this.#bucket.readTagged(this.#versionListKey(id));
    if (present !== undefined) return { ...versionList.parse(JSON.parse(present.text)), tag: present.tag };
    const retired = await this.#bucket.read(this.#key(`retired/${id}.json`));
    const highest = retired === undefined ? 0 : versionList.shape.highest.parse(JSON.parse(String(retired)).highest);
    return { highest, versions: [], tag: "absent" };
  }

  /** The prefix of the staged version's files. */
  async #stagedFolder(id: string): Promise<string | undefined> {
    const text = await this.#bucket.read(this.#key(`drafts/${id}.json`));
    return text === undefined ? undefined : stagedVersion.parse(JSON.parse(String(text))).folder;
  }
}

/** Shared by a store and the stores of segments in it. */
interface Shared {
  readonly bucket: S3Bucket;
  readonly readAhead: ReadAhead;
  /** Folders of finished versions, which never change. */
  readonly folders: LRUCache<string, string>;
}

function shareBucket(location: S3Location): Shared {
  const bucket = new S3Bucket(location);
  return {
    bucket,
    readAhead: new ReadAhead((key, offset, length) => bucket.readRange(key, offset, length)),
    folders: new LRUCache({ max: 10_000 }),
  };
}

const folder = z.string().endsWith("/");
const stagedVersion = z.object({ folder });
const versionList = z.object({
  highest: z.int().nonnegative(),
  versions: z.array(z.object({ version: z.int().positive(), folder })),
});

class S3StagedVersion implements StagedVersion {
  readonly version: number;
  readonly #open: (file: string) => ObjectUpload;
  readonly #store: { commit(): Promise<void>; discard(): Promise<void> };
  readonly #files = new Map<string, ObjectUpload>();

  constructor(
    version: number,
    open: (file: string) => ObjectUpload,
    store: { commit(): Promise<void>; discard(): Promise<void> },
  ) {
    this.version = version;
    this.#open = open;
    this.#store = store;
  }

  async append(file: string, bytes: Uint8Array): Promise<void> {
    const upload = this.#files.get(file) ?? this.#open(file);
    this.#files.set(file, upload);
    await upload.append(bytes);
  }

  async commit(): Promise<void> {
    await Promise.all([...this.#files.values()].map((upload) => upload.finish()));
    await this.#store.commit();
  }

  async discard(): Promise<void> {
    await Promise.allSettled([...this.#files.values()].map((upload) => upload.abort()));
    this.#files.clear();
    await this.#store.discard();
  }
}

function orMissing(bytes: Buffer | undefined): Buffer {
  if (bytes === undefined) throw new FileMissing("no such file in the tape store");
  return bytes;
}
