import { overviewQuery, tapeOverview, tapesAnswer, tapeView } from "@tapedeck/protocol";
import { z } from "zod";
import { bare, type Route, route } from "../route.js";

const tag = "Tapes";
const tapeParams = z.object({
  id: z.string().meta({ description: "a tape's id, or id@version", example: "demo" }),
});

/** All of these are answered from manifest and index; no frame is read. */
export const tapeRoutes: readonly Route[] = [
  route({
    ...bare,
    method: "GET",
    path: "/tapes",
    tag,
    summary: "All tapes, newest first",
    answer: tapesAnswer,
    async handle(_, api) {
      return { tapes: await api.tapes.list() };
    },
  }),
  route({
    ...bare,
    method: "GET",
    path: "/tapes/{id}",
    tag,
    summary: "One tape",
    params: tapeParams,
    answer: tapeView,
    refusals: ["TAPE_NOT_FOUND", "TAPE_DAMAGED"],
    handle: ({ params: { id } }, api) => api.tapes.view(id),
  }),
  route({
    ...bare,
    method: "GET",
    path: "/tapes/{id}/overview",
    tag,
    summary: "A price line for a scrubber, with gaps and events",
    params: tapeParams,
    query: overviewQuery,
    answer: tapeOverview,
    refusals: ["TAPE_NOT_FOUND", "TAPE_DAMAGED"],
    handle: ({ params: { id }, query: { points } }, api) => api.tapes.overview(id, points),
  }),
];
