import { type FrameMoment, type IncidentLabel, profiles, segmentMs } from "@tapedeck/market";
import { momentsOf } from "./play-scenario.js";

const limits = profiles.relative;
const seconds = (ns: number) => (ns / 1e9).toFixed(1);

/** Describes what the frames show of a missed incident, and what an alert needs. */
export function reasonOf(seed: number, scenario: string, label: IncidentLabel): string {
  const segment = Math.floor((label.fromNs / 1e6 + 100) / segmentMs);
  // As on the tape: detectors only know the minute before.
  const first = Math.max(0, segment - 1);
  const all = momentsOf(seed, scenario, first, segment - first + 1).map((moment) => ({
    ...moment,
    ns: moment.ns + first * segmentMs * 1e6,
  }));
  const past = all.filter(({ ns }) => ns < label.fromNs);
  const during = all.filter(({ ns }) => ns >= label.fromNs - 1e8 && ns <= label.toNs + 1e9);
  const best = sum(past, (moment) => levels(moment, label)[0]?.[1] ?? 0) / Math.max(1, past.length);
  return explain[label.kind]?.({ label, past, during, best }) ?? "";
}

interface Case {
  readonly label: IncidentLabel;
  readonly past: readonly FrameMoment[];
  readonly during: readonly FrameMoment[];
  /** Mean size of the best level of its side in the past. */
  readonly best: number;
}

