import { apiSocketRoute } from "../ws-api/api-socket-route.js";
import type { SocketRoute } from "./socket-route.js";
import { streamRoute } from "./stream-socket.js";

/** All kinds of sockets that the venue has. The first that matches is taken. */
export const socketRoutes: readonly SocketRoute[] = [apiSocketRoute, streamRoute];
