// What the clients of one session sent and received. The oracle knows nothing else, and nothing of the product's code.

export type Mode = "REPLAY" | "LIVE" | "SIMULATION";
export type PlaybackState = "STOPPED" | "PLAYING" | "PAUSED";

/** A session as a message or an answer showed it. Times are ISO text, as they came. */
export interface View {
  readonly epoch: number;
  readonly rev: number;
  readonly mode: Mode;
  readonly tape: string | null;
  readonly state: PlaybackState;
  readonly reason: string | null;
  readonly speed: number;
  /** The playhead when the view was made. */
  readonly cursorTs: string | null;
  readonly cursorSeq: number | null;
  readonly fromTs: string | null;
  readonly toTs: string | null;
  readonly loop: boolean;
  readonly maxFps: number;
  readonly parked: boolean;
  /** Milliseconds of tape behind the newest frame of a growing tape; null for other tapes. */
  readonly behindMs: number | null;
  /** Units held in a simulated market; undefined in other modes. */
  readonly position: number | undefined;
}

/** A frame as it was received: it stands for the frames (seq - 1 - skipped, seq]. */
export interface ReceivedFrame {
  readonly seq: number;
  readonly skipped: number;
  /** The text of a live frame; a frame of a `history` is serialised again. */
  readonly json: string;
}

export interface Token {
  readonly epoch: number;
  readonly after: number;
}

export interface Fill {
  readonly id: string;
  readonly timestamp: string;
  readonly side: "BUY" | "SELL";
  readonly price: number;
  readonly size: number;
}

export type Outcome =
  | { readonly kind: "done"; readonly view: View }
  | { readonly kind: "refused"; readonly code: string }
  /** No answer came: the command may have taken effect or not. */
  | { readonly kind: "lost" };

/** `at`: milliseconds of the recording process's monotonic clock. A viewer is one client, over all its connections. */
export type SessionEvent = {
  readonly at: number;
} /** The connection is open. `since`: when the client began to connect. */ & (
  | {
      readonly kind: "dialled";
      readonly viewer: string;
      readonly gateway: string;
      readonly token: Token | undefined;
      readonly since: number;
    }
  | { readonly kind: "closed"; readonly viewer: string; readonly code: number }
  | { readonly kind: "session"; readonly viewer: string; readonly view: View }
  | { readonly kind: "state"; readonly viewer: string; readonly cause: string; readonly view: View }
  | {
      readonly kind: "history";
      readonly viewer: string;
      readonly epoch: number;
      readonly complete: boolean;
      readonly frames: readonly ReceivedFrame[];
    }
  | { readonly kind: "frame"; readonly viewer: string; readonly frame: ReceivedFrame }
  | { readonly kind: "lag"; readonly viewer: string; readonly frames: number }
  | { readonly kind: "fill"; readonly viewer: string; readonly fill: Fill }
  /** `via`: the viewer whose socket took it; undefined for HTTP. */
  | {
      readonly kind: "command";
      readonly id: string;
      readonly via: string | undefined;
      readonly name: string;
      readonly args: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "answer"; readonly id: string; readonly outcome: Outcome }
  /** A GET of the session: `sentAt` is when it was asked. */
  | { readonly kind: "read"; readonly sentAt: number; readonly view: View }
  /** What was done to the cluster: no rule depends on it but those that the loss of writes excuses. */
  | { readonly kind: "fault"; readonly name: string; readonly losesWrites: boolean }
);

/** Everything that the clients of one session sent and received, oldest first. */
export interface History {
  readonly session: string;
  readonly gaps: "skip" | "keep";
  readonly events: readonly SessionEvent[];
}

/** A sentence that says why the history is impossible, and where. */
export interface Violation {
  /** Number of the broken rule in docs/spec. */
  readonly rule: string;
  readonly session: string;
  readonly viewer?: string;
  readonly epoch?: number;
  readonly seq?: number;
  readonly at: number;
  readonly text: string;
}
