/** A fault that happened. */
export interface Incident {
  readonly name: string;
  readonly targetMs: number | undefined;
  readonly from: number;
  /** When its cause was over and the cluster whole again; Infinity before. */
  to: number;
  /** When a failed Redis master had been replaced. */
  replacedAt: number | undefined;
  /** Keys of the viewers whose frames depended on what failed. */
  readonly affected: ReadonlySet<string>;
  /** Those of them that watched a recording. */
  readonly recorded: ReadonlySet<string>;
  /** Whether no other fault was at work at the same time. */
  readonly alone: boolean;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Waits this long after a fault still count as its own: what was moved comes back, restarted processes warm up. */
export const afterMs = 2_000;

/** What happened when, as far back as a session that plays now can have noticed it. */
export class Incidents {
  #all: Incident[] = [];
  #quiet: Span[] = [];
  #quietFrom = Number.POSITIVE_INFINITY;

  /** Times without any fault begin now. */
  settle(at: number): void {
    this.#quietFrom = at;
  }

  begin(incidents: readonly Incident[], at: number): void {
    if (this.#quietFrom < at) this.#quiet.push({ from: this.#quietFrom, to: at });
    this.#quietFrom = Number.POSITIVE_INFINITY;
    this.#all.push(...incidents);
  }

  end(incidents: readonly Incident[], at: number): void {
    for (const incident of incidents) incident.to = at;
    this.#quietFrom = at + afterMs;
  }

  /** Those that a session which began at a moment may have noticed. */
  since(began: number): readonly Incident[] {
    return this.#all.filter(({ to }) => to + afterMs >= began);
  }

  /** Spans without any fault, those that have ended. */
  quietSince(began: number): readonly Span[] {
    return this.#quiet.filter(({ from }) => from >= began);
  }

  forget(oldest: number): void {
    this.#all = this.#all.filter(({ to }) => to + afterMs >= oldest);
    this.#quiet = this.#quiet.filter(({ to }) => to >= oldest);
  }
}
