import { z } from "zod";
import { openApiOf } from "../http/openapi.js";
import { noInput, RawResponse, type Route, route } from "../http/route.js";
import { pageRoutes } from "../pages/static-pages.js";
import { authRoutes } from "./auth.js";
import { dataRoutes } from "./data.js";
import { modeRoutes } from "./mode.js";
import { monitoringRoutes } from "./monitoring.js";
import { replayRoutes } from "./replay.js";
import { reportRoutes } from "./reports.js";
import { sessionRoutes } from "./sessions.js";
import { shareRoutes } from "./shares.js";
import { tapeFileRoutes } from "./tape-files.js";
import { tapeRoutes } from "./tapes.js";
import { tardisRoutes } from "./tardis.js";
import { trackRoutes } from "./track.js";
import { tradingRoutes } from "./trading.js";
import { venueKeyRoutes } from "./venue-keys.js";

const documented: readonly Route[] = [
  ...sessionRoutes,
  ...shareRoutes,
  ...venueKeyRoutes,
  ...replayRoutes,
  ...modeRoutes,
  ...dataRoutes,
  ...tapeRoutes,
  ...tapeFileRoutes,
  ...trackRoutes,
  ...tardisRoutes,
  ...reportRoutes,
  ...tradingRoutes,
  ...monitoringRoutes,
  ...authRoutes,
];

let document: string | undefined;

const openApiRoute: Route = route({
  ...noInput,
  method: "GET",
  path: "/openapi.json",
  access: "public",
  tag: "Monitoring",
  summary: "This document",
  answer: z.looseObject({ openapi: z.string() }),
  async handle() {
    document ??= JSON.stringify(openApiOf([...documented, openApiRoute]));
    return new RawResponse("json", document);
  },
});

/** Every route of the service. If several paths match, the first one is used. */
export const routes: readonly Route[] = [...documented, openApiRoute, ...pageRoutes];
