import type { History, ReceivedFrame, SessionEvent, View } from "./history.js";
import type { TapeData, TapeFrame } from "./tapes.js";

const startMs = Date.UTC(2024, 0, 1);

/** A tape of one frame every 100 ms, with a trade in every second frame. Frame `ownAt` shows a fill of the user's. */
export function smallTape(
  frames = 400,
  ownAt = -1,
  name: Pick<TapeData, "id" | "follows"> = { id: "small@1" },
): TapeData {
  const made = Array.from(
    { length: frames },
    (_, seq): TapeFrame => ({ seq, ns: seq * 1e8, json: frameJson(seq, seq === ownAt) }),
  );
  return {
    ...name,
    startNs: BigInt(startMs) * 1_000_000n,
    firstSeq: 0,
    lastSeq: frames - 1,
    gaps: [],
    frames: made,
  };
}

export function isoAt(seq: number): string {
  return new Date(startMs + seq * 100).toISOString();
}

function frameJson(seq: number, own: boolean): string {
  const trades =
    seq % 2 === 0 || own
      ? [{ timestamp: isoAt(seq), price: 100 + seq, size: 2, side: "buy", ...(own && { own }) }]
      : [];
  const fields =
    trades.length > 0 ? { trade_volume: 2, last_trade_price: 100 + seq, trade_side: "buy", effective_spread: 1 } : {};
  const head = { type: "snapshot", seq, timestamp: isoAt(seq), mid_price: 100 + seq };
  return JSON.stringify({ ...head, trade_classified: trades.length > 0, ...fields, trades, anomalies: [] });
}

function merge(tape: TapeData, prev: number, seq: number): ReceivedFrame {
  const json = tape.frames[seq]?.json ?? "";
  if (prev === seq - 1) return { seq, skipped: 0, json };
  const stretch = tape.frames.slice(prev + 1, seq + 1).map((frame) => JSON.parse(frame.json));
  const trades = stretch.flatMap((frame) => frame.trades);
  const traded = stretch.findLast((frame) => frame.trades.length > 0);
  const { last_trade_price, trade_side, effective_spread } = traded;
  const fields = { trade_volume: 2 * trades.length, last_trade_price, trade_side, effective_spread, trades };
  const skipped = seq - prev - 1;
  return { seq, skipped, json: JSON.stringify({ ...JSON.parse(json), trade_classified: true, ...fields, skipped }) };
}

/** A product without faults, in a hundred lines: one session on one tape with two viewers, in a time of its own. */
export class GoodSession {
  readonly events: SessionEvent[] = [];
  #tape: TapeData;
  /** The last frame of each epoch that has ended, and its tape. */
  readonly #ended = new Map<number, { readonly seq: number; readonly tape: TapeData }>();
  readonly #offline = new Set<string>();
  readonly #sent = new Map<string, { epoch: number; seq: number }>();
  #epochFrom = 0;
  #now = startMs;
  #commands = 0;
  #view: View;

