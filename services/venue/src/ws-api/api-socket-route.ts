import type { SocketRoute } from "../sockets/socket-route.js";
import { ApiSocket } from "./api-socket.js";

/** The WebSocket API of both markets. */
export const apiSocketRoute: SocketRoute = {
  matches: (path) => path === "/ws-api/v3" || path === "/ws-fapi/v1",
  async prepare(request, venue) {
    const player = await venue.players.get(request.session);
    return (socket) => {
      // A market that begins anew is a venue that restarts.
      const leave = player.join({ restart: () => socket.close(1012, "the market begins anew") });
      socket.on("close", leave);
      new ApiSocket(socket, request, venue);
    };
  },
};
