import type { BotSession } from "./bot-session.js";

/** What a run of bots came to. */
export class BotsReport {
  readonly violations: string[] = [];
  sessions = 0;
  clients = 0;
  /** Connections after the first one of each client. */
  reconnections = 0;
  readonly orders = { acknowledged: 0, refused: 0, unknown: 0 };
  /** As clients were told of them. */
  fills = 0;
  readonly #away = new Map<string, number[]>();

  add({ bots, history }: BotSession, violations: readonly string[]): void {
    this.violations.push(...violations);
    this.sessions++;
    this.clients += bots.length;
    for (const { connections } of bots) this.reconnections += connections - 1;
    for (const outcome of history.sent.values()) this.orders[outcome]++;
    for (const { fills } of history.listenings) this.fills += fills.length;
  }

  /** @param backMs until all clients were back, the fault's own time with it */
  struck(names: readonly string[], backMs: number): void {
    for (const name of names) this.#away.set(name, [...(this.#away.get(name) ?? []), backMs]);
  }

  get faults(): number {
    return [...this.#away.values()].reduce((sum, { length }) => sum + length, 0);
  }

  table(): string {
    const { acknowledged, refused, unknown } = this.orders;
    const rows = [...this.#away].sort().map(([name, times]) => {
      const sorted = times.map(Math.round).sort((a, b) => a - b);
      return `| ${name} | ${times.length} | ${sorted[Math.floor(sorted.length / 2)]} | ${sorted.at(-1)} |`;
    });
    return [
      "| fault | times | until all clients are back, ms, median | longest |",
      "| --- | --- | --- | --- |",
      ...rows,
      "",
      `${this.faults} faults; ${this.sessions} sessions with ${this.clients} clients, ${this.reconnections} reconnections; ` +
        `${acknowledged} orders acknowledged, ${refused} refused, ${unknown} never known to have been placed; ${this.fills} fills told.`,
    ].join("\n");
  }
}
