import { createHmac, type KeyObject, sign } from "node:crypto";

/** What a bot holds. */
export interface BotKey {
  readonly apiKey: string;
  /** Of an HMAC key; or the private key of an Ed25519 one. */
  readonly secret: string | KeyObject;
}

export interface BotAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The answer's JSON. */
  readonly body: unknown;
}

type Fields = Readonly<Record<string, string | number | boolean>>;

/** Signs requests as bots do: everything in the query. */
export class SigningClient {
  readonly #base: string;
  readonly #key: BotKey;
  readonly #timeoutMs: number;

  /**
   * @param base up to the session, such as `http://127.0.0.1:8000/venue/binance/s1`
   * @param timeoutMs after which a request rejects
   */
  constructor(base: string, key: BotKey, { timeoutMs = 300_000 } = {}) {
    this.#base = base;
    this.#key = key;
    this.#timeoutMs = timeoutMs;
  }

  /** Sends a signed request. What `fields` says of `timestamp` and `signature` replaces what is right. */
  async signed(method: string, path: string, fields: Fields = {}): Promise<BotAnswer> {
    const { signature, ...rest } = fields;
    const query = queryOf({ timestamp: Date.now(), ...rest });
    const right = signatureOf(this.#key.secret, query);
    return this.#send(method, `${path}?${query}&signature=${encodeURIComponent(signature ?? right)}`);
  }

  /** Sends a request with the key and without a signature. */
  async keyed(method: string, path: string, fields: Fields = {}): Promise<BotAnswer> {
    return this.#send(method, `${path}?${queryOf(fields)}`);
  }

  async #send(method: string, path: string): Promise<BotAnswer> {
    const headers = { "X-MBX-APIKEY": this.#key.apiKey };
    const signal = AbortSignal.timeout(this.#timeoutMs);
    const answer = await fetch(`${this.#base}${path}`, { method, headers, signal });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }
}

export function signatureOf(secret: string | KeyObject, text: string): string {
  if (typeof secret === "string") return createHmac("sha256", secret).update(text).digest("hex");
  return sign(null, Buffer.from(text), secret).toString("base64");
}

function queryOf(fields: Fields): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) query.set(name, `${value}`);
  return query.toString();
}
