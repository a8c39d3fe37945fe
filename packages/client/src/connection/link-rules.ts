import type { BackoffLimits } from "./backoff.js";

/** Milliseconds on a clock that only goes forward. */
export type Millis = number;

export interface ConnectionRules extends BackoffLimits {
  /** How many addresses there are. */
  readonly addresses: number;
  /** Whether another token can be had; a fixed one stays refused. */
  readonly freshTokens: boolean;
  /** Longest wait for a token. */
  readonly tokenMs: Millis;
  /** Longest wait from dialing to the first message. */
  readonly openMs: Millis;
  /** A connection on which nothing comes for so long, not even the answer to a ping, is given up. */
  readonly silenceMs: Millis;
  /** A connection that lasted so long makes up for all failures before it. */
  readonly stableMs: Millis;
}

/** Times that each address is tried before a session that was never open is given up. */
export const maxInitialRounds = 3;

/** Milliseconds that can be chosen: by those who test, or whose network is not like others. */
export type ConnectionTiming = Omit<ConnectionRules, "addresses" | "freshTokens">;

export const defaultTiming: ConnectionTiming = {
  tokenMs: 15_000,
  openMs: 10_000,
  silenceMs: 10_000,
  stableMs: 5_000,
  backoffMs: 500,
  maxBackoffMs: 20_000,
};

/** Tokens in a row that are tried before one believes that none will do. */
export const maxRefusedTokens = 3;
