import { z } from "zod";
import { BinanceError } from "../http/binance-error.js";

const value = z.union([z.string(), z.number(), z.boolean()]);

/** A request of the WebSocket API. Binance answers any id that is a number or a text. */
const message = z.object({
  id: z.union([z.string().max(36), z.int(), z.null()]).default(null),
  method: z.string().max(100),
  params: z
    .record(z.string(), z.union([value, z.null(), z.array(z.unknown()), z.record(z.string(), z.unknown())]))
    .default({}),
});

export interface ApiRequest {
  readonly id: string | number | null;
  readonly method: string;
  readonly params: Readonly<Record<string, string | number | boolean>>;
}

/** @throws BinanceError -1135 for a text that is not a valid request */
export function apiRequest(text: string): ApiRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid("the message is not JSON");
  }
  const read = message.safeParse(json);
  if (!read.success) throw invalid("it must have a method and, as an object, params");
  const { id, method, params } = read.data;
  // Lists and objects are signed, and read, as JSON.
  const texts = Object.entries(params).flatMap(([name, given]) =>
    given === null ? [] : [[name, typeof given === "object" ? JSON.stringify(given) : given] as const],
  );
  return { id, method, params: Object.fromEntries(texts) };
}

function invalid(why: string): BinanceError {
  return new BinanceError("INVALID_JSON", `Invalid JSON Request: ${why}.`);
}
