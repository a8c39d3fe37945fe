import { McpServer } from "@modelcontextprotocol/server";
import { version } from "@tapedeck/runtime";
import { addTool, type ToolContext } from "./tool.js";
import { bookTools } from "./tools/book.js";
import { eventTools } from "./tools/events.js";
import { frameTools } from "./tools/frames.js";
import { sessionTools } from "./tools/sessions.js";
import { tapeTools } from "./tools/tapes.js";
import { simulatedOrderTools, tradingTools } from "./tools/trading.js";
import { tradingSettingsTools } from "./tools/trading-settings.js";
import { transportTools } from "./tools/transport.js";
import { watchTools } from "./tools/watch.js";

/** What a host tells the assistant about all tools together. */
const instructions = `Tapedeck gives every user a tape deck for market data: a session is a playhead on a recorded, live or simulated market, which you play, pause, rewind and speed up.
Begin with list_tapes, then create_session, then play. A session plays on by itself, also between your calls: pause it before you study a moment, or use watch to let time pass.
Sessions that you play run as long as this connection; after half a minute without it or another viewer their clock stands still.
Times on a tape are ISO 8601 in UTC. seq is the number of a frame on its tape. Prices and sizes in text are exact decimals.
Orders (place_order) meet any session's market; its account is empty of them again after a rewind to before them.
A refusal begins with its code and has changed nothing.`;

export function createServer(context: ToolContext): McpServer {
  const server = new McpServer({ name: "tapedeck", title: "Tapedeck", version }, { instructions });
  const market = [tapeTools, frameTools, bookTools, eventTools];
  const orders = [tradingTools, tradingSettingsTools, simulatedOrderTools];
  const tools = [...sessionTools, ...transportTools, ...watchTools, ...market.flat(), ...orders.flat()];
  for (const each of tools) addTool(server, context, each);
  return server;
}
