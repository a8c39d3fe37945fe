import type { Command, PlaybackState, RefusalCode } from "@tapedeck/protocol";

/** What a command leads to from a state: a state, or a refusal. A forgotten cell does not compile. */
export type Outcomes = Readonly<Record<PlaybackState, Readonly<Record<Command["type"], PlaybackState | RefusalCode>>>>;

/** In REPLAY on a tape; SIMULATION is alike, but takes orders while it plays. `mode` stands for one to REPLAY. */
export const outcomesOnTape: Outcomes = {
  STOPPED: {
    start: "PLAYING",
    resume: "PLAYING",
    pause: "PAUSED",
    stop: "STOPPED",
    speed: "STOPPED",
    range: "STOPPED",
    seek: "PAUSED",
    goback: "PAUSED",
    step: "PAUSED",
    live: "NOT_LIVE",
    mode: "STOPPED",
    order: "NOT_SIMULATION",
  },
  PLAYING: {
    start: "PLAYING",
    resume: "PLAYING",
    pause: "PAUSED",
    stop: "STOPPED",
    speed: "PLAYING",
    range: "PLAYING",
    seek: "PLAYING",
    goback: "PLAYING",
    step: "PAUSED",
    live: "NOT_LIVE",
    mode: "PLAYING",
    order: "NOT_SIMULATION",
  },
  PAUSED: {
    start: "PLAYING",
    resume: "PLAYING",
    pause: "PAUSED",
    stop: "STOPPED",
    speed: "PAUSED",
    range: "PAUSED",
    seek: "PAUSED",
    goback: "PAUSED",
    step: "PAUSED",
    live: "NOT_LIVE",
    mode: "PAUSED",
    order: "NOT_SIMULATION",
  },
};

const withoutPlaces = { seek: "NO_TAPE", goback: "NO_TAPE", step: "NO_TAPE", range: "NO_TAPE" } as const;

/** In LIVE on a tape: `mode` stands for the first one to REPLAY. */
export const outcomesInLive: Outcomes = {
  STOPPED: { ...outcomesOnTape.STOPPED, live: "PLAYING" },
  PLAYING: { ...outcomesOnTape.PLAYING, live: "PLAYING" },
  PAUSED: { ...outcomesOnTape.PAUSED, live: "PLAYING", mode: "STOPPED" },
};

/** In LIVE while its feed has brought nothing, and thus without a tape. */
export const outcomesInLiveWithoutTape: Outcomes = {
  STOPPED: { ...outcomesInLive.STOPPED, ...withoutPlaces },
  PLAYING: { ...outcomesInLive.PLAYING, ...withoutPlaces },
  PAUSED: { ...outcomesInLive.PAUSED, ...withoutPlaces },
};
