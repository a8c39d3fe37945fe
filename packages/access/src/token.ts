import { type Refusal, RefusedError, refuse } from "@tapedeck/protocol";
import { parseCookie } from "cookie";
import { errors } from "jose";

/** The cookie in which a proxy may put a token, for clients that cannot send a header. */
export const tokenCookie = "tapedeck_token";
/** The only header of a socket that a page can set is its list of subprotocols: `tapedeck.v1, tapedeck.token.{token}`. */
const tokenSubprotocol = /(?:^|,)\s*tapedeck\.token\.([A-Za-z0-9_.-]+)\s*(?:,|$)/;

interface TokenHeaders {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
  readonly protocols?: string | undefined;
}

/** A token and its origin. Browsers attach cookies to requests of any site's pages, but never the other two. */
interface RequestToken {
  readonly token: string;
  readonly from: "header" | "subprotocol" | "cookie";
}

/** The token of a request. Never read from the URL, which ends up in logs. */
export function tokenOf({ authorization, cookie, protocols }: TokenHeaders): RequestToken | undefined {
  const header = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (header !== undefined) return { token: header, from: "header" };
  const subprotocol = tokenSubprotocol.exec(protocols ?? "")?.[1];
  if (subprotocol !== undefined) return { token: subprotocol, from: "subprotocol" };
  const fromCookie = cookie === undefined ? undefined : parseCookie(cookie)[tokenCookie];
  return fromCookie === undefined ? undefined : { token: fromCookie, from: "cookie" };
}

export function unauthorized(why: string): RefusedError {
  return new RefusedError(refuse("UNAUTHORIZED", `Invalid token: ${why}.`));
}

/** Names the rule that a token breaks, without revealing the expected value. */
export function tokenRefusal(error: unknown): RefusedError {
  const unavailable: Refusal = refuse("UNAVAILABLE", "Tokens cannot be verified at the moment.");
  if (error instanceof errors.JWTExpired) return unauthorized("it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) return unauthorized(`its ${error.claim} is not accepted`);
  if (error instanceof errors.JOSEAlgNotAllowed) return unauthorized("its algorithm is not accepted");
  if (error instanceof errors.JWKSNoMatchingKey) return unauthorized("its signing key is unknown");
  if (error instanceof errors.JWSSignatureVerificationFailed) return unauthorized("its signature is invalid");
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) {
    return new RefusedError(unavailable, { cause: error });
  }
  return unauthorized("it is malformed");
}
