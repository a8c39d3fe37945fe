import type { SocketRoute } from "./socket-route.js";

/** All kinds of sockets that the venue has. */
export const socketRoutes: readonly SocketRoute[] = [];
