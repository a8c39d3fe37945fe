import { describeIssues, type RefusalCode, withoutNulls } from "@tapedeck/protocol";
import { z } from "zod";
import type { Api } from "../api.js";
import type { Caller, RouteAudit } from "../auth/caller.js";
import { refusedFor } from "./error-responses.js";
import type { FileResponse } from "./file-response.js";
import type { StreamResponse } from "./streamed-body.js";
import type { SocketResponse } from "./web-socket.js";

/** An answer sent as it is: recorded frames, pages, metrics. */
export class RawResponse {
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** The compressed body, for clients that accept gzip. */
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

/** A JSON answer with another status than the route's. */
export class JsonResponse {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

/** A request before its parts are parsed. */
export interface RawRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly readBody: () => Promise<unknown>;
  /** A form must change nothing, even on a route that takes no body and would ignore it. */
  readonly isForm: boolean;
  readonly caller: Caller;
  /** The Accept header. */
  readonly accept: string;
  /** Remembers this session for later requests of the same page that name none. */
  readonly rememberSession: (id: string) => Promise<void>;
}

/** A request, parsed by the route's schemas. */
interface RouteRequest<Params, Query, Body> extends Pick<RawRequest, "caller" | "accept" | "rememberSession"> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

interface RouteSpec<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType, Answer> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** In OpenAPI's spelling: `/sessions/{id}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** `symbol: null` in the body counts as no `symbol`. */
  readonly nullMeansAbsent?: boolean;
  /** Schema of the answer; routes without one, such as pages, are not in the OpenAPI document. */
  readonly answer?: Answer;
  /** The answer's type where it is not JSON. */
  readonly mediaType?: string;
  /** The answer is a file that can be read in parts. */
  readonly isFile?: boolean;
  readonly status?: 200 | 201;
  /** Who may call the route with authentication on. By default everyone with a token; the route checks permissions itself. */
  readonly access?: "public" | "user" | "admin";
  /** The audit entry of a successful request; admin routes have one by default. */
  readonly audit?: RouteAudit;
  /** Refusals besides those that every route may answer. */
  readonly refusals?: readonly RefusalCode[];
}

/** For routes without parameters, query and body: `route({ ...noInput, method: "GET", ... })`. */
export const noInput = { params: z.object({}), query: z.object({}), body: z.undefined() } as const;

/** An entry of the route table, used by the router and by `/openapi.json`. */
export interface Route extends Omit<RouteSpec<z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>, "audit"> {
  readonly audit: RouteAudit | undefined;
  readonly status: 200 | 201;
  readonly access: "public" | "user" | "admin";
  readonly refusals: readonly RefusalCode[];
  readonly run: (call: RawRequest, api: Api) => Promise<unknown>;
}

/**
 * Declares a route. The request is parsed by its schemas before `handle` runs, so handlers see only valid values, and the OpenAPI
 * document describes exactly what is accepted.
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
  ) => Promise<z.input<Answer> | RawResponse | JsonResponse | FileResponse | StreamResponse | SocketResponse>;
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
