import type { Keys } from "@tapedeck/sessions";
import type { Http } from "./http.js";
import { LiveTapeReader } from "./live-tape-reader.js";
import type { Truth } from "./truth.js";
import type { SeenFrame, Viewer, ViewerOptions } from "./viewer.js";

export const modes = ["REPLAY", "LIVE", "SIMULATION"] as const;
export type Mode = (typeof modes)[number];

/** A cluster behind one address, as its users see it. */
export interface Venue {
  readonly url: string;
  readonly balanced: Http;
  watch(sessionId: string, options: Partial<ViewerOptions>): Promise<Viewer>;
}

/** Where a cluster's tapes can be read by one more node. */
export interface TapeSource {
  readonly redisUrl: string;
  readonly keys: Keys;
  readonly tapes: { readonly folder: string };
}

/** What a user watches; `body` is what their session is created by. */
export interface Choice {
  readonly mode: Mode;
  readonly speed: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Seat {
  readonly id: string;
  readonly mode: Mode;
  readonly speed: number;
  readonly viewer: Viewer;
}

/** A session that plays, without a frame cap unless it asks for one, and its socket, which comes in by the balancer as a browser's does. */
export async function takeSeat(
  venue: Venue,
  { mode, speed, body }: Choice,
  texts: Map<string, string> = new Map(),
): Promise<Seat> {
  const { session_id: id } = await venue.balanced.create({ mode, speed, max_fps: 0, ...body });
  const viewer = await venue.watch(id, { gateways: [venue.url], reconnect: true, texts });
  if (mode === "REPLAY") await venue.balanced.control(id, "start");
  return { id, mode, speed, viewer };
}

/** Takes seats for so many users at a time, and waits until each has frames. */
export async function takeSeats(venue: Venue, choices: readonly Choice[], atOnce = 20): Promise<Seat[]> {
  const texts = new Map<string, string>();
  const seats: Seat[] = [];
  while (seats.length < choices.length) {
    const group = choices.slice(seats.length, seats.length + atOnce);
    seats.push(...(await Promise.all(group.map((choice) => takeSeat(venue, choice, texts)))));
  }
  await Promise.all(seats.map(({ viewer }) => viewer.next(2, 40_000)));
  return seats;
}

/** Resolves when every viewer has been given a frame that arrived at a moment or later. */
export async function playedOn(seats: readonly Seat[], since: number, ms = 40_000): Promise<void> {
  await Promise.all(
    seats.map(({ viewer, mode }) =>
      viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) >= since, `frame of ${mode}`, ms),
    ),
  );
}

/** What came to a seat up to a moment, and what its tape says. */
export interface Seen extends Seat {
  readonly frames: readonly SeenFrame[];
  readonly truth: Truth;
}

export async function lookedBackAt(source: TapeSource, seats: readonly Seat[]): Promise<Seen[]> {
  const last = new Map<string, number>();
  const looks = seats.map((seat) => {
    const tape = seat.viewer.session?.tape ?? "none";
    const frames = [...seat.viewer.frames]; // more come while tapes are read
    last.set(
      tape,
      frames.reduce((most, { seq }) => Math.max(most, seq), last.get(tape) ?? 0),
    );
    return { seat, tape, frames };
  });
  const reader = new LiveTapeReader(source);
  const truths = new Map<string, Truth>();
  try {
    for (const [tape, seq] of last) truths.set(tape, await reader.truth(tape, seq));
  } finally {
    await reader.close();
  }
  return looks.map(({ seat, tape, frames }) => {
    const truth = truths.get(tape);
    if (truth === undefined) throw new Error(`nothing is known of ${tape}`);
    return { ...seat, frames, truth };
  });
}
