import { type Refusal, RefusedError, refuse } from "@tapedeck/protocol";
import { errors } from "jose";

export function unauthorized(why: string): RefusedError {
  return new RefusedError(refuse("UNAUTHORIZED", `The token is not good: ${why}.`));
}

/** Says which rule a token breaks, and nothing of what it should have been. */
export function invalidToken(error: unknown): RefusedError {
  const away: Refusal = refuse("UNAVAILABLE", "Tokens cannot be checked at the moment.");
  if (error instanceof errors.JWTExpired) return unauthorized("it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) return unauthorized(`its ${error.claim} is not acceptable`);
  if (error instanceof errors.JOSEAlgNotAllowed) return unauthorized("its algorithm is not in use here");
  if (error instanceof errors.JWKSNoMatchingKey) return unauthorized("its key is unknown");
  if (error instanceof errors.JWSSignatureVerificationFailed) return unauthorized("its signature is wrong");
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) {
    return new RefusedError(away, { cause: error });
  }
  return unauthorized("it is malformed");
}
