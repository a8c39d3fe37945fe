/** The subprotocol a new client asks for. A socket without it is a legacy client: `history` and `snapshot`, nothing else. */
export const subprotocol = "tapedeck.v1";

/** Numbers both sides rely on; the first message of a socket repeats them. */
export const limits = {
  /** Frames of history a newcomer gets. */
  historyFrames: 100,
  /** Bytes of a legacy socket's `history`. */
  historyBytes: 1_000_000,
  /** Missing frames above which a resume is not exact any more. */
  resumeFrames: 2_000,
  resumeTrades: 10_000,
  /** Trades in one message; more of them make more messages. */
  tradesPerMessage: 1_000,
  /** Epochs a session remembers for resuming. */
  epochs: 8,
  /** Orders that a session's user may give in all. */
  orders: 1_000,
  /** Share links that a session has at a time. */
  shares: 100,
  /** Bytes of a message from a client. */
  clientMessageBytes: 16_384,
  defaultMaxFps: 30,
  legacyMaxFps: 20,
  maxFps: 60,
} as const;
