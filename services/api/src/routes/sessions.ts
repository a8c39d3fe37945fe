import {
  createAnswer,
  createBody,
  globalSessionId,
  isSessionId,
  listAnswer,
  listQuery,
  sessionOrAbsent,
  sessionStats,
  successAnswer,
} from "@tapedeck/protocol";
import { bare, type Route, route } from "../route.js";
import { findSession, present, sessionNotFound } from "../session-access.js";
import { idParams } from "./parameters.js";

const tag = "Sessions";

export const sessionRoutes: readonly Route[] = [
  route({
    ...bare,
    method: "POST",
    path: "/sessions/create",
    tag,
    summary: "Create a session; an id that exists is returned as it is",
    body: createBody,
    nullIsAbsent: true,
    answer: createAnswer,
    refusals: ["TAPE_NOT_FOUND", "NO_TAPE", "LOOP_TOO_SHORT", "TOO_MANY_SESSIONS"],
    async handle({ body: { session_id, ...choice }, caller }, api) {
      const opened = await api.deck.open(session_id, { ...choice, createdBy: caller.address });
      return {
        status: "success" as const,
        session_id: opened.record.id,
        created: opened.created,
        session: await present(api, opened),
      };
    },
  }),
  route({
    ...bare,
    method: "GET",
    path: "/sessions",
    tag,
    summary: "List sessions, page by page",
    query: listQuery,
    answer: listAnswer,
    async handle({ query }, api) {
      const page = await api.store.list(query);
      return {
        total_sessions: page.total,
        active_sessions: page.active,
        paused_sessions: page.paused,
        sessions: await Promise.all(page.sessions.map((session) => present(api, session))),
        next_cursor: page.nextCursor,
      };
    },
  }),
  route({
    ...bare,
    method: "GET",
    path: "/sessions/stats",
    tag,
    summary: "Statistics of all sessions",
    answer: sessionStats,
    handle: (_, api) => api.store.stats(),
  }),
  route({
    ...bare,
    method: "GET",
    path: "/sessions/{id}",
    tag,
    summary: "One session",
    params: idParams,
    answer: sessionOrAbsent,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id } }, api) {
      const found = await findSession(api, id);
      return { session: found ? await present(api, found) : {} };
    },
  }),
  route({
    ...bare,
    method: "DELETE",
    path: "/sessions/{id}",
    tag,
    summary: "Delete a session; its sockets close with 4404",
    params: idParams,
    answer: successAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id } }, api) {
      if (!isSessionId(id) || !(await api.deck.remove(id))) throw sessionNotFound(id);
      const again = id === globalSessionId ? " It is made again when it is needed." : "";
      return { status: "success" as const, message: `Session ${id} is deleted.${again}` };
    },
  }),
];
