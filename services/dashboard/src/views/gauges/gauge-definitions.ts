import type { Frame } from "@tapedeck/protocol";
import { vpinLevels } from "@tapedeck/protocol/wire";
import { none, numberText, signed } from "../../design/format";
import { numberOf } from "../../playback/frame-values";

interface GaugeLevel {
  readonly from: number;
  readonly name: string;
  readonly token: `--${string}`;
}

/** One small chart. */
export interface GaugeDefinition {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
  /** Lines, the main one first. */
  readonly lines: readonly { readonly token: `--${string}`; readonly read: (frame: Frame) => number | undefined }[];
  /** Undefined: from 0 to the largest visible value. */
  readonly scale: readonly [number, number] | undefined;
  readonly stepped?: boolean;
  /** Named levels, lowest first. They need a scale. */
  readonly levels?: readonly GaugeLevel[];
  readonly text: (frame: Frame, decimals: number) => string;
  /** Colour of the number. */
  readonly tone: (frame: Frame) => `--${string}`;
}

const field = (name: string) => (frame: Frame) => numberOf(frame, name);

const vpinNames: readonly GaugeLevel[] = [
  { from: vpinLevels.medium, name: "medium", token: "--medium" },
  { from: vpinLevels.high, name: "high", token: "--high" },
];

/** The highest level that a value reaches; undefined below all of them. */
export function levelOf(value: number, levels: readonly GaugeLevel[]): GaugeLevel | undefined {
  return levels.findLast(({ from }) => value >= from);
}

export const gaugeDefinitions: readonly GaugeDefinition[] = [
  {
    id: "imbalance",
    title: "Imbalance",
    hint: "Order book imbalance (line) and order flow imbalance (thin), −1 asks to +1 bids",
    lines: [
      { token: "--info", read: field("obi") },
      { token: "--ink-3", read: field("ofi") },
    ],
    scale: [-1.05, 1.05],
    text: (frame) => {
      const value = numberOf(frame, "obi");
      return value === undefined ? none : signed(value, 2);
    },
    tone: (frame) => ((numberOf(frame, "obi") ?? 0) < 0 ? "--sell" : "--buy"),
  },
  {
    id: "spread",
    title: "Spread",
    hint: "Best ask minus best bid, in price units",
    lines: [{ token: "--accent", read: (frame) => frame.spread ?? undefined }],
    scale: undefined,
    stepped: true,
    text: (frame, decimals) => numberText(frame.spread ?? undefined, decimals),
    tone: () => "--ink",
  },
  {
    id: "vpin",
    title: "VPIN",
    hint:
      "Volume-synchronised probability of informed trading, 0 to 1: " +
      `low below ${vpinLevels.medium}, high above ${vpinLevels.high}`,
    lines: [{ token: "--info", read: field("vpin") }],
    scale: [0, 1],
    levels: vpinNames,
    text: (frame) => numberText(numberOf(frame, "vpin"), 2),
    tone: (frame) => levelOf(numberOf(frame, "vpin") ?? 0, vpinNames)?.token ?? "--ink",
  },
  {
    id: "spoofing",
    title: "Spoofing risk",
    hint: "0 to 100",
    lines: [{ token: "--high", read: field("spoofing_risk") }],
    scale: [0, 100],
    text: (frame) => numberText(numberOf(frame, "spoofing_risk"), 0),
    tone: (frame) => ((numberOf(frame, "spoofing_risk") ?? 0) > 60 ? "--high" : "--ink"),
  },
  {
    id: "gaps",
    title: "Liquidity gaps",
    hint: "Severity of the liquidity gaps in the book; the number is their count",
    lines: [{ token: "--medium", read: field("gap_severity_score") }],
    scale: undefined,
    stepped: true,
    text: (frame) => numberText(numberOf(frame, "gap_count"), 0),
    tone: (frame) => ((numberOf(frame, "gap_count") ?? 0) > 3 ? "--medium" : "--ink"),
  },
  {
    id: "volatility",
    title: "Volume volatility",
    hint: "How much the size at the best prices varies: standard deviation divided by mean",
    lines: [{ token: "--info", read: field("volume_volatility") }],
    scale: undefined,
    text: (frame) => numberText(numberOf(frame, "volume_volatility"), 2),
    tone: () => "--ink",
  },
];
