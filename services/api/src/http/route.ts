import { describeIssues, type RefusalCode, withoutNulls } from "@tapedeck/protocol";
import { z } from "zod";
import type { Api } from "../api.js";
import type { RouteAudit } from "../auth/act.js";
import type { Caller } from "../auth/caller.js";
import { refusedFor } from "./error-responses.js";

/** A body that is sent as it stands: recorded frames, pages, metrics. */
export class RawResponse {
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** The same compressed, for clients that can read it. */
  readonly gzippedBody: Buffer | undefined;

  constructor(
    type: string,
    bytes: string | Buffer,
    headers: Readonly<Record<string, string>> = {},
    gzipped: Buffer | undefined = undefined,
  ) {
    this.type = type;
    this.body = bytes;
    this.headers = headers;
    this.gzippedBody = gzipped;
  }
}

/** Status 200 or 201 unless the route's answer says otherwise. */
export class JsonResponse {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

/** What a request brought, unread. */
export interface RawRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly readBody: () => Promise<unknown>;
  /** A form changes nothing, also where a route takes no body and would not look at it. */
  readonly isForm: boolean;
  readonly caller: Caller;
  /** The Accept header. */
  readonly accept: string;
  /** Lets later requests of this page, which name no session, mean this one. */
  readonly rememberSession: (id: string) => Promise<void>;
}

/** What a request brought, read by the route's schemas. */
export interface RouteRequest<Params, Query, Body> extends Pick<RawRequest, "caller" | "accept" | "rememberSession"> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

interface RouteSpec<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType, Answer> {
  readonly method: "GET" | "POST" | "DELETE";
  /** In OpenAPI's spelling: `/sessions/{id}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** `symbol: null` in the body is as good as no `symbol`. */
  readonly nullMeansAbsent?: boolean;
  /** Schema of the JSON that is answered; pages have none, and are not in the OpenAPI document. */
  readonly answer?: Answer;
  readonly status?: 200 | 201;
  /** Where authentication is on: who may ask at all. By default whoever has a token; what they may is for the route to see. */
  readonly access?: "public" | "user" | "admin";
  /** What the audit trail has of it; an admin's views are in it without this. */
  readonly audit?: RouteAudit;
  /** Refusals beyond those that any route can meet. */
  readonly refusals?: readonly RefusalCode[];
}

/** What a route has that takes nothing but its path: `route({ ...bare, method: "GET", ... })`. */
export const noInput = { params: z.object({}), query: z.object({}), body: z.undefined() } as const;

/** One line of the route table, with its types forgotten: what Koa routes by and what `/openapi.json` says. */
export interface Route extends Omit<RouteSpec<z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>, "audit"> {
  readonly audit: RouteAudit | undefined;
  readonly status: 200 | 201;
  readonly access: "public" | "user" | "admin";
  readonly refusals: readonly RefusalCode[];
  readonly run: (call: RawRequest, api: Api) => Promise<unknown>;
}

/**
 * Declares a route. The request is read by its schemas before `handle` runs, so a handler sees only values that are of the
 * declared shape, and what is declared is what the OpenAPI document says.
 */
export function route<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
>({
  handle,
  ...spec
}: RouteSpec<Params, Query, Body, Answer> & {
  readonly handle: (
    call: RouteRequest<z.output<Params>, z.output<Query>, z.output<Body>>,
    api: Api,
  ) => Promise<z.input<Answer> | RawResponse | JsonResponse>;
}): Route {
  return {
    status: 200,
    access: "user",
    refusals: [],
    audit: spec.access === "admin" ? { event: "admin_view", action: `${spec.method} ${spec.path}` } : undefined,
    ...spec,
    async run(call, api) {
      const params = parseWith(spec.params, call.params);
      const query = parseWith(spec.query, call.query);
      const changes = spec.method !== "GET";
      const read = takesBody(spec) || (changes && call.isForm) ? await call.readBody() : undefined;
      const given = takesBody(spec) ? (read ?? {}) : undefined;
      const body = parseWith(spec.body, spec.nullMeansAbsent ? withoutNulls(given) : given);
      return handle({ ...call, params, query, body }, api);
    },
  };
}

export function takesBody({ body }: { readonly body: z.ZodType }): boolean {
  return !(body instanceof z.ZodUndefined);
}

function parseWith<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw refusedFor(describeIssues(result.error));
}
