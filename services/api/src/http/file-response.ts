import { RefusedError, refuse } from "@tapedeck/protocol";
import type { Context } from "koa";
import parseRange from "range-parser";
import { bodyOf, type Pieces } from "./streamed-body.js";

/** A file that can be read in parts. */
interface FileContent {
  readonly bytes: number;
  /** Differs from that of any other content under the same address. */
  readonly tag: string;
  /** Bytes `from` up to and without `to`, in pieces that are read when they are taken. */
  read(from: number, to: number): Pieces;
}

/** An answer that is a file, whole or the range of bytes that the request asks for. */
export class FileResponse {
  readonly type: string;
  readonly content: FileContent;

  constructor(type: string, content: FileContent) {
    this.type = type;
    this.content = content;
  }
}

/** Inclusive, as in `Content-Range`. */
interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Sends a file by the rules of RFC 9110: 304 for what the client has already, 206 for one range of bytes, 416 for a range beyond the end, and
 * all of it for several ranges at once.
 *
 * @throws RefusedError RANGE_NOT_SATISFIABLE, and what reading the first piece throws
 */
export async function sendFile(ctx: Context, { type, content }: FileResponse): Promise<void> {
  const { bytes, tag } = content;
  // Clients may keep it if they ask each time: who may read it can change.
  const headers = { ETag: `"${tag}"`, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache" };
  if (isKnown(ctx.get("If-None-Match"), tag)) {
    ctx.status = 304;
    ctx.set(headers);
    return;
  }
  const range = requestedRange(ctx, content);
  const { start, end } = range ?? { start: 0, end: bytes - 1 };
  const body = ctx.method === "HEAD" ? undefined : await bodyOf(ctx, content.read(start, end + 1));
  ctx.status = range === undefined ? 200 : 206;
  ctx.type = type;
  ctx.set({ ...headers, ...(range && { "Content-Range": `bytes ${start}-${end}/${bytes}` }) });
  if (body !== undefined) ctx.body = body;
  ctx.length = end - start + 1;
}

/** Not Koa's `ctx.fresh`: that ignores the tags of a client which sends `no-cache` beside them, as each `fetch` does. */
function isKnown(tags: string, tag: string): boolean {
  return tags.split(",").some((each) => ["*", `"${tag}"`, `W/"${tag}"`].includes(each.trim()));
}

/** Undefined: all of it. */
function requestedRange(ctx: Context, { bytes, tag }: FileContent): ByteRange | undefined {
  const header = ctx.get("Range");
  // Only a GET can ask for a part. Units other than bytes, and what is not a range at all, count as not sent.
  if (ctx.method !== "GET" || !/^bytes=/i.test(header)) return undefined;
  const condition = ctx.get("If-Range");
  if (condition !== "" && condition !== `"${tag}"`) return undefined;
  // A tail longer than the file is the whole file; the parser takes it for a range beyond the end.
  const tail = /^bytes=-(\d+)$/i.exec(header)?.[1];
  if (tail !== undefined && Number(tail) > bytes) return { start: 0, end: bytes - 1 };
  const ranges = parseRange(bytes, header, { combine: true });
  if (ranges === -2) return undefined;
  if (ranges === -1) {
    ctx.set("Content-Range", `bytes */${bytes}`);
    throw new RefusedError(refuse("RANGE_NOT_SATISFIABLE", `Range: no byte of it is in the file, which has ${bytes}.`));
  }
  const [range, ...others] = ranges;
  return others.length === 0 ? range : undefined;
}
