import { frame, globalSessionId, sessionQuery } from "@tapedeck/protocol";
import { z } from "zod";
import { noInput, RawResponse, type Route, route } from "../http/route.js";
import { framesOf } from "../sessions/history.js";

const tag = "Data";

export const frameRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/features",
    tag,
    summary: "A session's last frames, at most 100, oldest first; empty for an absent session",
    query: sessionQuery,
    answer: z.array(frame),
    async handle({ query: { session_id = globalSessionId }, caller }, api) {
      const frames = await framesOf(api, session_id, caller);
      return new RawResponse("json", `[${frames.join(",")}]`);
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/snapshot/latest",
    tag,
    summary: "A session's newest frame; {} for an absent session",
    query: sessionQuery,
    answer: z.union([frame, z.strictObject({})]),
    async handle({ query: { session_id = globalSessionId }, caller }, api) {
      const [latest = "{}"] = await framesOf(api, session_id, caller, 1);
      return new RawResponse("json", latest);
    },
  }),
];
