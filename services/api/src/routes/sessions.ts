import { createRefusal, idTakenRefusal, ownerRefusal } from "@tapedeck/access";
import {
  createAnswer,
  createBody,
  globalSessionId,
  isSessionId,
  listAnswer,
  listQuery,
  RefusedError,
  sessionOrAbsent,
  sessionParams,
  sessionStats,
  successAnswer,
} from "@tapedeck/protocol";
import { noInput, type Route, route } from "../http/route.js";
import { findSession, sessionNotFound, sessionViewOf, throwIfRefused } from "../sessions/session-access.js";

const tag = "Sessions";

export const sessionRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "POST",
    path: "/sessions/create",
    tag,
    summary: "Create a session; an existing id returns that session unchanged",
    body: createBody,
    nullMeansAbsent: true,
    answer: createAnswer,
    refusals: ["TAPE_NOT_FOUND", "NO_TAPE", "LOOP_TOO_SHORT", "TOO_MANY_SESSIONS", "TOO_MANY_INSTRUMENTS"],
    async handle({ body: { session_id, ...choice }, caller }, api) {
      const { principal, address } = caller;
      const known = session_id === undefined ? undefined : await findSession(api, session_id, caller).catch(absent);
      if (known === undefined) {
        throwIfRefused(createRefusal(principal));
        const taken = session_id === undefined ? undefined : await api.store.read(session_id);
        if (taken !== undefined) throwIfRefused(idTakenRefusal(principal, taken.record));
        await api.access.rateLimiter.count("creations", principal, address);
      }
      const opened = await api.sessions.open(session_id, { ...choice, createdBy: address, userId: principal.userId });
      throwIfRefused(idTakenRefusal(principal, opened.record)); // another user may have created this id meanwhile
      return {
        status: "success" as const,
        session_id: opened.record.id,
        created: opened.created,
        session: await sessionViewOf(api, opened),
      };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions",
    access: "admin",
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
        sessions: await Promise.all(page.sessions.map((session) => sessionViewOf(api, session))),
        next_cursor: page.nextCursor,
      };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/stats",
    access: "admin",
    tag,
    summary: "Statistics of all sessions",
    answer: sessionStats,
    handle: (_, api) => api.store.stats(),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}",
    tag,
    summary: "A session",
    params: sessionParams,
    answer: sessionOrAbsent,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id }, caller }, api) {
      const found = await findSession(api, id, caller);
      return { session: found ? await sessionViewOf(api, found) : {} };
    },
  }),
  route({
    ...noInput,
    method: "DELETE",
    path: "/sessions/{id}",
    audit: { event: "deletion", action: "delete" },
    tag,
    summary: "Delete a session and close its sockets with 4404",
    params: sessionParams,
    answer: successAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id }, caller }, api) {
      const found = await findSession(api, id, caller);
      if (found !== undefined) throwIfRefused(ownerRefusal(caller.principal, found.record));
      if (!isSessionId(id) || !(await api.sessions.remove(id))) throw sessionNotFound(id);
      const again = id === globalSessionId ? " It is created again when it is needed." : "";
      return { status: "success" as const, message: `Session ${id} is deleted.${again}` };
    },
  }),
];

/** When a session is to be created, an unknown id is not an error. */
function absent(error: unknown): undefined {
  if (error instanceof RefusedError && error.code === "SESSION_NOT_FOUND") return undefined;
  throw error;
}
