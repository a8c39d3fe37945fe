import { barsQuery, fileQuery, RefusedError, refuse } from "@tapedeck/protocol";
import { barIntervals, type ExportContent, parseBarInterval } from "@tapedeck/tape";
import { z } from "zod";
import { tapeFile } from "../files/tape-files.js";
import { FileResponse } from "../http/file-response.js";
import { noInput, type Route, route } from "../http/route.js";
import { checkMayRead } from "../tapes/tape-access.js";
import { tapeParams } from "./tapes.js";

const parquet = "application/vnd.apache.parquet";
const file = {
  ...noInput,
  method: "GET",
  tag: "Files",
  params: tapeParams,
  mediaType: parquet,
  isFile: true,
  answer: z.file(),
} as const;
const refusals = ["TAPE_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS", "FILE_NOT_READY"] as const;

const summaries: Readonly<Record<Exclude<ExportContent, "bars">, string>> = {
  trades: "Trades of a tape as its source said them, as Parquet",
  book: "Level changes of a tape's book as its source said them, as Parquet",
  orders: "What happened to each order of a tape, if its source says so, as Parquet",
  frames: "Frames of a tape as Parquet: all features, and 20 levels a side",
};
const contents = ["trades", "book", "orders", "frames"] as const;

/** A tape's data as files that other tools read in ranges. */
export const tapeFileRoutes: readonly Route[] = [
  ...contents.map((content) =>
    route({
      ...file,
      path: `/tapes/{id}/${content}.parquet`,
      summary: summaries[content],
      query: fileQuery,
      refusals: content === "frames" ? refusals : [...refusals, "TRACK_NOT_FOUND"],
      async handle({ params: { id }, query, caller }, api) {
        await checkMayRead(api, id, caller);
        const wish = { id, content, query, intervalNs: 0n, requester: caller.requester };
        return new FileResponse(parquet, (request) => tapeFile(api, wish, request));
      },
    }),
  ),
  route({
    ...file,
    path: "/tapes/{id}/bars.parquet",
    summary: "Bars of a tape's trades as Parquet: open, high, low, close, volume, trades and vwap",
    query: barsQuery,
    refusals,
    async handle({ params: { id }, query, caller }, api) {
      await checkMayRead(api, id, caller);
      const intervalNs = intervalOf(query.interval);
      const wish = { id, content: "bars" as const, query, intervalNs, requester: caller.requester };
      return new FileResponse(parquet, (request) => tapeFile(api, wish, request));
    },
  }),
  route({
    ...file,
    path: "/tapes/{id}/snapshots.parquet",
    summary: "Whole books of a tape, written now and then, as Parquet",
    refusals: ["TAPE_NOT_FOUND", "TRACK_NOT_FOUND", "TAPE_DAMAGED"],
    async handle({ params: { id }, caller }, api) {
      await checkMayRead(api, id, caller);
      const content = await api.tapes.trackFile(id, "snapshots");
      return new FileResponse(parquet, () => content);
    },
  }),
];

function intervalOf(text: string): bigint {
  const ns = parseBarInterval(text);
  if (ns !== undefined) return ns;
  throw new RefusedError(refuse("INVALID_VALUE", `interval: must be ${barIntervals}.`));
}
