import { FolderReader } from "./folder-reader.js";
import { FolderTapeStore } from "./folder-store.js";
import type { TapeStore } from "./store.js";

/** Whether a store's place is a folder, and not an address. */
export function isFolder(place: string): boolean {
  return !/^\w+:\/\//.test(place);
}

/**
 * The store at a place: a folder, or `s3://bucket/prefix`, at `endpoint` if it is not on AWS. The AWS SDK is loaded only for a bucket.
 * Throws `RangeError` for any other address. With `mustExist` a folder that does not exist counts as a store that is away, not as an
 * empty one.
 */
export async function openTapeStore(
  place: string,
  endpoint?: string,
  { mustExist = false }: { readonly mustExist?: boolean } = {},
): Promise<TapeStore> {
  if (isFolder(place)) return new FolderTapeStore(place, new FolderReader(place, { mustExist }));
  const [, bucket, path = ""] = /^s3:\/\/([a-z0-9.-]{3,63})(\/.*)?$/.exec(place) ?? [];
  if (bucket === undefined) throw new RangeError(`"${place}" is neither a folder nor s3://bucket/prefix`);
  const prefix = path.replace(/^\/+|\/+$/g, "");
  const { S3TapeStore } = await import("./s3-store.js");
  return new S3TapeStore({ bucket, prefix: prefix && `${prefix}/`, endpoint });
}
