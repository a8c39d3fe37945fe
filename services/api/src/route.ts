import { describeIssues, type RefusalCode, withoutNulls } from "@tapedeck/protocol";
import { z } from "zod";
import type { Api } from "./api.js";
import type { Caller } from "./caller.js";
import { refusedFor } from "./refusals.js";

/** A body that is sent as it stands: recorded frames, pages, metrics. */
export class Verbatim {
  readonly type: string;
  readonly bytes: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** The same compressed, for clients that can read it. */
  readonly gzipped: Buffer | undefined;

  constructor(
    type: string,
    bytes: string | Buffer,
    headers: Readonly<Record<string, string>> = {},
    gzipped: Buffer | undefined = undefined,
  ) {
    this.type = type;
    this.bytes = bytes;
    this.headers = headers;
    this.gzipped = gzipped;
  }
}

/** Status 200 or 201 unless the route's answer says otherwise. */
export class WithStatus {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

/** What a request brought, unread. */
export interface RawCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly readBody: () => Promise<unknown>;
  /** A form changes nothing, also where a route takes no body and would not look at it. */
  readonly callsItselfForm: boolean;
  readonly caller: Caller;
  /** The Accept header. */
  readonly accept: string;
  /** Lets later requests of this page, which name no session, mean this one. */
  readonly rememberSession: (id: string) => Promise<void>;
}

/** What a request brought, read by the route's schemas. */
export interface Call<Params, Query, Body> extends Pick<RawCall, "caller" | "accept" | "rememberSession"> {
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
  readonly nullIsAbsent?: boolean;
  /** Schema of the JSON that is answered; pages have none, and are not in the OpenAPI document. */
  readonly answer?: Answer;
  readonly status?: 200 | 201;
  /** Where authentication is on: who may ask at all. By default whoever has a token; what they may is for the route to see. */
  readonly access?: "public" | "user" | "admin";
  /** Refusals beyond those that any route can meet. */
  readonly refusals?: readonly RefusalCode[];
}

/** What a route has that takes nothing but its path: `route({ ...bare, method: "GET", ... })`. */
export const bare = { params: z.object({}), query: z.object({}), body: z.undefined() } as const;

/** One line of the route table, with its types forgotten: what Koa routes by and what `/openapi.json` says. */
export interface Route extends Readonly<RouteSpec<z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>> {
  readonly status: 200 | 201;
  readonly access: "public" | "user" | "admin";
  readonly refusals: readonly RefusalCode[];
  readonly run: (call: RawCall, api: Api) => Promise<unknown>;
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
    call: Call<z.output<Params>, z.output<Query>, z.output<Body>>,
    api: Api,
  ) => Promise<z.input<Answer> | Verbatim | WithStatus>;
}): Route {
  return {
    status: 200,
    access: "user",
    refusals: [],
    ...spec,
    async run(call, api) {
      const params = readBy(spec.params, call.params);
      const query = readBy(spec.query, call.query);
      const changes = spec.method !== "GET";
      const read = takesBody(spec) || (changes && call.callsItselfForm) ? await call.readBody() : undefined;
      const given = takesBody(spec) ? (read ?? {}) : undefined;
      const body = readBy(spec.body, spec.nullIsAbsent ? withoutNulls(given) : given);
      return handle({ ...call, params, query, body }, api);
    },
  };
}

export function takesBody({ body }: { readonly body: z.ZodType }): boolean {
  return !(body instanceof z.ZodUndefined);
}

function readBy<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw refusedFor(describeIssues(result.error));
}
