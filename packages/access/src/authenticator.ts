import { RefusedError, refuse } from "@tapedeck/protocol";
import { createRemoteJWKSet, decodeProtectedHeader, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import type { AccessConfig } from "./config.js";
import { anonymous, type Principal, role } from "./principal.js";
import { type ShareLinks, shareType } from "./share-links.js";
import { tokenRefusal, unauthorized } from "./token.js";

/** Tolerated clock difference to the issuer of tokens. */
const clockToleranceS = 5;
/** Longer tokens are refused without the cost of verifying them. */
const maxTokenLength = 8_192;
/** The kind of key determines the algorithms: never `none`, and never a public key used as a secret. */
const publicKeyAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/** Verifies tokens and identifies their holders. */
export class Authenticator {
  /** Whether authentication is on. */
  readonly required: boolean;
  readonly #verify: (token: string) => Promise<JWTPayload>;
  readonly #config: AccessConfig;
  readonly #shares: ShareLinks | undefined;
  /** Tokens that this node has refused since it started, of users and of share links. */
  readonly refused = { user: 0, share: 0 };

  constructor(config: AccessConfig, shares: ShareLinks | undefined) {
    const { AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: jwks, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = config;
    this.#config = config;
    this.#shares = shares;
    this.required = secret !== undefined || jwks !== undefined;
    const common: JWTVerifyOptions = {
      clockTolerance: clockToleranceS,
      requiredClaims: ["sub", "exp"],
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    };
    if (jwks !== undefined) {
      const keys = createRemoteJWKSet(new URL(jwks), { cacheMaxAge: config.AUTH_JWKS_MAX_AGE_S * 1000 });
      this.#verify = async (token) =>
        (await jwtVerify(token, keys, { ...common, algorithms: publicKeyAlgorithms })).payload;
    } else {
      const key = new TextEncoder().encode(secret ?? "");
      this.#verify = async (token) => (await jwtVerify(token, key, { ...common, algorithms: ["HS256"] })).payload;
    }
  }

  /**
   * The holder of a token, or `anonymous` with authentication off. Rejects with `UNAUTHORIZED`, and with `UNAVAILABLE`
   * if the keys cannot be fetched.
   */
  async identify(token: string | undefined): Promise<Principal> {
    if (!this.required) return anonymous;
    if (token === undefined) throw new RefusedError(refuse("UNAUTHORIZED", "A token is required."));
    const kind = token.length <= maxTokenLength && typeOf(token) === shareType ? "share" : "user";
    try {
      return await this.#identify(token, kind);
    } catch (error) {
      if (error instanceof RefusedError && error.code === "UNAUTHORIZED") this.refused[kind]++;
      throw error;
    }
  }

  async #identify(token: string, kind: "user" | "share"): Promise<Principal> {
    if (token.length > maxTokenLength) throw unauthorized("it is too long");
    if (kind === "share") {
      if (this.#shares === undefined) throw unauthorized("share links are not enabled");
      return this.#shares.identify(token);
    }
    try {
      return this.#principalOf(await this.#verify(token));
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      throw tokenRefusal(error);
    }
  }

  #principalOf(payload: JWTPayload): Principal {
    const { exp = 0 } = payload;
    const sub: unknown = payload.sub; // the type does not guarantee what the login wrote there
    if (typeof sub !== "string" || sub === "" || sub.length > 200) {
      throw unauthorized("its sub must be a text of 1 to 200 characters");
    }
    const claim = payload[this.#config.AUTH_ROLE_CLAIM];
    const named = (Array.isArray(claim) ? claim : [claim]).flatMap((word) => role.safeParse(word).data ?? []);
    const claims = claim === undefined ? [this.#config.AUTH_DEFAULT_ROLE] : named;
    const highest = role.options.findLast((option) => claims.includes(option));
    if (highest === undefined)
      throw unauthorized(`its ${this.#config.AUTH_ROLE_CLAIM} must be ${role.options.join(", ")}`);
    return { userId: sub, role: highest, expiresMs: exp * 1000 };
  }
}

function typeOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).typ;
  } catch {
    return undefined; // the verification reports what is wrong
  }
}
