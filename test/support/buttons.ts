import { setTimeout as sleep } from "node:timers/promises";
import type { TestCluster } from "../support/cluster.js";
import { now } from "../support/viewer.js";
import { type Seat, takeSeat } from "./audience.js";

export interface Press {
  readonly at: number;
  readonly ms: number;
}

/** From one press to the next, in ms. */
const restMs = 50;

/** A few users, one of each mode and more, who press one button after the other, through the balancer. */
export class Buttons {
  readonly seats: readonly Seat[];
  readonly presses: Press[] = [];
  /** What was not answered with 200. */
  readonly failures: string[] = [];
  readonly #cluster: TestCluster;
  readonly #pressing: Promise<unknown>;
  #over = false;

  static async reach(cluster: TestCluster, count: number): Promise<Buttons> {
    const seats: Seat[] = [];
    for (let index = 0; index < count; index++) seats.push(await takeSeat(cluster, index, new Map()));
    await Promise.all(seats.map(({ viewer }) => viewer.next(2, 40_000)));
    return new Buttons(cluster, seats);
  }

  private constructor(cluster: TestCluster, seats: readonly Seat[]) {
    this.#cluster = cluster;
    this.seats = seats;
    this.#pressing = Promise.all(seats.map((seat) => this.#press(seat)));
  }

  /** Lets go of the buttons. */
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
        try {
          const { status, body: answer } = await this.#cluster.balanced.call(method, path, body);
          this.presses.push({ at, ms: now() - at });
          if (status !== 200)
            this.failures.push(`${method} ${path}: ${status} ${JSON.stringify(answer).slice(0, 300)}`);
        } catch (error) {
          this.failures.push(`${method} ${path}: ${error}`);
        }
        await sleep(restMs);
      }
    }
  }
}
