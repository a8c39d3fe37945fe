import type { IncomingHttpHeaders } from "node:http";
import type { Parameters } from "./parameters.js";
import type { Target } from "./target.js";

/** A request to a session's venue. */
export interface VenueRequest extends Target {
  readonly method: string;
  /** Of the query, then of a body that is a form. */
  readonly parameters: Parameters;
  /** As they were sent, for signatures. */
  readonly rawQuery: string;
  readonly rawBody: string;
  readonly headers: IncomingHttpHeaders;
  /** The client's. */
  readonly address: string;
}