  constructor(tape: TapeData, options: Partial<View> = {}) {
    this.#tape = tape;
    this.#view = {
      ...{
        epoch: 1,
        rev: 1,
        mode: "REPLAY",
        tape: tape.id,
        state: "PLAYING",
        reason: null,
        speed: 1,
        cursorTs: isoAt(0),
      },
      ...{
        cursorSeq: 0,
        fromTs: null,
        toTs: null,
        loop: false,
        maxFps: 0,
        parked: false,
        behindMs: null,
        position: undefined,
      },
      ...options,
    };
    for (const viewer of ["one", "two"]) {
      this.#emit({ kind: "dialled", viewer, gateway: "here", token: undefined, since: this.#now });
      this.#emit({ kind: "session", viewer, view: this.#view });
      this.#emit({ kind: "history", viewer, epoch: 1, complete: true, frames: [merge(tape, -1, 0)] });
      this.#sent.set(viewer, { epoch: 1, seq: 0 });
    }
    this.command("start", {}, {});
  }

  get history(): History {
    return { session: "good", gaps: "skip", events: this.events };
  }

  get seq(): number {
    return this.#view.cursorSeq ?? 0;
  }

  /** Plays a number of frames, `step` a message. */
  play(count: number, step = 1): void {
    for (let played = 0; played < count; played += step) {
      this.#now += (step * 100) / this.#view.speed;
      this.#moveTo(this.seq + step);
      this.#deliver();
    }
  }

  /** Carries out a command: `change` is what it makes of the session, and `seq` where a new epoch lands. */
  command(name: string, args: Record<string, unknown>, change: Partial<View>, seq?: number): void {
    const id = `c${this.#commands++}`;
    this.#emit({ kind: "command", id, via: undefined, name, args });
    this.#now += 3;
    this.#view = { ...this.#view, ...change, rev: this.#view.rev + 1 };
    if (seq !== undefined) this.#jumpTo(seq, "command");
    else this.#tell("command");
    this.#emit({ kind: "answer", id, outcome: { kind: "done", view: this.#view } });
  }

  /** A step forward: each frame passed comes before the state. */
  step(frames: number): void {
    const id = `c${this.#commands++}`;
    this.#emit({ kind: "command", id, via: undefined, name: "step", args: { frames } });
    this.#now += 3;
    for (let passed = 0; passed < frames; passed++) {
      this.#moveTo(this.seq + 1);
      this.#deliver();
    }
    this.#view = { ...this.#view, state: "PAUSED", rev: this.#view.rev + 1 };
    this.#tell("command");
    this.#emit({ kind: "answer", id, outcome: { kind: "done", view: this.#view } });
  }

  wrap(seq: number): void {
    this.#view = { ...this.#view, rev: this.#view.rev + 1 };
    this.#jumpTo(seq, "loop");
  }

  /** @param dated the frame at whose time the fill is dated */
  order(filledAt: number, dated = filledAt): void {
    const id = `c${this.#commands++}`;
    this.#emit({ kind: "command", id, via: undefined, name: "order", args: { side: "BUY", quantity: 2 } });
    this.#now += 3;
    this.#view = { ...this.#view, rev: this.#view.rev + 1, position: 2 };
    this.#tell("command");
    const fill = { id: "fill", timestamp: isoAt(dated), side: "BUY", price: 100 + filledAt, size: 2 } as const;
    for (const viewer of this.#sent.keys()) this.#emit({ kind: "fill", viewer, fill });
    this.#emit({ kind: "answer", id, outcome: { kind: "done", view: this.#view } });
  }

  /** Nobody is connected, and the answer is lost: nobody learns of the order, nor of the tape that it makes. */
  lostOrder(tape: TapeData): void {
    const id = `c${this.#commands++}`;
    this.#emit({ kind: "command", id, via: undefined, name: "order", args: { side: "BUY", quantity: 2 } });
    this.#now += 3;
    this.#tape = tape;
    this.#view = { ...this.#view, rev: this.#view.rev + 1, tape: tape.id, position: 2 };
  }

  read(): void {
    this.#now += 1;
    const sentAt = this.#now;
    this.#now += 2;
    this.#emit({ kind: "read", sentAt, view: this.#view });
  }

  drop(viewer: string): void {
    this.#offline.add(viewer);
    this.#emit({ kind: "closed", viewer, code: 1006 });
  }

  /** The rest of the epoch that the viewer has a token of, and the present one if that is another. */
  resume(viewer: string): void {
    const token = this.#sent.get(viewer) ?? { epoch: 1, seq: -1 };
    const { epoch } = this.#view;
    this.#now += 5;
    this.#emit({
      kind: "dialled",
      viewer,
      gateway: "there",
      token: { epoch: token.epoch, after: token.seq },
      since: this.#now,
    });
    this.#emit({ kind: "session", viewer, view: this.#view });
    const ended = this.#ended.get(token.epoch);
    if (ended !== undefined) {
      this.#history(viewer, token.epoch, ended.tape, token.seq, ended.seq);
      this.#emit({ kind: "state", viewer, cause: "command", view: this.#view });
    }
    this.#history(viewer, epoch, this.#tape, ended === undefined ? token.seq : this.#epochFrom - 1, this.seq);
    this.#offline.delete(viewer);
    this.#sent.set(viewer, { epoch, seq: this.seq });
  }

  #history(viewer: string, epoch: number, tape: TapeData, after: number, to: number): void {
    const frames = Array.from({ length: to - after }, (_, at) => merge(tape, after + at, after + at + 1));
    this.#emit({ kind: "history", viewer, epoch, complete: true, frames });
  }

  #jumpTo(seq: number, cause: string): void {
    this.#ended.set(this.#view.epoch, { seq: this.seq, tape: this.#tape });
    this.#epochFrom = seq;
    this.#moveTo(seq);
    this.#view = { ...this.#view, epoch: this.#view.epoch + 1 };
    this.#tell(cause);
    for (const viewer of this.#sent.keys()) {
      if (!this.#offline.has(viewer)) this.#sent.set(viewer, { epoch: this.#view.epoch, seq: seq - 1 });
    }
    this.#deliver();
  }

  #moveTo(seq: number): void {
    this.#view = { ...this.#view, cursorSeq: seq, cursorTs: isoAt(seq) };
  }

  #deliver(): void {
    const { epoch } = this.#view;
    for (const [viewer, { seq }] of this.#sent) {
      if (this.#offline.has(viewer)) continue;
      this.#now += 1;
      this.#emit({ kind: "frame", viewer, frame: merge(this.#tape, seq, this.seq) });
      this.#sent.set(viewer, { epoch, seq: this.seq });
    }
  }

  #tell(cause: string): void {
    for (const viewer of this.#sent.keys()) {
      if (!this.#offline.has(viewer)) this.#emit({ kind: "state", viewer, cause, view: this.#view });
    }
  }

  #emit(event: Untimed<SessionEvent>): void {
    this.events.push({ at: this.#now, ...event });
  }
}

type Untimed<T> = T extends unknown ? Omit<T, "at"> : never;
