import type { IncomingMessage } from "node:http";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { type ParseError, parse as parseForgivingly, printParseErrorCode } from "jsonc-parser";
import getRawBody from "raw-body";

/** Of a body that is too long, what is read and thrown away before the answer: who is cut off while sending rarely reads it. */
const discardLimits = { bytes: 64 * 1024 * 1024, ms: 5_000 };

const multipart = /^\s*multipart\//i;
const form = /^\s*application\/x-www-form-urlencoded/i;
/** What a page's form can send to any site without asking that site first. */
const formType = /^\s*(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(;|$)/i;

export function hasFormContentType({ headers }: IncomingMessage): boolean {
  return formType.test(headers["content-type"] ?? "");
}

/**
 * The body as JSON, whatever its Content-Type says; undefined when it is empty, blank or `null`. `curl -d` calls its JSON a form,
 * so a form is what calls itself one and is not JSON either. An empty body that calls itself a form is a page's button, and refused.
 *
 * @throws RefusedError 413 above `limit` bytes, 415 for forms, multipart and compressed bodies, 400 for what is not JSON in
 *   UTF-8, naming the position
 */
export async function readJsonBody(request: IncomingMessage, limit: number): Promise<unknown> {
  const bytes = await readBytes(request, limit);
  const type = request.headers["content-type"] ?? "";
  if (bytes.every(isBlank)) {
    if (!hasFormContentType(request)) return undefined;
    const message = "The body is an empty form; send JSON, or neither a body nor a Content-Type.";
    throw new RefusedError(refuse("UNSUPPORTED_BODY", message));
  }
  if (multipart.test(type)) {
    throw new RefusedError(refuse("UNSUPPORTED_BODY", "The body is multipart; send its values as one JSON object."));
  }
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new RefusedError(refuse("UNSUPPORTED_BODY", "Compressed bodies are not read here; send the JSON as it is."));
  }
  return parseJson(decode(bytes), form.test(type)) ?? undefined;
}

async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  try {
    return await getRawBody(request, { limit, length: request.headers["content-length"] ?? null });
  } catch (error) {
    if (error instanceof Error && "type" in error && error.type === "entity.too.large") {
      await discardRest(request);
      throw new RefusedError(refuse("BODY_TOO_LARGE", `The body is longer than ${limit} bytes.`), { cause: error });
    }
    throw new RefusedError(refuse("MALFORMED", "The body ended before its announced length."), { cause: error });
  }
}

/** A proxy that is cut off while it sends makes a 502 of the 413, so the body is heard out, within bounds. */
function discardRest(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = discardLimits.bytes;
    const timer = setTimeout(resolve, discardLimits.ms);
    request.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) resolve();
    });
    for (const over of ["end", "close", "error"]) request.once(over, resolve);
    if (request.readableEnded) resolve();
    request.resume();
    timer.unref();
  });
}

/** What JSON takes for white space. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RefusedError(refuse("MALFORMED", "The body is not UTF-8."), { cause: error });
  }
}

function parseJson(text: string, calledForm: boolean): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (calledForm && !/^\s*[{[]/.test(text)) {
      const message = 'The body is a form; send its fields as a JSON object, like {"field":"value"}.';
      throw new RefusedError(refuse("UNSUPPORTED_BODY", message), { cause: error });
    }
    throw new RefusedError(refuse("MALFORMED", `The body is not JSON: ${describeSyntaxError(text)}.`), {
      cause: error,
    });
  }
}

/** JSON.parse names a position only for some mistakes; the slower parser, asked after a failure, does for all. */
function describeSyntaxError(text: string): string {
  const errors: ParseError[] = [];
  try {
    parseForgivingly(text, errors, { disallowComments: true });
  } catch {
    return "it is nested too deeply"; // a RangeError of the parser's recursion: the position would be no help either
  }
  const [first] = errors;
  if (first === undefined) return "unexpected character at position 0";
  const what = printParseErrorCode(first.error).replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `${what.toLowerCase()} at position ${first.offset}`;
}
