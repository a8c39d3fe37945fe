import type { Logger } from "@tapedeck/runtime";
import type { SessionService, SessionStore } from "@tapedeck/sessions";
import type { TapeCatalog } from "@tapedeck/tape";
import type { Counters } from "../metrics.js";
import type { PacingContext } from "../pacing/paced-playback.js";
import type { Delivery } from "./delivery.js";
import type { DeliveryDelay } from "./delivery-timing.js";
import type { LiveEdgeContext } from "./live-edge.js";
import type { SessionMessages } from "./session-messages.js";

/** What a subscription needs of its process. */
export interface SubscriptionContext {
  readonly sessions: Pick<SessionService, "perform">;
  readonly store: Pick<SessionStore, "read">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly messages: SessionMessages;
  readonly edge: LiveEdgeContext;
  readonly counters: Counters;
  readonly delay: DeliveryDelay;
  readonly log: Logger;
  readonly pacing: PacingContext;
  /** The session was deleted or has expired: its sockets have to be closed. */
  readonly onEnded: (subscription: Pick<Delivery, "subscribers">, cause: "deleted" | "expired") => void;
}
