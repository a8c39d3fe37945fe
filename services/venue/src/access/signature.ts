import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import type { VenueKey } from "@tapedeck/access";

export type Credential = VenueKey["credential"];

/** What a client signed, and its signature. */
export interface Signed {
  readonly text: string;
  /** Undefined if it sent none. */
  readonly signature: string | undefined;
}

const inFront = /(^|&)signature=([^&]*)/;

/**
 * The signed text of an HTTP request: the query and, directly behind it, the body, both as they were sent and without the signature, which
 * may stand in either.
 */
export function signedRequest(rawQuery: string, rawBody: string): Signed {
  const [query, inQuery] = withoutSignature(rawQuery);
  const [body, inBody] = withoutSignature(rawBody);
  return { text: query + body, signature: inQuery ?? inBody };
}

/** The signed text of a WebSocket request: its parameters in alphabetical order, not percent-encoded. */
export function signedParameters(parameters: Readonly<Record<string, string | number | boolean>>): Signed {
  const { signature, ...rest } = parameters;
  const names = Object.keys(rest).sort();
  return {
    text: names.map((name) => `${name}=${rest[name]}`).join("&"),
    signature: signature === undefined || signature === "" ? undefined : `${signature}`,
  };
}

/** Whether the holder of the credential signed the text: an HMAC-SHA256 in hexadecimal, of any case, or an Ed25519 signature in base64. */
export function isSignedBy(credential: Credential, text: string, signature: string): boolean {
  if (credential.kind === "HMAC") {
    if (!/^[\da-fA-F]{64}$/.test(signature)) return false;
    return timingSafeEqual(
      createHmac("sha256", credential.secret).update(text).digest(),
      Buffer.from(signature, "hex"),
    );
  }
  const bytes = Buffer.from(signature, "base64");
  return bytes.length === 64 && verify(null, Buffer.from(text), createPublicKey(credential.publicKey), bytes);
}

function withoutSignature(raw: string): readonly [rest: string, signature: string | undefined] {
  const found = inFront.exec(raw);
  if (found === null) return [raw, undefined];
  const [whole, separator = "", encoded = ""] = found;
  const rest = raw.slice(0, found.index) + raw.slice(found.index + whole.length);
  // What stood in front takes the next parameter's separator with it.
  return [separator === "" ? rest.replace(/^&/, "") : rest, decoded(encoded) || undefined];
}

/** Not as a form: in base64, `+` is no space. A signature that is not encoded properly fits nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
