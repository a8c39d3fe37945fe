import type { Fill, Violation } from "../history.js";
import type { Item, Shown } from "../observations.js";
import { type Rule, violation } from "./rule.js";

interface OwnTrade {
  readonly timestamp: string;
  readonly size: number;
  readonly side: string;
}

/**
 * [SO1] [SO21] A fill's trades are in the frame of its time, with its size and side, and each trade of the user's own belongs to a fill.
 * A viewer that plays on in the epoch of a fill is shown it.
 */
export const fillsAreShown: Rule = (observed) => {
  const found: Violation[] = [];
  const fills = new Map<string, Fill>();
  for (const { items } of observed.viewers) {
    for (const item of items) if (item.kind === "fill") fills.set(item.fill.id, item.fill);
  }
  // Somebody has to be connected to be told of a fill.
  const placed = observed.commands.filter(({ name, outcome }) => name === "order" && outcome.kind !== "refused");
  const allKnown = fills.size >= placed.length;
  for (const { viewer, items } of observed.viewers) {
    for (const item of items) {
      if (item.kind !== "frame") continue;
      const own = ownTrades(item);
      if (own.length === 0) continue;
      const due = [...fills.values()].filter(({ timestamp }) => own.some((trade) => trade.timestamp === timestamp));
      const wrong =
        due.length === 0 && allKnown ? "trades of the user's own that no fill announced" : differs(due, own, allKnown);
      if (wrong !== undefined)
        found.push(violation("SO1", observed, { ...item, viewer }, `frame ${item.seq} has ${wrong}`));
    }
    for (const { fill, frame } of unshown(items)) {
      const text = `the fill at ${fill.timestamp} is not in the frame of that time`;
      found.push(violation("SO21", observed, { ...frame, viewer }, text));
    }
  }
  return found;
};

/** Fills whose time a viewer's frames of the same epoch passed after it was announced, without showing it. */
function unshown(items: readonly Item[]): { fill: Fill; frame: Shown }[] {
  const missed: { fill: Fill; frame: Shown }[] = [];
  let waiting: { fill: Fill; epoch: number }[] = [];
  let epoch = 0;
  let last: Shown | undefined;
  for (const item of items) {
    if (item.kind === "dialled" || item.kind === "closed") waiting = [];
    if (item.kind === "view") epoch = item.view.epoch;
    if (item.kind === "fill") waiting.push({ fill: item.fill, epoch });
    if (item.kind !== "frame") continue;
    const before = last;
    last = item;
    for (const each of waiting) {
      const { fill } = each;
      if (each.epoch !== item.epoch || before?.epoch !== item.epoch) continue;
      if (timeOf(before) > fill.timestamp || timeOf(item) < fill.timestamp) continue;
      const shown = ownTrades(item).some(({ timestamp }) => timestamp === fill.timestamp);
      // A fill of a frame's last millisecond may be in the frame after it ([SO1]).
      if (!shown && timeOf(item) === fill.timestamp) continue;
      if (!shown) missed.push({ fill, frame: item });
      waiting = waiting.filter((other) => other !== each);
    }
  }
  return missed;
}

/**
 * After a rewind, another order may be filled at the time of one that was dropped: some of the fills make up the trades. If nobody was told of some
 * fill, since all viewers were between two nodes, its trades may be among them.
 */
function differs(fills: readonly Fill[], own: readonly OwnTrade[], allKnown: boolean): string | undefined {
  const explains = (some: readonly Fill[]) => some.length > 0 && isMadeUpOf(own, some, allKnown);
  if (fills.length === 0 || subsetsOf(fills).some(explains)) return undefined;
  const traded = own.map(({ size, side }) => `${side} ${size}`).join(", ");
  const filled = fills.map(({ size, side }) => `${side} ${size}`).join(", ");
  return `own trades (${traded}) that fills of their time (${filled}) do not explain`;
}

function isMadeUpOf(own: readonly OwnTrade[], fills: readonly Fill[], exactly: boolean): boolean {
  return (["BUY", "SELL"] as const).every((side) => {
    const filled = sum(fills.filter((fill) => fill.side === side));
    const traded = sum(own.filter((trade) => trade.side.toUpperCase() === side));
    return exactly ? Math.abs(filled - traded) <= 1e-8 : traded >= filled - 1e-8;
  });
}

/** There are few fills of one time. */
function subsetsOf([first, ...rest]: readonly Fill[]): Fill[][] {
  if (first === undefined) return [[]];
  const others = subsetsOf(rest);
  return others.concat(others.map((some) => [first, ...some]));
}

function sum(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((total, { size }) => total + size, 0);
}

function ownTrades({ json }: Shown): OwnTrade[] {
  if (!json.includes('"own":true')) return [];
  const { trades }: { trades: (OwnTrade & { own?: boolean })[] } = JSON.parse(json);
  return trades.filter(({ own }) => own);
}

function timeOf({ json }: Shown): string {
  return /"timestamp":"([^"]+)"/.exec(json)?.[1] ?? "";
}
