import type { WebSocket } from "ws";
import { keyOfListenKey } from "../access/listen-keys.js";
import { OwnAccount } from "../account/own-account.js";
import type { Venue } from "../context.js";
import { BinanceError } from "../http/binance-error.js";
import type { SocketRequest, SocketRoute } from "../sockets/socket-route.js";
import { accountFeed } from "./account-feed.js";

const path = /^(?:\/private)?\/ws\/([0-9a-f]{64})$/;
const privatePath = /^\/private\/(ws|stream)$/;

/** User data by listen key: `/ws/LISTENKEY`, and futures' `/private/ws?listenKey=LISTENKEY`, or `/private/stream` for messages that name their stream. */
export const userSocketRoute: SocketRoute = {
  matches: (of) => path.test(of) || privatePath.test(of),
  async prepare(request, venue) {
    const listenKey = await checkedListenKey(request, venue);
    const { session, market } = request;
    const isCombined = request.path.endsWith("/stream");
    const textOf = (event: object) => JSON.stringify(isCombined ? { stream: listenKey, data: event } : event);
    return (socket) => {
      stream(socket, { session, market }, venue, textOf).catch((error: unknown) => {
        venue.log.warn({ err: error, session }, "a user stream cannot begin; its socket is closed");
        socket.close(1011, "the account cannot be read");
      });
    };
  },
};

async function checkedListenKey(
  { session, path: of, query }: SocketRequest,
  { store, access }: Venue,
): Promise<string> {
  const listenKey = path.exec(of)?.[1] ?? query.get("listenKey") ?? "";
  const found = await store.read(session);
  const key = found && (await keyOfListenKey(access.venueKeys, found.record, listenKey));
  if (key === undefined) throw new BinanceError("INVALID_LISTEN_KEY", "This listenKey does not exist.");
  return listenKey;
}

async function stream(
  socket: WebSocket,
  { session, market }: Pick<SocketRequest, "session" | "market">,
  venue: Venue,
  textOf: (event: object) => string,
): Promise<void> {
  const player = await venue.players.get(session);
  // A market that begins anew is a venue that restarts.
  const leave = player.join({ restart: () => socket.close(1012, "the market begins anew") });
  socket.on("close", leave);
  const account = await OwnAccount.open(session, market, venue);
  const feed = await accountFeed(account, venue);
  if (socket.readyState !== socket.OPEN) return;
  const end = feed.join((event) => socket.send(textOf(event)));
  socket.on("close", end);
}
