import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { Deck } from "./deck/deck";
import type { DeckState } from "./deck/deck-state";
import type { Glance, GlanceState, Rates } from "./deck/glance";

export const DeckContext = createContext<{ readonly deck: Deck; readonly glance: Glance } | undefined>(undefined);

function useBoth() {
  const both = useContext(DeckContext);
  if (!both) throw new Error("outside of the deck's page");
  return both;
}

export function useDeck(): Deck {
  return useBoth().deck;
}

/** A part of what is known of the session; renders again when that part changes. */
export function useDeckState<Part>(select: (state: DeckState) => Part): Part {
  return useStore(useBoth().deck.store, select);
}

/** A part of what is shown, a few times a second. */
export function useGlance<Part>(select: (state: GlanceState) => Part): Part {
  return useStore(useBoth().glance.store, select);
}

export function useRates<Part>(select: (rates: Rates) => Part): Part {
  return useStore(useBoth().glance.rates, select);
}
