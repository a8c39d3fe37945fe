import type { Metrics } from "@tapedeck/runtime";
import { Counter } from "prom-client";

/** Counts answered requests. */
export function createRequestCounter({ registry }: Metrics): Counter<"status"> {
  return new Counter({
    name: "tapedeck_venue_requests_total",
    help: "Requests to venues, by the status of the answer",
    labelNames: ["status"],
    registers: [registry],
  });
}

export interface VenueReadings {
  readonly sockets: () => number;
  readonly sessions: () => number;
}

export function observeVenue(metrics: Metrics, { sockets, sessions }: VenueReadings): void {
  metrics.observeGauge({ name: "tapedeck_venue_sockets", help: "Open sockets of bots", read: sockets });
  metrics.observeGauge({ name: "tapedeck_venue_sessions", help: "Sessions that this venue plays", read: sessions });
}
