import { errorBody, type RefusalCode, refusals } from "@tapedeck/protocol";
import { version } from "@tapedeck/runtime";
import { createDocument, type oas31, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { type Route, takesBody } from "./route.js";

/** The OpenAPI document of the route table. The router uses the same table, so the two cannot differ. */
export function openApiOf(routes: readonly Route[]): oas31.OpenAPIObject {
  const paths: Record<string, ZodOpenApiPathsObject[string]> = {};
  for (const route of routes) {
    if (route.answer === undefined) continue;
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route, route.answer) };
  }
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "Tapedeck",
      version,
      description:
        "Play, pause, rewind and follow market data live, with a session for every user. Any node answers for any session. " +
        "A refusal is JSON with a stable code and changes nothing. " +
        "A body is read as JSON whatever its Content-Type, except multipart; a form that is not JSON is refused.",
    },
    paths,
  });
}

function operationOf(route: Route, answer: NonNullable<Route["answer"]>): ZodOpenApiOperationObject {
  const { tag, summary, params, query, body, status, mediaType = "application/json", isFile = false } = route;
  const content = { [mediaType]: { schema: answer } };
  return {
    tags: [tag],
    summary,
    operationId: operationId(route),
    requestParams: { path: params, query },
    ...(takesBody(route) && { requestBody: { content: { "application/json": { schema: body } } } }),
    responses: {
      [status]: { description: "Done", content },
      ...(isFile && {
        206: {
          description: "The bytes of the `Range` header; several ranges at once are answered with the whole file",
          content,
        },
        304: { description: "`If-None-Match` has the tag of the file" },
      }),
      ...refusalResponses(codesOf(route)),
    },
  };
}

/** `POST /replay/{id}/pause` is `post_replay_id_pause`. */
function operationId({ method, path }: Route): string {
  return [method.toLowerCase(), ...(path.match(/\w+/g) ?? [])].join("_");
}

function codesOf(route: Route): RefusalCode[] {
  const codes = new Set<RefusalCode>(["UNAVAILABLE", ...route.refusals]);
  if (takesBody(route)) for (const code of ["BODY_TOO_LARGE", "UNSUPPORTED_BODY"] as const) codes.add(code);
  const readsInput = takesBody(route) || Object.keys({ ...route.params.shape, ...route.query.shape }).length > 0;
  if (route.isFile) for (const code of ["PRECONDITION_FAILED", "RANGE_NOT_SATISFIABLE"] as const) codes.add(code);
  if (readsInput) for (const code of ["MALFORMED", "INVALID_VALUE"] as const) codes.add(code);
  return [...codes];
}

/** One response per HTTP status, listing its codes. */
function refusalResponses(codes: readonly RefusalCode[]) {
  const statuses = [...new Set(codes.map((code) => refusals[code]))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => [
      `${status}` as const,
      {
        description: codes.filter((code) => refusals[code] === status).join(", "),
        content: { "application/json": { schema: errorBody } },
      },
    ]),
  );
}
