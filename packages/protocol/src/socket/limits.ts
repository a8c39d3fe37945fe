/** The subprotocol that clients request. A socket without it belongs to a legacy client and gets only `history` and `snapshot`. */
export const subprotocol = "tapedeck.v1";

/** Frames of history that a new socket receives. By itself, since the SDK's bundle needs no other limit. */
export const historyFrames = 100;

/** Limits that both sides rely on; the first message of a socket contains them. */
export const limits = {
  historyFrames,
  /** Bytes of the `history` message of a legacy socket. */
  historyBytes: 1_000_000,
  /** With more missing frames or trades, a resume is incomplete and sends only the newest history. */
  resumeFrames: 2_000,
  resumeTrades: 10_000,
  /** Trades in one message; further trades go into further messages. */
  tradesPerMessage: 1_000,
  /** Past epochs that a session keeps for resuming. */
  epochs: 8,
  /** Frames that readers of a session in lossless pace may be given beyond what the slowest has acknowledged. */
  window: 1_000,
  /** Orders that a session may have in total. */
  orders: 1_000,
  /** Lines of a session's log of trading actions, unless set otherwise: orders, cancellations and replacements, ever. */
  actions: 20_000,
  /** What rewinds undid of a session's trading, and can still be viewed. */
  branches: 32,
  /** Valid share links of a session. */
  shares: 100,
  /** Valid venue keys of a session. */
  venueKeys: 20,
  /** Bytes of a client's message. */
  clientMessageBytes: 16_384,
  defaultMaxFps: 30,
  legacyMaxFps: 20,
  maxFps: 60,
} as const;

/** VPIN counts as medium from the first value, and as high from the second. */
export const vpinLevels = { medium: 0.3, high: 0.6 } as const;
