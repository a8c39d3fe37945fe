import { randomUUID } from "node:crypto";
import { errorBodyOf, loginBody, refuse, registerBody, tokenAnswer } from "@tapedeck/protocol";
import type { Api } from "../api.js";
import { JsonResponse, noInput, type Route, route } from "../http/route.js";

const tag = "Login of the existing dashboards";

/** With authentication off anyone is who they say: nothing is stored, and the token is for show. */
export const authRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "POST",
    path: "/auth/register",
    access: "public",
    tag,
    summary: "Accepts anyone, stores nothing",
    body: registerBody,
    answer: tokenAnswer,
    status: 201,
    handle: async ({ body: { email, name } }, api) => elsewhere(api) ?? tokenFor(email, name),
  }),
  route({
    ...noInput,
    method: "POST",
    path: "/auth/login",
    access: "public",
    tag,
    summary: "Accepts anyone, stores nothing",
    body: loginBody,
    answer: tokenAnswer,
    handle: async ({ body: { email } }, api) => elsewhere(api) ?? tokenFor(email),
  }),
];

function tokenFor(email: string, name = email.replace(/@.*$/, "")) {
  return {
    access_token: randomUUID(),
    token_type: "bearer" as const,
    user: { id: 1, name, email, created_at: new Date().toISOString() },
  };
}

/** Where authentication is on nobody logs in here. `detail` is what the existing dashboards show. */
function elsewhere({ access }: Api): JsonResponse | undefined {
  if (!access.users.required) return undefined;
  const detail = "Sign in where your tokens come from; this service only checks them.";
  return new JsonResponse(403, { ...errorBodyOf(refuse("FORBIDDEN", detail)), detail });
}
