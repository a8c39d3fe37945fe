import { frame, globalSessionId, sessionQuery } from "@tapedeck/protocol";
import { z } from "zod";
import { framesOf } from "../history.js";
import { bare, type Route, route, Verbatim } from "../route.js";

const tag = "Data";

export const frameRoutes: readonly Route[] = [
  route({
    ...bare,
    method: "GET",
    path: "/features",
    tag,
    summary: "A session's last frames, at most 100, oldest first; empty for an absent session",
    query: sessionQuery,
    answer: z.array(frame),
    async handle({ query: { session_id = globalSessionId }, caller }, api) {
      const frames = await framesOf(api, session_id, caller);
      return new Verbatim("json", `[${frames.join(",")}]`);
    },
  }),
  route({
    ...bare,
    method: "GET",
    path: "/snapshot/latest",
    tag,
    summary: "A session's newest frame; {} for an absent session",
    query: sessionQuery,
    answer: z.union([frame, z.strictObject({})]),
    async handle({ query: { session_id = globalSessionId }, caller }, api) {
      const [latest = "{}"] = await framesOf(api, session_id, caller, 1);
      return new Verbatim("json", latest);
    },
  }),
];
