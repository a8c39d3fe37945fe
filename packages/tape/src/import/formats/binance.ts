import { mergeStreams } from "../events/merge-streams.js";
import type { Instrument, SourceEvent } from "../events/source-event.js";
import { BrokenLine, CutShort } from "../import-errors.js";
import { linesOf } from "../input/lines.js";
import type { RecordingFile } from "../input/recording-file.js";
import { BinanceMessages } from "../messages/binance-messages.js";
import { epochTime, type Fields, isFields, secondsNs, shown, wholeOf } from "../messages/fields.js";
import { parseMessage } from "../messages/parse-message.js";
import { placeResponses, ResponsePlaces, type UnplacedSnapshot } from "./depth-responses.js";
import type { EventStream, Format, ReadContext } from "./format.js";
import { type LineParser, lineStream } from "./format.js";

/**
 * `RECEIVE_TIME SPACE JSON`, as hftbacktest's recorders write it, with the time in milliseconds, microseconds or nanoseconds, or in
 * seconds with decimals; or the JSON alone.
 */
const messageLine = /^(?:(?:\d{13,19}|\d{9,10}(?:\.\d+)?) )?\{/;
const ownMessage = /"stream":\s*"\w+@|"lastUpdateId":\s*\d|"e":\s*"(?:depthUpdate|trade|aggTrade|bookTicker)"/;
/** The response to a depth request, with a receive time or without. */
const responseLine = /^(?:\S+ )?\{\s*"lastUpdateId":/;

export function splitReceived(text: string): { receivedNs: bigint; json: string } {
  const space = text.indexOf(" ");
  if (space < 0) throw new BrokenLine(`a line must be a receive time, a space and a message, not ${shown(text)}`);
  const time = text.slice(0, space);
  const seconds = time.length <= 10 || time.includes(".");
  const receivedNs = seconds ? secondsNs(time, "the receive time") : epochTime(time, "the receive time").ns;
  return { receivedNs, json: text.slice(space + 1) };
}

export const binance: Format = {
  name: "binance",
  about:
    "Binance's messages (spot and futures), with or without a receive time before each, one per line or as JSON array: depth, trade, bookTicker, REST depth",
  recognises: ({ head }) => head.some((line) => messageLine.test(line) && ownMessage.test(line)),
  streams: (files, reading) =>
    files.length > 1 && files.some(({ head }) => responseLine.test(head[0] ?? ""))
      ? [withResponses(files, reading)]
      : files.map((file) => messagesOf(file, reading)),
};

function messagesOf(file: RecordingFile, reading: ReadContext): EventStream {
  return lineStream(file, new RawBinance(reading.symbol, reading.ignore), reading);
}

/** Files of depth responses alone lack the market, which the other files have. */
async function* withResponses(files: readonly RecordingFile[], reading: ReadContext): EventStream {
  const responses: RecordingFile[] = [];
  for (const file of files) if (await hasOnlyResponses(file, reading.signal)) responses.push(file);
  const others = files.filter((file) => !responses.includes(file));
  const messages = (some: readonly RecordingFile[]) => mergeStreams(some.map((file) => messagesOf(file, reading)));
  if (others.length === 0) yield* messages(files);
  else {
    const streams = responses.map((file) => lineStream(file, new ResponseLines(), reading));
    yield* placeResponses(messages(others), streams, () => reading.ignore("depth response apart from the diffs"));
  }
}

async function hasOnlyResponses(file: RecordingFile, signal: AbortSignal | undefined): Promise<boolean> {
  if (!file.head.every((line) => line === "" || responseLine.test(line))) return false;
  try {
    for await (const { lines } of linesOf(file, signal)) {
      if (!lines.every((line) => line === "" || responseLine.test(line))) return false;
    }
  } catch (error) {
    if (!(error instanceof CutShort)) throw error; // the import reports it
  }
  return true;
}

interface Market {
  readonly symbol: string;
  readonly futures: boolean;
}

/** Reads a response to a depth request before its market is known; for spot it has no time either. */
function responseOf(messages: BinanceMessages, data: Fields, receivedNs: bigint): UnplacedSnapshot {
  const market = { symbol: "UNKNOWN", futures: data.T !== undefined };
  return { ...messages.snapshot(data, market, receivedNs), lastId: wholeOf(data.lastUpdateId, "lastUpdateId") };
}

class ResponseLines implements LineParser {
  readonly #messages = new BinanceMessages();

  line(text: string, out: SourceEvent[]): void {
    const { message, receivedNs = 0n } = text.startsWith("{") ? readBare(text) : readReceived(text);
    out.push(responseOf(this.#messages, message, receivedNs));
  }
}

class RawBinance implements LineParser {
  readonly #messages = new BinanceMessages();
  readonly #ignore: (kind: string) => void;
  /** The market of the file's messages; depth responses don't name theirs. */
  #market: Market | undefined;
  /** Receive time of the last message. */
  #receivedNs: bigint | undefined;
  readonly #requestedSymbol: string | undefined;
  /** Responses with a receive time, until the market is known. */
  readonly #received: { readonly data: Fields; readonly receivedNs: bigint }[] = [];
  /** Responses without one, whose places their ids tell. */
  readonly #places = new ResponsePlaces<UnplacedSnapshot>();

  constructor(asked: string | undefined, ignore: (kind: string) => void) {
    this.#requestedSymbol = asked;
    this.#ignore = ignore;
  }

  line(text: string, out: SourceEvent[]): void {
    const bare = text.startsWith("{");
    const { message, receivedNs } = bare ? readBare(text) : readReceived(text);
    this.#receivedNs = receivedNs ?? this.#receivedNs;
    if (message.lastUpdateId === undefined) this.#message(message, out);
    else if (bare || receivedNs === undefined) this.#place(message, out);
    else this.#received.push({ data: message, receivedNs });
    if (this.#received.length > 0 && this.#market !== undefined) this.#assign(this.#market, out);
  }

  end(out: SourceEvent[]): void {
    const rest = this.#places.rest();
    // Only depth responses: those of futures have times.
    const futures = rest.some(({ ns }) => ns !== undefined) || this.#received.some(({ data }) => data.T !== undefined);
    const market = this.#market ?? { symbol: this.#requestedSymbol?.toUpperCase() ?? "UNKNOWN", futures };
    this.#assign(market, out);
    for (const response of rest) {
      const instrument = this.#messages.instrument(market, response.instrument.decimals);
      if (this.#receivedNs === undefined) this.#ignore("book without a time");
      else out.push({ ...response, instrument });
    }
  }

  #message(message: Fields, out: SourceEvent[]): void {
    const first = out.length;
    const ignored = this.#messages.read(message, this.#receivedNs ?? 0n, out);
    if (ignored !== undefined) this.#ignore(ignored);
    const event = out[first];
    if (event === undefined) return;
    this.#market ??= marketOf(event.instrument);
    if (event.kind !== "diff") return;
    const before = this.#places.before(event);
    const { instrument, receivedNs } = event;
    if (before.length > 0) out.splice(first, 0, ...before.map((one) => ({ ...one, instrument, receivedNs })));
  }

  #place(data: Fields, out: SourceEvent[]): void {
    this.#places.add(responseOf(this.#messages, data, this.#receivedNs ?? 0n));
    for (const { response, diff } of this.#places.passed()) out.push({ ...response, instrument: diff.instrument });
  }

  #assign(market: Market, out: SourceEvent[]): void {
    for (const { data, receivedNs } of this.#received.splice(0)) {
      out.push(this.#messages.snapshot(data, market, receivedNs));
    }
  }
}

function marketOf({ symbol, source }: Instrument): Market {
  return { symbol, futures: source === "BINANCE-FUTURES" };
}

function readBare(text: string): { message: Fields; receivedNs: bigint | undefined } {
  const message = parseMessage(text);
  return { message, receivedNs: sentNs(message) };
}

function readReceived(text: string): { message: Fields; receivedNs: bigint } {
  const { receivedNs, json } = splitReceived(text);
  return { message: parseMessage(json), receivedNs };
}

/** When Binance sent a message: the best substitute for the receive time. */
function sentNs(message: Fields): bigint | undefined {
  const data = isFields(message.data) ? message.data : message;
  const sent = data.E ?? data.T;
  return sent === undefined ? undefined : epochTime(sent, "E").ns;
}