const explain: Partial<Record<IncidentLabel["kind"], (found: Case) => string>> = {
  spoofing: (found) => {
    const { growth, times } = limits.spoofing;
    const shows = showsOf(found);
    const list = shows.map(({ ratio, ns, fate }) => `${ratio.toFixed(1)} for ${seconds(ns)} s (${fate})`).join(", ");
    return `orders of 2.5 mean best sizes or more, their duration and fate: ${list || "none"}; needed: ${times} of ${growth}, cancelled`;
  },
  layering: (found) => {
    const { growth, levels: least, moved } = limits.layering;
    const walls = pairs(found.during).map(([before, now]) => ({
      now,
      prices: grown(found, before, now, growth * found.best),
    }));
    const most = largest(walls, ({ prices }) => prices.length);
    const wall = walls.find(({ prices }) => prices.length === most);
    const lost = wall?.prices.filter((price) => leavesTheView(found, price, wall.now)).length ?? 0;
    return (
      `at most ${most} levels gained ${growth} mean best sizes in one frame, and ${lost} of them were beyond the ${shownLevels} levels of a frame before ` +
      `they disappeared; needed: ${least} that disappear together, while less than ${100 * moved} % of them reappears`
    );
  },
  quote_stuffing: ({ past, during }) => {
    const usual = sum(past, ({ updates }) => updates) / spanS(past);
    let rate = usual;
    const rates = during.map(({ updates }) => {
      rate = rate * Math.exp(-0.1) + updates;
      return rate / usual;
    });
    const { timesUsual, lastingS } = limits.stuffing;
    const over = rates.filter((times) => times > timesUsual).length / 10;
    return `the rate was at most ${largest(rates, (times) => times).toFixed(1)} times the usual one, and over ${timesUsual} times for ${over} s; needed: ${lastingS} s`;
  },
  momentum_ignition: ({ label, past, during }) => {
    const { drift, force, shortestNs, longestNs, reverts, withinNs } = limits.ignition;
    const usual = typicalMove(past);
    const height = ({ mid }: FrameMoment) => label.direction * mid;
    const top = Math.max(...during.map(height));
    const peak = during.findIndex((moment) => height(moment) === top);
    // It begins where the price was farthest behind the largest ordinary drift, up to 3 s before.
    const way = [...past.filter(({ ns }) => ns >= label.fromNs - 3e9), ...during.slice(0, peak)];
    const ahead = (moment: FrameMoment) => height(moment) - (drift * usual * moment.ns) / 1e9;
    const least = Math.min(...way.map(ahead));
    const start = way.findLastIndex((moment) => ahead(moment) === least);
    const push = [...way.slice(start), ...during.slice(peak, peak + 1)];
    const [from, to] = [push[0], push.at(-1)];
    if (from === undefined || to === undefined) return "";
    const trades = push.slice(1).flatMap((moment) => moment.trades);
    const along = trades.filter(({ side }) => side === (label.direction > 0 ? "buy" : "sell")).length;
    const share = along / Math.max(1, trades.length);
    const went = top - height(from);
    const squares = sum(pairs(push), ([before, now]) => (now.mid - before.mid) ** 2);
    const wobble = Math.sqrt(squares - went ** 2 / (push.length - 1) + usual ** 2);
    const times = went / usual;
    const lasted = to.ns - from.ns;
    const reached = share * Math.cbrt(times * (went / wobble) * (times / (lasted / 1e9)));
    const after = during.slice(peak);
    const back = after.find((moment) => top - height(moment) >= reverts * went);
    const lost =
      back === undefined
        ? `${((100 * (top - Math.min(...after.map(height)))) / went).toFixed(0)} % of it reverted`
        : `${100 * reverts} % of it reverted after ${seconds(back.ns - to.ns)} s`;
    return (
      `it went ${times.toFixed(1)} typical moves in ${seconds(lasted)} s, ${(went / wobble).toFixed(1)} times its wobble, with ${(100 * share).toFixed(0)} % of the ` +
      `trades: a force of ${reached.toFixed(1)}; ${lost}; needed: a force of ${force} in ${seconds(shortestNs)} to ${seconds(longestNs)} s, ${100 * reverts} % reverted in ${seconds(withinNs)} s`
    );
  },
  wash_trading: ({ during }) => {
    const trades = during.flatMap((moment) => moment.trades.map((trade) => ({ ...trade, ns: moment.ns })));
    const { likeness, count, withinNs } = limits.wash;
    const most = largest(
      trades,
      (last) =>
        trades.filter(
          ({ price, size, ns }) =>
            price === last.price &&
            Math.abs(size - last.size) <= likeness * last.size &&
            Math.abs(ns - last.ns) < withinNs / 2,
        ).length,
    );
    const prices = new Set(trades.map(({ price }) => price)).size;
    return `at most ${most} trades were of one size at one price, among ${prices} traded prices; needed: ${count} that alternate`;
  },
  iceberg: ({ label, during }) => {
    const { fills, likeness } = limits.iceberg;
    const taker = label.side === "bid" ? "sell" : "buy";
    const trades = during.flatMap((moment) => moment.trades).filter(({ side }) => side === taker);
    const most = largest(
      trades,
      (one) =>
        trades.filter(({ price, size }) => price === one.price && Math.abs(size - one.size) <= likeness * one.size)
          .length,
    );
    return `at most ${most} fills of one size at one price; needed: ${fills} that the level does not lose`;
  },
  liquidity_gap: ({ label, during }) => {
    const within = during.filter(({ ns }) => ns <= label.toNs);
    const best = within.map((moment) => levels(moment, label)[0]?.[0] ?? 0);
    const moved = best.filter((price, at) => at > 0 && price !== best[at - 1]).length;
    return `the best price changed in ${moved} of ${within.length} frames, so the places behind it were rarely the same; needed: evidence of ${limits.gapAlert.evidence} over ${limits.gapAlert.tauS} s without a change`;
  },
  flash_crash: ({ past, during }) => {
    const all = [...past, ...during];
    const moved = (moment: FrameMoment) => {
      const before = all.find(({ ns }) => ns >= moment.ns - 3e9);
      return Math.abs(moment.mid - (before?.mid ?? moment.mid)) / Math.sqrt(3);
    };
    const atFirst = largest(during, moved) / typicalMove(past);
    const byThen = largest(during, (moment) => moved(moment) / typicalMove(all.filter(({ ns }) => ns < moment.ns)));
    return `in 3 s it moved ${atFirst.toFixed(1)} typical moves of before it, and ${byThen.toFixed(1)} typical moves of that time; needed: 14 of the latter`;
  },
};

const levels = (moment: FrameMoment, { side }: IncidentLabel) => (side === "ask" ? moment.asks : moment.bids);

interface Show {
  readonly ratio: number;
  readonly ns: number;
  readonly fate: string;
}

