import {
  dataFeedQuery,
  describeIssues,
  instrumentParams,
  instrumentsQuery,
  type NormalizedReplay,
  namedInstrumentParams,
  normalizedMessage,
  normalizedReplayQuery,
  RefusedError,
  refuse,
  tardisInstrument,
} from "@tapedeck/protocol";
import { z } from "zod";
import { refusedFor } from "../http/error-responses.js";
import { noInput, RawResponse, type Route, route } from "../http/route.js";
import { StreamResponse } from "../http/streamed-body.js";
import { SocketResponse } from "../http/web-socket.js";
import { dataFeedSlice } from "../tardis/data-feeds.js";
import { fits, instrumentsOf } from "../tardis/instruments.js";
import { linesOf, replayedMessages } from "../tardis/replay.js";

const tag = "Tardis";
/** As tardis-machine answers. */
const lines = "application/x-json-stream";

/** Tapes for clients of Tardis: the paths are those of tardis-machine, and below `/v1` those of its API. */
export const tardisRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/tardis/replay-normalized",
    tag,
    summary: "Trades and books of markets as tardis-machine sends them: normalized messages as lines of JSON",
    query: normalizedReplayQuery,
    mediaType: lines,
    answer: normalizedMessage,
    refusals: ["FORBIDDEN", "TAPE_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ query: { options }, caller }, api) {
      const messages = replayedMessages(api, caller, () => options);
      return new StreamResponse(lines, api.streams.counted(caller.requester.user, linesOf(messages)));
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tardis/ws-replay-normalized",
    tag,
    summary: "The same by WebSocket, a message at a time",
    query: z.looseObject({}),
    async handle({ query, caller }, api) {
      const messages = replayedMessages(api, caller, () => optionsOf(query));
      return new SocketResponse(api.streams.counted(caller.requester.user, messages), "WS replay-normalized finished");
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tardis/v1/data-feeds/{exchange}",
    tag,
    summary: "A minute of a market in the exchange's own messages, as Tardis' API sends it: compressed lines",
    params: instrumentParams,
    query: z.looseObject({}),
    async handle({ params: { exchange }, query, caller }, api) {
      const parsed = dataFeedQuery.safeParse(query);
      if (!parsed.success) throw new RefusedError(refuse("MALFORMED", `${describeIssues(parsed.error).invalid}.`));
      const slice = await api.slices.run(caller.requester, () => dataFeedSlice(api, caller, exchange, parsed.data));
      return new RawResponse("application/x-json-stream", slice, { "Content-Encoding": "gzip" });
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tardis/v1/instruments/{exchange}",
    tag,
    summary: "Markets of an exchange that have tapes, as Tardis' API describes instruments",
    params: instrumentParams,
    query: instrumentsQuery,
    answer: z.array(tardisInstrument),
    async handle({ params: { exchange }, query: { filter }, caller }, api) {
      const instruments = await instrumentsOf(api, caller, exchange);
      return instruments.filter((instrument) => fits(instrument, filter));
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tardis/v1/instruments/{exchange}/{symbol}",
    tag,
    summary: "One of them",
    params: namedInstrumentParams,
    answer: tardisInstrument,
    refusals: ["TAPE_NOT_FOUND"],
    async handle({ params: { exchange, symbol }, caller }, api) {
      const instruments = await instrumentsOf(api, caller, exchange);
      const found = instruments.find(({ id }) => id.toUpperCase() === symbol.toUpperCase());
      if (found !== undefined) return found;
      throw new RefusedError(refuse("TAPE_NOT_FOUND", `No tape with events has ${symbol} of ${exchange}.`));
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tardis/ws-stream-normalized",
    tag,
    summary: "Refused: live markets are not streamed in this form",
    async handle() {
      return new SocketResponse(noStream(), "");
    },
  }),
];

/** What a query asks for. Clients show the reason of a closed socket, and of a refused one only the status: so this is looked at when the socket is open. */
function optionsOf(query: unknown): NormalizedReplay[] {
  const parsed = normalizedReplayQuery.safeParse(query);
  if (parsed.success) return parsed.data.options;
  throw refusedFor(describeIssues(parsed.error));
}

// biome-ignore lint/correctness/useYield: it refuses instead
async function* noStream(): AsyncGenerator<string, void, undefined> {
  throw new RefusedError(
    refuse(
      "INVALID_VALUE",
      "Live markets are not streamed to Tardis' clients: ask for ws-replay-normalized, or open a LIVE session.",
    ),
  );
}
