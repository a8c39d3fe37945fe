import type { IncomingMessage } from "node:http";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { type ParseError, parse as parseWithErrors, printParseErrorCode } from "jsonc-parser";
import getRawBody from "raw-body";

/** How much of an oversized body is read and discarded before the answer: a client that is cut off while sending rarely reads it. */
const discardLimits = { bytes: 64 * 1024 * 1024, ms: 5_000 };

const multipart = /^\s*multipart\//i;
const form = /^\s*application\/x-www-form-urlencoded/i;
/** The content types that an HTML form can send to any site without a CORS preflight. */
const formType = /^\s*(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(;|$)/i;

export function hasFormContentType({ headers }: IncomingMessage): boolean {
  return formType.test(headers["content-type"] ?? "");
}

/**
 * The body as JSON, whatever its Content-Type; undefined if it is empty, white space or `null`. `curl -d` declares its JSON as a form,
 * so only a body that is also not JSON counts as a form. An empty body declared as a form comes from an HTML form, and is refused.
 *
 * @throws RefusedError 413 above `limit` bytes, 415 for forms, multipart and compressed bodies, 400 for other bodies that are not JSON in
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
    throw new RefusedError(refuse("UNSUPPORTED_BODY", "Compressed bodies are not supported; send uncompressed JSON."));
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

/** A proxy that is cut off while sending turns the 413 into a 502, so the body is read to its end, within limits. */
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

/** White space in JSON. */
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

/** JSON.parse names a position only for some mistakes; this slower parser, used after a failure, names one for all. */
function describeSyntaxError(text: string): string {
  const errors: ParseError[] = [];
  try {
    parseWithErrors(text, errors, { disallowComments: true });
  } catch {
    return "it is nested too deeply"; // the parser's recursion exceeded the stack
  }
  const [first] = errors;
  if (first === undefined) return "unexpected character at position 0";
  const what = printParseErrorCode(first.error).replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `${what.toLowerCase()} at position ${first.offset}`;
}
