import type { Keys } from "@tapedeck/sessions";
import { atOnce } from "./at-once.js";
import type { Http } from "./http.js";
import { LiveTapeReader } from "./live-tape-reader.js";
import type { Truth } from "./truth.js";
import type { SeenFrame, Viewer, ViewerOptions } from "./viewer.js";

export const modes = ["REPLAY", "LIVE", "SIMULATION"] as const;
export type Mode = (typeof modes)[number];

/** A cluster behind one address, as its users see it. */
export interface BalancedCluster {
  readonly url: string;
  readonly balanced: Http;
  watch(sessionId: string, options: Partial<ViewerOptions>): Promise<Viewer>;
}

/** Where another node can read a cluster's tapes. */
export interface TapeSource {
  readonly redisUrl: string;
  readonly keys: Keys;
  readonly tapes: { readonly folder: string };
}

/** What a user watches; `body` has the parameters of their session. */
export interface SessionChoice {
  readonly mode: Mode;
  readonly speed: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface WatchedSession {
  readonly id: string;
  readonly mode: Mode;
  readonly speed: number;
  readonly viewer: Viewer;
}

/** Plays a new session, without a frame cap unless its body sets one, and watches it through the balancer as a browser does. */
export async function watchSession(
  cluster: BalancedCluster,
  { mode, speed, body }: SessionChoice,
  texts: Map<string, string> = new Map(),
): Promise<WatchedSession> {
  const { session_id: id } = await cluster.balanced.create({ mode, speed, max_fps: 0, ...body });
  const viewer = await cluster.watch(id, { gateways: [cluster.url], reconnect: true, texts });
  if (mode === "REPLAY") await cluster.balanced.control(id, "start");
  return { id, mode, speed, viewer };
}

/** Opens `count` sessions at a time, and waits until each has frames. */
export async function watchSessions(
  cluster: BalancedCluster,
  choices: readonly SessionChoice[],
  count = 20,
): Promise<WatchedSession[]> {
  const texts = new Map<string, string>();
  const sessions = await atOnce(count, choices, (choice) => watchSession(cluster, choice, texts));
  await Promise.all(sessions.map(({ viewer }) => viewer.next(2, 40_000)));
  return sessions;
}

/** Resolves when every viewer has received a frame at this moment or later. */
export async function untilAllPlayOn(sessions: readonly WatchedSession[], since: number, ms = 40_000): Promise<void> {
  await Promise.all(
    sessions.map(({ viewer, mode }) =>
      viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) >= since, `frame of ${mode}`, ms),
    ),
  );
}

/** The frames that a session's viewer has received so far, and those of its tape. */
export interface ReceivedFrames extends WatchedSession {
  readonly frames: readonly SeenFrame[];
  readonly truth: Truth;
}

export async function receivedFramesOf(
  source: TapeSource,
  sessions: readonly WatchedSession[],
): Promise<ReceivedFrames[]> {
  const last = new Map<string, number>();
  const received = sessions.map((session) => {
    const tape = session.viewer.session?.tape ?? "none";
    const frames = [...session.viewer.frames]; // more come while tapes are read
    last.set(
      tape,
      frames.reduce((most, { seq }) => Math.max(most, seq), last.get(tape) ?? 0),
    );
    return { session, tape, frames };
  });
  const reader = new LiveTapeReader(source);
  const truths = new Map<string, Truth>();
  try {
    for (const [tape, seq] of last) truths.set(tape, await reader.truth(tape, seq));
  } finally {
    await reader.close();
  }
  return received.map(({ session, tape, frames }) => {
    const truth = truths.get(tape);
    if (truth === undefined) throw new Error(`the frames of ${tape} were not read`);
    return { ...session, frames, truth };
  });
}
