import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FolderTapeStore, openTapeStore } from "@tapedeck/tape";
import S3rver from "s3rver";
import FilesystemStore from "s3rver/lib/stores/filesystem.js";
import { inject, vi } from "vitest";
import { SilentProxy } from "./silent-proxy.js";
import { type RecordingName, Tapes } from "./tapes.js";

const credentials = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER", AWS_REGION: "us-east-1" };
const store = "s3://tapes/all";

/** s3rver answers before it has written an object to its file, and may then serve an empty one. A real store does not. */
const { putObject } = FilesystemStore.prototype;
FilesystemStore.prototype.putObject = async function (object) {
  const written = await putObject.call(this, object);
  const file = this.getResourcePath(object.bucket, object.key, "object");
  while ((await stat(file)).size !== written.size) await sleep(1);
  return written;
};

export interface S3Server {
  readonly url: string;
  close(): Promise<void>;
}

/** An S3 server of this process on a free port, with one bucket, `tapes`. */
export async function startS3(directory: string): Promise<S3Server> {
  const configureBuckets = [{ name: "tapes", configs: [] }];
  const server = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory, configureBuckets });
  const { port } = await server.run();
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** A bucket on an S3 server of this process, which can stop answering, disconnect, and return at the same address. */
export class Bucket {
  readonly #folder: string;
  readonly #server: S3Server;
  readonly #port: number;
  #way: SilentProxy | undefined;

  static async open(): Promise<Bucket> {
    const directory = await mkdtemp(join(tmpdir(), "tapedeck-s3-"));
    const server = await startS3(directory);
    return new Bucket(directory, server, await SilentProxy.inFrontOf(server.url));
  }

  /** A bucket with recordings. Sets the environment so that services started by this test file use it. */
  static async withTapes(...tapes: readonly RecordingName[]): Promise<Bucket> {
    const bucket = await Bucket.open();
    for (const [name, value] of Object.entries(bucket.env)) vi.stubEnv(name, value);
    for (const tape of tapes) {
      await new Tapes(inject("tapeStore")).recorded(tape);
      await bucket.copy(tape);
    }
    return bucket;
  }

  private constructor(folder: string, server: S3Server, way: SilentProxy) {
    this.#folder = folder;
    this.#server = server;
    this.#way = way;
    this.#port = Number(new URL(way.url).port);
  }

  /** The settings with which a service uses this bucket. */
  get env(): Readonly<Record<string, string>> {
    return { TAPEDECK_STORE: store, S3_ENDPOINT: `http://127.0.0.1:${this.#port}`, ...credentials };
  }

  /** Copies the current version of a tape from the run's folder to the bucket, file by file. Needs `env` in the environment. */
  async copy(id: string): Promise<void> {
    const from = new FolderTapeStore(inject("tapeStore"));
    const to = await openTapeStore(store, this.env.S3_ENDPOINT);
    const version = (await from.current(id)) ?? 1;
    const draft = await to.begin(id);
    for (const file of await readdir(join(inject("tapeStore"), id, String(version)))) {
      await draft.append(file, await from.read(id, version, file));
    }
    await draft.commit();
  }

  /** Drops all bytes but keeps connections open. */
  goSilent(): void {
    this.#way?.goSilent();
  }

  /** Forwards new connections again. */
  resume(): void {
    this.#way?.resume();
  }

  /** Breaks all connections and refuses new ones. */
  async away(): Promise<void> {
    await this.#way?.close();
    this.#way = undefined;
  }

  async back(): Promise<void> {
    this.#way = await SilentProxy.inFrontOf(this.#server.url, this.#port);
  }

  async dispose(): Promise<void> {
    vi.unstubAllEnvs();
    await this.away();
    await this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
