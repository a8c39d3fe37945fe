import { once } from "node:events";
import { PassThrough } from "node:stream";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

export interface S3Location {
  readonly bucket: string;
  /** Before every key; empty, or ending in a slash. */
  readonly prefix: string;
  /** Address of a store outside AWS, such as `http://minio:9000`. */
  readonly endpoint?: string | undefined;
}

/** An object that is being uploaded. Readers do not see it before it is finished. */
export interface ObjectUpload {
  /** One call at a time; awaiting it keeps memory flat. Rejects when the upload has failed. */
  append(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  abort(): Promise<void>;
}

/** Objects deleted by one request: the limit of S3. */
const deletedAtOnce = 1_000;
/** An attempt times out after this silence; the SDK makes three attempts. */
const silentMs = 3_000;
/** Bytes of one part of an upload; S3 accepts smaller ones only at the end. */
const partBytes = 8 * 2 ** 20;

/** The operations on a bucket that a tape store needs. The AWS SDK finds credentials and region. */
export class S3Bucket {
  readonly #client: S3Client;
  readonly #name: string;
  readonly #prefix: string;

  constructor({ bucket, prefix, endpoint }: S3Location) {
    this.#name = bucket;
    this.#prefix = prefix;
    this.#client = new S3Client({
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      // A silent store counts as unavailable; without these, readers would wait as long as TCP does.
      requestHandler: { connectionTimeout: silentMs, socketTimeout: silentMs },
      // Other stores do not understand these checksums; tapes have their own.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  }

  close(): void {
    this.#client.destroy();
  }

  /** Keys that begin with `prefix`. */
  async list(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { Contents = [] } of this.#pages(prefix)) {
      for (const { Key = "" } of Contents) keys.push(Key.slice(this.#prefix.length));
    }
    return keys;
  }

  /** What keys that begin with `prefix`, which ends in a slash, have between that slash and the next one. */
  async folders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    const start = this.#prefix.length + prefix.length;
    for await (const { CommonPrefixes = [] } of this.#pages(prefix, "/")) {
      for (const { Prefix = "" } of CommonPrefixes) names.push(Prefix.slice(start, -1));
    }
    return names;
  }

  /** A whole object; undefined where there is none. */
  async read(key: string): Promise<Buffer | undefined> {
    const found = await this.#get(key);
    return found && bytesOf(found);
  }

  /** A whole object with the tag by which `put` knows whether it has changed since. */
  async readTagged(key: string): Promise<{ text: string; tag: string } | undefined> {
    const found = await this.#get(key);
    return found && { text: String(await bytesOf(found)), tag: found.ETag ?? "" };
  }

  /** Bytes `offset` to `offset + length`; fewer where the object ends before. Undefined where there is none. */
  async readRange(key: string, offset: number, length: number): Promise<Buffer | undefined> {
    try {
      const found = await this.#get(key, `bytes=${offset}-${offset + length - 1}`);
      return found && bytesOf(found);
    } catch (error) {
      if (statusOf(error) === 416) return Buffer.alloc(0); // it ends before `offset`
      throw error;
    }
  }

  /**
   * Writes a whole object. With a tag, only if the object is still the one that was read, or still `absent`; resolves to false if another
   * process was faster. Stores without conditional writes write in any case.
   */
  async put(key: string, text: string, tag?: string): Promise<boolean> {
    const condition = tag === undefined ? {} : tag === "absent" ? { IfNoneMatch: "*" } : { IfMatch: tag };
    try {
      await this.#client.send(
        new PutObjectCommand({ Bucket: this.#name, Key: this.#prefix + key, Body: text, ...condition }),
      );
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (tag !== undefined && (status === 412 || status === 409)) return false;
      throw error;
    }
  }

  upload(key: string): ObjectUpload {
    const body = new PassThrough();
    const params = { Bucket: this.#name, Key: this.#prefix + key, Body: body };
    const upload = new Upload({ client: this.#client, params, partSize: partBytes, queueSize: 1 });
    const done = upload.done();
    const failed = done.then(
      () => new Promise<never>(() => {}),
      (error: unknown) => {
        body.destroy();
        throw error;
      },
    );
    failed.catch(() => undefined); // the next `append` or `finish` rejects
    return {
      async append(bytes) {
        // A copy: the caller may use its buffer again before this one has left.
        const roomLeft = body.write(Buffer.from(bytes));
        await Promise.race([roomLeft ? undefined : once(body, "drain"), failed]);
      },
      async finish() {
        body.end();
        await done;
      },
      async abort() {
        await upload.abort();
        body.destroy();
      },
    };
  }

  async remove(key: string): Promise<void> {
    await this.#remove([this.#prefix + key]);
  }

  async removeAll(prefix: string): Promise<void> {
    await this.#remove((await this.list(prefix)).map((key) => this.#prefix + key));
  }

  async *#pages(prefix: string, delimiter?: string): AsyncGenerator<ListObjectsV2CommandOutput> {
    let next: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#name,
          Prefix: this.#prefix + prefix,
          Delimiter: delimiter,
          ContinuationToken: next,
        }),
      );
      yield page;
      next = page.NextContinuationToken;
    } while (next !== undefined);
  }

  async #remove(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += deletedAtOnce) {
      const Objects = keys.slice(from, from + deletedAtOnce).map((Key) => ({ Key }));
      const { Errors } = await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.#name, Delete: { Objects, Quiet: true } }),
      );
      const [first] = Errors ?? [];
      if (first !== undefined) throw new Error(`cannot remove ${first.Key}: ${first.Message ?? first.Code}`);
    }
  }

  async #get(key: string, range?: string): Promise<GetObjectCommandOutput | undefined> {
    try {
      return await this.#client.send(
        new GetObjectCommand({ Bucket: this.#name, Key: this.#prefix + key, ...(range && { Range: range }) }),
      );
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === "NoSuchKey") return undefined;
      throw error;
    }
  }
}

async function bytesOf({ Body }: GetObjectCommandOutput): Promise<Buffer> {
  const bytes = await Body?.transformToByteArray();
  return bytes === undefined ? Buffer.alloc(0) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
