import { compare, isAtEdge, isMoving, type Observations, type Revision } from "./observations.js";
import { endOf, nsOf, playingOf, startOf, type TapeData, type Tapes } from "./tapes.js";

/** The earliest course that the playhead may take: at `at` it is at `playing` at the most. Undefined parts bound nothing. */
export interface Course {
  readonly revision: Revision;
  readonly moving: boolean;
  /** Wall ms before which the playhead was not there. */
  readonly at: number;
  /** Playing time in ns. */
  readonly playing: number;
  readonly speed: number;
  /** The market's own time, or a tape that is not known: no bound. */
  readonly free: boolean;
  readonly tape: TapeData | undefined;
}

/**
 * For each revision that was seen, how early the playhead can have been where. A command cannot take effect before it was sent; what
 * the cluster does by itself (a claim, a failover, a new round of a loop) continues the course before.
 */
export function coursesOf({ revisions, commands, gaps }: Observations, tapes: Tapes): Course[] {
  const courses: Course[] = [];
  for (const revision of revisions) {
    const before = courses.at(-1);
    const [first] = revision.views;
    if (first === undefined) continue;
    const { view } = first;
    const tape = view.tape === null ? undefined : tapes.get(view.tape);
    const base = { revision, moving: isMoving(view), speed: view.speed, tape };
    const cursor = tape && view.cursorTs !== null ? playingOf(tape, nsOf(tape, view.cursorTs), gaps) : undefined;
    if (tape === undefined || cursor === undefined || isAtEdge(view) || revision.cause === "tuned") {
      courses.push({ ...base, at: before?.at ?? 0, playing: 0, free: true });
      continue;
    }
    // Commands that changed nothing are answered with a revision that was there before them.
    const lost = commands.filter(({ outcome }) => outcome.kind === "lost");
    const possible = [...revision.commands, ...lost].map(({ sentAt }) => sentAt).filter((sentAt) => sentAt <= first.at);
    const byCommand = possible.length > 0 && (revision.cause === undefined || revision.cause === "command");
    if (before === undefined || before.free || before.tape?.startNs !== tape.startNs) {
      const sent = byCommand ? Math.min(...possible) : undefined;
      // Where a first view comes from is not known: it was true at some moment before it arrived.
      courses.push({ ...base, at: sent ?? first.at - viewAgeMs, playing: cursor, free: sent === undefined });
    } else if (byCommand) {
      courses.push({ ...base, at: Math.max(before.at, Math.min(...possible)), playing: cursor, free: false });
    } else if (revision.cause === "loop" && before.moving) {
      const [start, end] = [startOf(tape, view.fromTs), endOf(tape, view.toTs)];
      const at = end === undefined ? before.at : earliest(before, playingOf(tape, end.ns, gaps));
      courses.push({ ...base, at, playing: start === undefined ? 0 : playingOf(tape, start.ns, gaps), free: false });
    } else if (!before.moving || !base.moving || before.speed !== base.speed) {
      // It stood, or somebody else's command changed it: from the moment before on.
      courses.push({ ...base, at: before.at, playing: cursor, free: false });
    } else {
      courses.push({ ...base, at: before.at, playing: before.playing, free: false });
    }
  }
  return courses;
}

/** A view's age when it arrives, at the most. */
const viewAgeMs = 5_000;

/** The earliest wall time at which a course can be at a playing time. */
export function earliest({ at, playing, speed }: Course, target: number): number {
  return at + Math.max(0, target - playing) / (speed * 1e6);
}

/** The furthest tape time, in playing ns, that a course can have reached by a wall time. */
export function furthest({ at, playing, speed, moving }: Course, wall: number): number {
  return moving ? playing + Math.max(0, wall - at) * speed * 1e6 : playing;
}

/** The course of the last revision before another one. */
export function courseBefore(
  courses: readonly Course[],
  revision: Pick<Revision, "epoch" | "rev">,
): Course | undefined {
  return courses.findLast((course) => compare(course.revision, revision) < 0);
}
