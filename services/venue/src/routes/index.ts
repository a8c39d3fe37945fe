import { listenKeyRoutes } from "../access/listen-keys.js";
import { fixedSettingsRoutes } from "../account/fixed-settings.js";
import type { Route } from "../http/route.js";
import { generalRoutes } from "./general.js";

/** All requests that the venue answers. */
export const routes: readonly Route[] = [...generalRoutes, ...listenKeyRoutes, ...fixedSettingsRoutes];
