import { BinanceError, missingParameter } from "./binance-error.js";

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** The parameters of a request, of its query and its body alike. Each method throws a `BinanceError` that names the parameter. */
export class Parameters {
  readonly #values: URLSearchParams;
  readonly #names: Readonly<Record<string, string>>;

  /** @param names under which the client sends some of them */
  constructor(values: URLSearchParams, names: Readonly<Record<string, string>> = {}) {
    this.#values = values;
    this.#names = names;
  }

  /** The same values where some have other names, and some are set. */
  renamed(names: Readonly<Record<string, string>>, fixed: Readonly<Record<string, string>> = {}): Parameters {
    const values = new URLSearchParams(this.#values);
    for (const [name, value] of Object.entries(fixed)) values.set(names[name] ?? name, value);
    return new Parameters(values, names);
  }

  /** The name under which the client sends it. */
  nameOf(name: string): string {
    return this.#names[name] ?? name;
  }

  /** Undefined if it is absent or empty. */
  text(name: string): string | undefined {
    return this.#values.get(this.nameOf(name)) || undefined;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw missingParameter(this.nameOf(name));
    return value;
  }

  /** A whole number. @throws BinanceError -1130 outside the bounds */
  integer(name: string, { min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^-?\d{1,16}$/.test(text)) throw illegal(this.nameOf(name), "a whole number");
    const value = Number(text);
    if (value < min || value > max) throw illegal(this.nameOf(name), `from ${min} to ${max}`);
    return value;
  }

  /** How many entries are wanted: Binance takes more than there can be for the most. */
  limit({ most, usual }: { readonly most: number; readonly usual: number }): number {
    return Math.min(most, this.integer("limit", { min: 1 }) ?? usual);
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = values.find((value) => value === text);
    if (found === undefined) throw illegal(this.nameOf(name), `one of ${values.join(", ")}`);
    return found;
  }
}

function illegal(name: string, accepted: string): BinanceError {
  return new BinanceError(
    "INVALID_PARAMETER",
    `Data sent for parameter '${name}' is not valid: it must be ${accepted}.`,
  );
}
