import { createStore } from "zustand/vanilla";
import { persisted } from "./persisted";

export type SideTab = "trades" | "anomalies" | "gaps" | "inspector";
export type NarrowTab = "depth" | "price" | "ladder" | "signals" | SideTab;

interface LayoutState {
  readonly side: SideTab;
  readonly narrow: NarrowTab;
  /** Shares of the panels, by group of panels. */
  readonly sizes: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const kept = persisted<LayoutState>("tapedeck_layout", { side: "trades", narrow: "depth", sizes: {} });

/** How somebody has arranged the page; it is so again the next time. */
export const layout = createStore<LayoutState>(() => kept.get());
layout.subscribe((state) => kept.set(state));

export function keepSizes(group: string, sizes: Readonly<Record<string, number>>): void {
  layout.setState((state) => ({ sizes: { ...state.sizes, [group]: sizes } }));
}
