import { liveTapeIdPattern, tapeName } from "@tapedeck/tape";
import type { ListedTape, SizedVersion } from "./tape-place.js";

export interface PruneRules {
  /** The newest versions of each tape that stay; by default 1, and 0 for tapes that feeds recorded. */
  readonly keepVersions?: number | undefined;
  /** In ms; younger versions stay. By default 0. */
  readonly olderThan?: number | undefined;
}

export interface PrunePlan {
  readonly versions: readonly SizedVersion[];
  /** What to delete: `id` where all versions of a tape go, otherwise `id@version`. */
  readonly names: readonly string[];
  /** Versions that would go by their number, but whose age cannot be read. */
  readonly damaged: readonly string[];
}

/**
 * What [CM23] deletes.
 *
 * @param now ms since 1970
 */
export function planPruning(tapes: readonly ListedTape[], rules: PruneRules, now: number): PrunePlan {
  const versions: SizedVersion[] = [];
  const names: string[] = [];
  const damaged: string[] = [];
  for (const tape of tapes) {
    const keep = rules.keepVersions ?? (liveTapeIdPattern.test(tape.id) ? 0 : 1);
    const beyond = tape.versions.filter(({ current }, place) => place >= keep && !(current && keep > 0));
    const going = beyond.filter(
      ({ created_at }) => created_at !== null && now - Date.parse(created_at) >= (rules.olderThan ?? 0),
    );
    damaged.push(
      ...beyond.filter(({ created_at }) => created_at === null).map(({ version }) => tapeName(tape.id, version)),
    );
    versions.push(...going.map(({ version, bytes }) => ({ name: tapeName(tape.id, version), bytes })));
    if (going.length > 0 && going.length === tape.versions.length) names.push(tape.id);
    else names.push(...going.map(({ version }) => tapeName(tape.id, version)));
  }
  return { versions, names, damaged };
}
