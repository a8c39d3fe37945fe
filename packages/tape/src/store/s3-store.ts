import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { tapeIdPattern } from "../tape-id.js";
import { ReadAhead } from "./read-ahead.js";
import { orUnavailable } from "./reading.js";
import { type ObjectUpload, S3Bucket, type S3Location } from "./s3-bucket.js";
import { FileMissing, type StagedVersion, type TapeStore } from "./store.js";

/**
 * Tapes in a bucket. Objects cannot be renamed, so what makes a version visible is a small object that lists a tape's versions:
 *
 *   tapes/{id}/{version}-{x}/{file}   a version's files, also of one on its way in
 *   standing/{id}.json                versions and the highest number ever used; there only while a tape has a version
 *   retired/{id}.json                 the highest number used by a tape that has none left
 *   drafts/{id}.json                  the version that is on its way in
 *
 *   parts/{id}/...  growing/{id}/...   the same, of the parts of a tape that is still growing: standings in the latter
 *
 * so that listing `standing/` lists the tapes, and a draft that is not named in `drafts/` any more has been taken over.
 */
export class S3TapeStore implements TapeStore {
  readonly #location: S3Location;
  readonly #root: Root;
  readonly #bucket: S3Bucket;
  /** Before the keys of everything but standings, and before those. */
  readonly #prefix: string;
  readonly #standings: string;

  constructor(location: S3Location, root = rootOf(location), tapeInParts?: string) {
    this.#location = location;
    this.#root = root;
    this.#bucket = root.bucket;
    this.#prefix = tapeInParts === undefined ? "" : `parts/${tapeInParts}/`;
    this.#standings = tapeInParts === undefined ? "standing/" : `growing/${tapeInParts}/`;
  }

  /** Closes the connections to the bucket. */
  close(): void {
    this.#root.bucket.close();
  }

