import { RefusedError, refuse } from "@tapedeck/protocol";
import type { Context } from "koa";
import parseRange from "range-parser";
import { bodyOf, type Pieces } from "./streamed-body.js";

/** A file that can be read in parts. */
export interface FileContent {
  /** Differs from that of any other content under the same address. */
  readonly tag: string;
  /** Undefined while it is being made. */
  readonly bytes: number | undefined;
  /** Its length, once it is made. */
  complete(): Promise<number>;
  /** Bytes `from` up to and without `to` of a file that is complete, in pieces that are read when they are taken. */
  read(from: number, to: number): Pieces;
  /** All bytes, as they are made. */
  readAll(): Pieces;
}

/** What a request says of the file that it wants, before one is chosen. */
export interface FileRequest {
  /** Tags of the contents that the client has a part of (`If-Match`, `If-Range`). */
  readonly tags: readonly string[];
  /** A part in the middle, which follows from what was read before. Others are how readers begin: HEAD, the whole file, its beginning or its end. */
  readonly continues: boolean;
}

/** An answer that is a file, whole or the range of bytes that the request asks for. */
export class FileResponse {
  readonly type: string;
  /** The content for a request, where there are several under one address. */
  readonly content: (request: FileRequest) => Promise<FileContent> | FileContent;

  constructor(type: string, content: FileResponse["content"]) {
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
 * Sends a file by the rules of RFC 9110: 412 for a client that wants another content, 304 for what the client has already, 206 for one range of bytes, 416
 * for a range beyond the end, and all of it for several ranges at once. What is being made is sent as it is made, if all of it is asked for.
 *
 * @throws RefusedError PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE, and what making the file and reading its first piece throws
 */
export async function sendFile(ctx: Context, { type, content: choose }: FileResponse): Promise<void> {
  const content = await choose(requestOf(ctx));
  const { tag } = content;
  // Clients may keep it if they ask each time: who may read it can change.
  const headers = { ETag: `"${tag}"`, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache" };
  checkPrecondition(ctx, tag);
  if (hasTag(ctx.get("If-None-Match"), tag, "weak")) {
    ctx.status = 304;
    ctx.set(headers);
    return;
  }
  const asksForPart = wantsPart(ctx, tag);
  if (ctx.method === "GET" && !asksForPart && content.bytes === undefined) {
    const body = await bodyOf(ctx, content.readAll());
    ctx.type = type;
    ctx.set(headers);
    ctx.body = body;
    return;
  }
  const bytes = await content.complete();
  const range = asksForPart ? requestedRange(ctx, bytes) : undefined;
  const { start, end } = range ?? { start: 0, end: bytes - 1 };
  const body = ctx.method === "HEAD" ? undefined : await bodyOf(ctx, content.read(start, end + 1));
  ctx.status = range === undefined ? 200 : 206;
  ctx.type = type;
  ctx.set({ ...headers, ...(range && { "Content-Range": `bytes ${start}-${end}/${bytes}` }) });
  if (body !== undefined) ctx.body = body;
  ctx.length = end - start + 1;
}

function requestOf(ctx: Context): FileRequest {
  const tags = [ctx.get("If-Match"), ctx.get("If-Range")].flatMap(tagsIn);
  return { tags, continues: ctx.method === "GET" && /^bytes=[1-9]\d*-/i.test(ctx.get("Range")) };
}

/** The strong tags of a header, without quotes. */
function tagsIn(header: string): string[] {
  return [...header.matchAll(/(?<!W\/)"([^"]*)"/g)].map(([, tag = ""]) => tag);
}

/** @throws RefusedError PRECONDITION_FAILED */
function checkPrecondition(ctx: Context, tag: string): void {
  const wanted = ctx.get("If-Match");
  if (wanted === "" || hasTag(wanted, tag, "strong")) return;
  ctx.set("ETag", `"${tag}"`);
  throw new RefusedError(
    refuse("PRECONDITION_FAILED", `If-Match: the file has another content now, with the tag "${tag}".`),
  );
}

/** Not Koa's `ctx.fresh`: that ignores the tags of a client which sends `no-cache` beside them, as each `fetch` does. */
function hasTag(tags: string, tag: string, comparison: "weak" | "strong"): boolean {
  const accepted = ["*", `"${tag}"`, ...(comparison === "weak" ? [`W/"${tag}"`] : [])];
  return tags.split(",").some((each) => accepted.includes(each.trim()));
}

/** Only a GET can ask for a part. Units other than bytes, and what is not a range at all, count as not sent. */
function wantsPart(ctx: Context, tag: string): boolean {
  if (ctx.method !== "GET" || !/^bytes=/i.test(ctx.get("Range"))) return false;
  const condition = ctx.get("If-Range");
  return condition === "" || condition === `"${tag}"`;
}

/** Undefined: all of it. */
function requestedRange(ctx: Context, bytes: number): ByteRange | undefined {
  const header = ctx.get("Range");
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
