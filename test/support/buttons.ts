import { setTimeout as sleep } from "node:timers/promises";
import { type Choice, type Seat, takeSeats, type Venue } from "./crowd.js";
import { now } from "./viewer.js";

export interface Press {
  readonly at: number;
  readonly ms: number;
  /** Why the press failed: the answer instead of 200. */
  readonly failure?: string;
}

/** Time between two presses, in ms. */
const restMs = 50;

/** Several users, in all modes, who press one button after the other, through the balancer. */
export class Buttons {
  readonly seats: readonly Seat[];
  readonly presses: Press[] = [];
  readonly #venue: Venue;
  readonly #pressing: Promise<unknown>;
  #over = false;

  static async reach(venue: Venue, choices: readonly Choice[]): Promise<Buttons> {
    return new Buttons(venue, await takeSeats(venue, choices));
  }

  private constructor(venue: Venue, seats: readonly Seat[]) {
    this.#venue = venue;
    this.seats = seats;
    this.#pressing = Promise.all(seats.map((seat) => this.#press(seat)));
  }

  get failures(): string[] {
    return this.presses.flatMap(({ failure }) => failure ?? []);
  }

  /** Stops pressing. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#pressing;
  }

  async #press({ id }: Seat): Promise<void> {
    const round: readonly [method: string, path: string, body?: unknown][] = [
      ["POST", `/replay/pause/${id}`],
      ["POST", `/replay/step/${id}`, { frames: 1 }],
      ["POST", `/replay/resume/${id}`],
      ["GET", `/sessions/${id}`],
      ["POST", `/replay/speed/2/${id}`],
      ["POST", `/replay/goback/1/${id}`],
      ["POST", `/replay/speed/1/${id}`],
      ["GET", `/features?session_id=${id}`],
      ["POST", "/sessions/create", { session_id: `${id}-too` }],
      ["DELETE", `/sessions/${id}-too`],
    ];
    while (!this.#over) {
      for (const [method, path, body] of round) {
        const at = now();
        const failure = await this.#failure(method, path, body);
        this.presses.push({ at, ms: now() - at, ...(failure !== undefined && { failure }) });
        await sleep(restMs);
      }
    }
  }

  async #failure(method: string, path: string, body: unknown): Promise<string | undefined> {
    try {
      const { status, body: answer } = await this.#venue.balanced.call(method, path, body);
      return status === 200 ? undefined : `${method} ${path}: ${status} ${JSON.stringify(answer).slice(0, 300)}`;
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? ` (${error.cause})` : "";
      return `${method} ${path}: ${error}${cause}`;
    }
  }
}
