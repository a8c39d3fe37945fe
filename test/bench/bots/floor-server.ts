// The floor of the bots' benchmark: a bare server of the venue's libraries, which answers fixed texts. Gets its port's number asked for over IPC.
import { createServer } from "node:http";
import Koa from "koa";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";

/** As long as the venue's. */
const order = {
  ...{
    symbol: "BTCUSDT",
    orderId: 1,
    orderListId: -1,
    clientOrderId: "6gCrw2kRUAF9CvJDGP16IP",
    transactTime: 1507725176595,
  },
  ...{ price: "28150.10000000", origQty: "0.01000000", executedQty: "0.01000000", cummulativeQuoteQty: "281.50100000" },
  ...{ status: "FILLED", timeInForce: "GTC", type: "LIMIT", side: "SELL", workingTime: 1507725176595 },
  ...{ selfTradePreventionMode: "NONE" },
  fills: [
    { price: "28150.10000000", qty: "0.01000000", commission: "0.10000000", commissionAsset: "USDT", tradeId: 56 },
  ],
};
const answerText = JSON.stringify(order);
const eventText = JSON.stringify({ subscriptionId: 0, event: { e: "fixed", ...order } });
const message = z.looseObject({ id: z.number(), method: z.string() });

const app = new Koa();
const sockets = new Map<string, WebSocket>();
/** The path up to the session. */
const sessionOf = (url = "") => url.split("/").slice(0, 4).join("/");

app.use((context) => {
  context.set("X-MBX-USED-WEIGHT-1M", "1");
  context.type = "json";
  context.body = answerText;
  tell(sessionOf(context.url));
});

/** What an order is told by, to its bot. */
function tell(session: string): void {
  for (let nth = 0; nth < 2; nth++) sockets.get(session)?.send(eventText);
}

const server = createServer(app.callback());
const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on("upgrade", (request, socket, head) => {
  upgrades.handleUpgrade(request, socket, head, (opened) => {
    const session = sessionOf(request.url);
    sockets.set(session, opened);
    opened.on("message", (data) => {
      const { id, method } = message.parse(JSON.parse(data.toString()));
      opened.send(`{"id":${id},"status":200,"result":${answerText},"rateLimits":[]}`);
      if (method.startsWith("order.")) tell(session);
    });
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : undefined);
});
process.on("disconnect", () => process.exit());
