import { type RefObject, useEffect, useRef, useState } from "react";
import type { Deck } from "../deck/deck";
import { useDeck } from "../deck-context";

interface View {
  dispose(): void;
}

/** Puts a view that draws by itself into an element, for as long as that is on the page. */
export function useView<V extends View>(
  make: (host: HTMLDivElement, deck: Deck) => V,
): { readonly host: RefObject<HTMLDivElement | null>; readonly view: V | undefined } {
  const host = useRef<HTMLDivElement>(null);
  const deck = useDeck();
  const [view, setView] = useState<V>();
  const maker = useRef(make);
  useEffect(() => {
    if (!host.current) return;
    const made = maker.current(host.current, deck);
    setView(made);
    return () => {
      setView(undefined);
      made.dispose();
    };
  }, [deck]);
  return { host, view };
}
