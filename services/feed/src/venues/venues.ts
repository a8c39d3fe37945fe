import type { LiveSource } from "@tapedeck/protocol";
import { binance, binanceFutures } from "./binance.js";
import { bitmex } from "./bitmex.js";
import { bybit } from "./bybit.js";
import { coinbase } from "./coinbase.js";
import { SocketVenue, type VenueAddresses, type VenueProtocol } from "./connection/socket-venue.js";
import { kraken } from "./kraken.js";
import { okx } from "./okx.js";
import { type SimSettings, SimVenue } from "./sim.js";
import type { Venue } from "./venue.js";

/** Sources with a WebSocket API. */
export type SocketSource = Exclude<LiveSource, "SIM">;

const protocols: Readonly<Record<SocketSource, VenueProtocol>> = {
  BINANCE: binance,
  "BINANCE-FUTURES": binanceFutures,
  BITMEX: bitmex,
  BYBIT: bybit,
  COINBASE: coinbase,
  KRAKEN: kraken,
  OKX: okx,
};

/** The public addresses: WebSocket, and REST for the list of instruments and the book snapshots of Binance. */
export const publicAddresses = {
  BINANCE: { socket: "wss://stream.binance.com:443/stream", rest: "https://api.binance.com" },
  "BINANCE-FUTURES": { socket: "wss://fstream.binance.com/public/stream", rest: "https://fapi.binance.com" },
  BITMEX: { socket: "wss://ws.bitmex.com/realtime", rest: "https://www.bitmex.com" },
  BYBIT: { socket: "wss://stream.bybit.com/v5/public", rest: "https://api.bybit.com" },
  COINBASE: { socket: "wss://ws-feed.exchange.coinbase.com", rest: "https://api.exchange.coinbase.com" },
  KRAKEN: { socket: "wss://ws.kraken.com", rest: "https://api.kraken.com" },
  OKX: { socket: "wss://ws.okx.com:8443/ws/v5/public", rest: "https://www.okx.com" },
} as const satisfies Readonly<Record<SocketSource, { socket: string; rest: string }>>;

export interface VenueSettings {
  readonly addresses: Readonly<Record<SocketSource, VenueAddresses>>;
  readonly sim: SimSettings;
}

/** All venues by name. They hold no connections of their own. */
export function createVenues({ addresses, sim }: VenueSettings): Readonly<Record<LiveSource, Venue>> {
  const socketVenue = (source: SocketSource) => new SocketVenue(protocols[source], addresses[source]);
  return {
    BINANCE: socketVenue("BINANCE"),
    "BINANCE-FUTURES": socketVenue("BINANCE-FUTURES"),
    BITMEX: socketVenue("BITMEX"),
    BYBIT: socketVenue("BYBIT"),
    COINBASE: socketVenue("COINBASE"),
    KRAKEN: socketVenue("KRAKEN"),
    OKX: socketVenue("OKX"),
    SIM: new SimVenue(sim),
  };
}
