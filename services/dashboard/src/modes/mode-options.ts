import { persisted } from "../design/persisted";

/** The live sources, each with its default symbol. */
export const liveSources: Readonly<Record<string, string>> = {
  BINANCE: "BTCUSDT",
  "BINANCE-FUTURES": "BTCUSDT",
  BITMEX: "XBTUSD",
  BYBIT: "BTCUSDT",
  COINBASE: "BTC-USD",
  KRAKEN: "XBT/USD",
  OKX: "BTC-USDT",
  SIM: "BTCUSDT",
};

export const scenarios: readonly { readonly value: string; readonly text: string }[] = [
  { value: "calm", text: "Calm: no manipulation" },
  { value: "mixed", text: "Mixed: all scenarios" },
  { value: "honest", text: "Honest bursts" },
  { value: "spoofing", text: "Spoofing" },
  { value: "layering", text: "Layering" },
  { value: "quote_stuffing", text: "Quote stuffing" },
  { value: "momentum_ignition", text: "Momentum ignition" },
  { value: "wash_trading", text: "Wash trading" },
  { value: "iceberg", text: "Iceberg orders" },
  { value: "liquidity_gap", text: "Liquidity gaps" },
  { value: "flash_crash", text: "Flash crash" },
  { value: "news", text: "News" },
  { value: "large_order", text: "Large orders" },
  { value: "fast_cancels", text: "Fast cancels" },
];

interface LiveChoice {
  readonly source: string;
  readonly symbol: string;
}

interface SimulationChoice {
  readonly symbol: string;
  readonly seed: string;
  readonly scenario: string;
}

/** The last choice in each mode, so that switching back takes one click. */
export const lastLive = persisted<LiveChoice>("tapedeck_live", { source: "BINANCE", symbol: "BTCUSDT" });
export const lastSimulation = persisted<SimulationChoice>("tapedeck_simulation", {
  symbol: "BTCUSDT",
  seed: "1",
  scenario: "mixed",
});
export const lastTape = persisted("tapedeck_tape", "");
export const lastQuantity = persisted("tapedeck_quantity", 1);
