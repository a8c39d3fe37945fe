import {
  deleteTapeQuery,
  overviewQuery,
  RefusedError,
  refuse,
  tapeDeletion,
  tapeOverview,
  tapesAnswer,
  tapesQuery,
  tapeView,
} from "@tapedeck/protocol";
import { countSessionsOnTape } from "@tapedeck/sessions";
import { parseTapeName, TapeInUse } from "@tapedeck/tape";
import { z } from "zod";
import type { Api } from "../api.js";
import { noInput, type Route, route } from "../http/route.js";
import { checkMayRead, sharedTape } from "../tapes/tape-access.js";

const tag = "Tapes";
export const tapeParams = z.object({
  id: z.string().meta({ description: "a tape's id, or id@version", example: "demo" }),
});

/** Answered from manifest and index; no frame is read. */
export const tapeRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/tapes",
    tag,
    summary: "All tapes, newest first",
    query: tapesQuery,
    answer: tapesAnswer,
    async handle({ query, caller }, api) {
      const shared = await sharedTape(api, caller);
      if (shared === undefined) return { tapes: await api.tapes.list(query) };
      return { tapes: shared === "" ? [] : [await api.tapes.view(shared, query)] };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tapes/{id}",
    tag,
    summary: "A tape",
    params: tapeParams,
    query: tapesQuery,
    answer: tapeView,
    refusals: ["TAPE_NOT_FOUND", "TAPE_DAMAGED"],
    async handle({ params: { id }, query, caller }, api) {
      await checkMayRead(api, id, caller);
      return api.tapes.view(id, query);
    },
  }),
  route({
    ...noInput,
    method: "DELETE",
    path: "/tapes/{id}",
    access: "admin",
    audit: { event: "deletion", action: "delete_tape" },
    tag,
    summary: "Delete a tape, or one version of it",
    params: tapeParams,
    query: deleteTapeQuery,
    answer: tapeDeletion,
    refusals: ["FORBIDDEN", "TAPE_NOT_FOUND", "TAPE_IN_USE"],
    async handle({ params: { id: name }, query: { force } }, api) {
      checkMayDelete(api);
      await api.tapes.assertDeletable(name);
      if (!force) await checkNotPlayed(api, name);
      // A tape's id means all its versions. A caller that gives a version may not know that it is the current one.
      const isWhole = parseTapeName(name).version === undefined;
      const deleted = await api.tapes.delete(name, { force: force || isWhole });
      const freed = deleted.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
      const what = deleted.length === 1 ? deleted[0]?.name : `${name} with ${deleted.length} versions`;
      api.log.info({ tape: name, versions: deleted.map((each) => each.name), bytes: freed, force }, "tape deleted");
      return { status: "success" as const, message: `Tape ${what} is deleted.`, deleted, freed_bytes: freed };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tapes/{id}/overview",
    tag,
    summary: "Price line of a tape for a scrubber, with gaps and events",
    params: tapeParams,
    query: overviewQuery,
    answer: tapeOverview,
    refusals: ["TAPE_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ params: { id }, query: { points }, caller }, api) {
      await checkMayRead(api, id, caller);
      return api.searches.run(caller.requester, () => api.tapes.overview(id, points, caller.requester.signal));
    },
  }),
];

function checkMayDelete({ access }: Api): void {
  if (!access.openToStrangers) return;
  const why = "Deleting tapes needs authentication, since others can reach this service";
  throw new RefusedError(refuse("FORBIDDEN", `${why}; beside the store, use tapedeck tapes delete --store.`));
}

/** A session that is created between this look and the deletion stands, as all do after a forced one. */
async function checkNotPlayed(api: Api, name: string): Promise<void> {
  const { id, version } = parseTapeName(name);
  const { playing, returning } = await countSessionsOnTape(api.store, (tape) =>
    version === undefined ? tape.startsWith(`${id}@`) : tape === name,
  );
  if (playing + returning === 0) return;
  const who = [
    ...(playing > 0 ? [`${sessions(playing)} ${playing === 1 ? "plays" : "play"} it`] : []),
    ...(returning > 0 ? [`${sessions(returning)} would return to it from another mode`] : []),
  ].join(", and ");
  throw new TapeInUse(`Tape ${name} is in use: ${who}. Nothing was deleted; deleting it has to be forced.`);
}

function sessions(count: number): string {
  return count === 1 ? "1 session" : `${count} sessions`;
}
