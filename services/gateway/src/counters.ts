/** What a gateway counts while it works: plain numbers, since some are raised once per frame; `metrics.ts` shows them. */
export interface Counters {
  messagesReceived: number;
  /** Frames whose received bytes went out as they are, and those rendered from the tape. */
  framesForwarded: number;
  framesRendered: number;
  /** Frames of the market that sessions at the edge went along with. */
  edgeFrames: number;
  bytesSent: number;
  holes: number;
  stale: number;
  repeats: number;
  rereads: number;
  /** Damaged blocks passed over, once per socket. */
  damagedBlocks: number;
  /** Messages that are not of the channel's format. */
  unreadable: number;
  lags: number;
  framesMerged: number;
  tradesLeftOut: number;
  resumed: number;
  resumedIncomplete: number;
  refusals: number;
  accepted: number;
  /** By close code, as we closed them. */
  readonly closed: Map<number, number>;
}

export function createCounters(): Counters {
  return {
    messagesReceived: 0,
    framesForwarded: 0,
    framesRendered: 0,
    edgeFrames: 0,
    bytesSent: 0,
    holes: 0,
    stale: 0,
    repeats: 0,
    rereads: 0,
    damagedBlocks: 0,
    unreadable: 0,
    lags: 0,
    framesMerged: 0,
    tradesLeftOut: 0,
    resumed: 0,
    resumedIncomplete: 0,
    refusals: 0,
    accepted: 0,
    closed: new Map(),
  };
}