/** Gains of the best level in one frame relative to its mean, how long they stayed, and how they disappeared. */
function showsOf(found: Case): Show[] {
  const usual = found.best;
  const shows: Show[] = [];
  found.during.forEach((moment, at) => {
    const before = found.during[at - 1];
    const [price, size = 0] = levels(moment, found.label)[0] ?? [];
    if (before === undefined || price === undefined) return;
    const was = sizeAt(before, found.label, price);
    const came = size - was;
    if (came < 2.5 * usual) return;
    const goes = found.during.findIndex((next, n) => n >= at && sizeAt(next, found.label, price) - was < 0.3 * came);
    const later = found.during[goes];
    const fate = later === undefined ? "stayed" : fateOf(found, { price, came, since: moment, goes });
    shows.push({ ratio: came / usual, ns: (later?.ns ?? moment.ns) - moment.ns, fate });
  });
  return shows;
}

/** How an order disappeared, by the rules of the spoofing detector. */
function fateOf(
  found: Case,
  { price, came, since, goes }: { price: number; came: number; since: FrameMoment; goes: number },
): string {
  const { label, during } = found;
  const until = during.slice(0, goes + 1);
  const last = during[goes];
  const oneBefore = during[goes - 1];
  if (last === undefined || oneBefore === undefined) return "stayed";
  if (leavesTheView(found, price, since)) return "left behind";
  const traded = sum(
    until.flatMap(({ ns, trades }) => (ns > since.ns ? trades : [])).filter((trade) => trade.price === price),
    ({ size }) => size,
  );
  if (traded >= 0.2 * came) return "traded";
  if (last.ns - since.ns > limits.spoofing.withinNs) return "too late";
  if (sizeAt(oneBefore, label, price) - sizeAt(last, label, price) <= 0.6 * came) return "in parts";
  const soon = during.filter(({ ns }) => ns >= last.ns && ns < last.ns + 250e6);
  const elsewhere = largest(soon, (moment) => {
    const before = during[during.indexOf(moment) - 1] ?? moment;
    return largest(levels(moment, label), ([at, size]) => (at === price ? 0 : size - sizeAt(before, label, at)));
  });
  return elsewhere >= 0.3 * came ? `${(elsewhere / came).toFixed(1)} of it reappeared` : "cancelled";
}

/** Prices whose size grew by at least `least` from one frame to the next. */
function grown({ label }: Case, before: FrameMoment, now: FrameMoment, least: number): number[] {
  return levels(now, label)
    .filter(([price, size]) => size - sizeAt(before, label, price) >= least)
    .map(([price]) => price);
}

const shownLevels = 20;

/** Whether a level moves beyond those in a frame before it is seen to disappear. */
function leavesTheView({ label, during }: Case, price: number, since: FrameMoment): boolean {
  const size = sizeAt(since, label, price);
  for (const moment of during) {
    if (moment.ns <= since.ns || sizeAt(moment, label, price) > size / 2) continue;
    const shown = levels(moment, label);
    const last = shown.at(-1)?.[0] ?? price;
    return shown.length === shownLevels && (label.side === "ask" ? price > last : price < last);
  }
  return false;
}

function sizeAt(moment: FrameMoment, label: IncidentLabel, price: number): number {
  return levels(moment, label).find(([there]) => there === price)?.[1] ?? 0;
}

/** Root mean square of the mid's changes over whole seconds, scaled to the mean |change| of a normal distribution. */
function typicalMove(past: readonly FrameMoment[]): number {
  const mids = past.filter((_, at) => at % 10 === 0).map(({ mid }) => mid);
  const squares = mids.slice(1).map((mid, at) => (mid - (mids[at] ?? mid)) ** 2);
  return Math.sqrt(sum(squares, (square) => square) / Math.max(1, squares.length)) / Math.sqrt(Math.PI / 2);
}

function pairs(moments: readonly FrameMoment[]): [FrameMoment, FrameMoment][] {
  return moments.slice(1).flatMap((now, at) => {
    const before = moments[at];
    return before === undefined ? [] : [[before, now] satisfies [FrameMoment, FrameMoment]];
  });
}

function spanS(moments: readonly FrameMoment[]): number {
  return Math.max(0.1, ((moments.at(-1)?.ns ?? 0) - (moments[0]?.ns ?? 0)) / 1e9);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function largest<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((most, item) => Math.max(most, of(item)), 0);
}