  async ids(): Promise<string[]> {
    const keys = await orUnavailable(this.#bucket.list(this.#standings));
    const ids = keys.flatMap((key) => /^(.+)\.json$/.exec(key.slice(this.#standings.length))?.[1] ?? []);
    return ids.filter((id) => tapeIdPattern.test(id)).sort();
  }

  async current(id: string): Promise<number | undefined> {
    return (await this.versions(id)).at(-1);
  }

  async versions(id: string): Promise<number[]> {
    return (await orUnavailable(this.#standing(id))).versions.map(({ version }) => version);
  }

  async read(id: string, version: number, file: string): Promise<Buffer> {
    const folder = await orUnavailable(this.#folder(id, version));
    return orMissing(await orUnavailable(this.#bucket.read(`${folder}${file}`)));
  }

  async readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer> {
    const folder = await orUnavailable(this.#folder(id, version));
    return orMissing(await orUnavailable(this.#root.readAhead.read(`${folder}${file}`, offset, length)));
  }

  async begin(id: string): Promise<StagedVersion> {
    const [{ highest }, abandoned] = await Promise.all([this.#standing(id), this.#draft(id)]);
    const version = highest + 1;
    const folder = this.#key(`tapes/${id}/${version}-${randomBytes(6).toString("hex")}/`);
    await this.#bucket.put(this.#key(`drafts/${id}.json`), JSON.stringify({ folder }));
    if (abandoned !== undefined) await this.#bucket.removeAll(abandoned);
    return new S3Draft(version, (file) => this.#bucket.upload(`${folder}${file}`), {
      publish: () => this.#publish(id, version, folder),
      discard: async () => {
        if ((await this.#draft(id)) === folder) await this.#bucket.remove(this.#key(`drafts/${id}.json`));
        await this.#bucket.removeAll(folder);
      },
    });
  }

  async delete(id: string, version: number): Promise<void> {
    const { highest, versions, tag } = await this.#standing(id);
    const leaving = versions.find((published) => published.version === version);
    if (leaving === undefined) throw new FileMissing(`there is no version ${version} of ${id}`);
    const left = versions.filter((published) => published !== leaving);
    if (left.length === 0) {
      await this.#bucket.put(this.#key(`retired/${id}.json`), JSON.stringify({ highest }));
      await this.#bucket.remove(this.#standingKey(id));
    } else if (!(await this.#bucket.put(this.#standingKey(id), JSON.stringify({ highest, versions: left }), tag))) {
      throw new Error(`tape ${id} was changed by someone else meanwhile; nothing was deleted`);
    }
    this.#root.folders.delete(`${this.#prefix}${id}@${version}`);
    await this.#bucket.removeAll(leaving.folder);
  }

  async erase(id: string): Promise<void> {
    const abandoned = await this.#draft(id);
    if (abandoned !== undefined) await this.#bucket.removeAll(abandoned);
    for (const version of await this.versions(id)) await this.delete(id, version);
    for (const kind of ["drafts", "retired"]) await this.#bucket.remove(this.#key(`${kind}/${id}.json`));
  }

  segments(tape: string): TapeStore {
    return new S3TapeStore(this.#location, this.#root, tape);
  }

  async tapesWithSegments(): Promise<string[]> {
    return (await orUnavailable(this.#bucket.folders("growing/"))).filter((id) => tapeIdPattern.test(id)).sort();
  }

  async eraseSegments(tape: string): Promise<void> {
    await this.#bucket.removeAll(`growing/${tape}/`); // seen no more before their files go
    await this.#bucket.removeAll(`parts/${tape}/`);
  }

  async #publish(id: string, version: number, folder: string): Promise<void> {
    const [{ highest, versions, tag }, draft] = await Promise.all([this.#standing(id), this.#draft(id)]);
    const ours = draft === folder && highest < version;
    const next = JSON.stringify({ highest: version, versions: [...versions, { version, folder }] });
    if (!ours || !(await this.#bucket.put(this.#standingKey(id), next, tag))) {
      throw new Error("another import of the same tape has taken over");
    }
    await this.#bucket.remove(this.#key(`drafts/${id}.json`));
  }

  #key(path: string): string {
    return this.#prefix + path;
  }

  #standingKey(id: string): string {
    return `${this.#standings}${id}.json`;
  }

  /** Where the files of a version lie. */
  async #folder(id: string, version: number): Promise<string> {
    const name = `${this.#prefix}${id}@${version}`;
    const known = this.#root.folders.get(name);
    if (known !== undefined) return known;
    const found = (await this.#standing(id)).versions.find((published) => published.version === version);
    if (found === undefined) throw new FileMissing(`there is no version ${version} of ${id}`);
    this.#root.folders.set(name, found.folder);
    return found.folder;
  }

  /** `tag` names what was read, for writing it back only if nobody else has; `absent` where there was nothing. */
  async #standing(id: string): Promise<z.infer<typeof standing> & { readonly tag: string }> {
    const present = await this.#bucket.readTagged(this.#standingKey(id));
    if (present !== undefined) return { ...standing.parse(JSON.parse(present.text)), tag: present.tag };
    const retired = await this.#bucket.read(this.#key(`retired/${id}.json`));
    const highest = retired === undefined ? 0 : standing.shape.highest.parse(JSON.parse(String(retired)).highest);
    return { highest, versions: [], tag: "absent" };
  }

  /** Folder of the draft under way. */
  async #draft(id: string): Promise<string | undefined> {
    const text = await this.#bucket.read(this.#key(`drafts/${id}.json`));
    return text === undefined ? undefined : draft.parse(JSON.parse(String(text))).folder;
  }
}

/** What a store shares with the stores of parts in it. */
interface Root {
  readonly bucket: S3Bucket;
  readonly readAhead: ReadAhead;
  /** Folders of finished versions, which never change. */
  readonly folders: LRUCache<string, string>;
}

function rootOf(location: S3Location): Root {
  const bucket = new S3Bucket(location);
  return {
    bucket,
    readAhead: new ReadAhead((key, offset, length) => bucket.readRange(key, offset, length)),
    folders: new LRUCache({ max: 10_000 }),
  };
}

const folder = z.string().endsWith("/");
const draft = z.object({ folder });
const standing = z.object({
  highest: z.int().nonnegative(),
  versions: z.array(z.object({ version: z.int().positive(), folder })),
});

class S3Draft implements StagedVersion {
  readonly version: number;
  readonly #open: (file: string) => ObjectUpload;
  readonly #end: { publish(): Promise<void>; discard(): Promise<void> };
  readonly #files = new Map<string, ObjectUpload>();

  constructor(
    version: number,
    open: (file: string) => ObjectUpload,
    end: { publish(): Promise<void>; discard(): Promise<void> },
  ) {
    this.version = version;
    this.#open = open;
    this.#end = end;
  }

  async append(file: string, bytes: Uint8Array): Promise<void> {
    const upload = this.#files.get(file) ?? this.#open(file);
    this.#files.set(file, upload);
    await upload.append(bytes);
  }

  async commit(): Promise<void> {
    await Promise.all([...this.#files.values()].map((upload) => upload.finish()));
    await this.#end.publish();
  }

  async discard(): Promise<void> {
    await Promise.allSettled([...this.#files.values()].map((upload) => upload.abort()));
    this.#files.clear();
    await this.#end.discard();
  }
}

function orMissing(bytes: Buffer | undefined): Buffer {
  if (bytes === undefined) throw new FileMissing("no such file in the tape store");
  return bytes;
}
