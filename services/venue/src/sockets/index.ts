import type { SocketRoute } from "./socket-route.js";
import { streamRoute } from "./stream-socket.js";

/** All kinds of sockets that the venue has. */
export const socketRoutes: readonly SocketRoute[] = [streamRoute];
