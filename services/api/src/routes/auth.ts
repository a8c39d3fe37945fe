import { randomUUID } from "node:crypto";
import { errorBodyOf, loginBody, refuse, registerBody, tokenAnswer } from "@tapedeck/protocol";
import type { Api } from "../api.js";
import { JsonResponse, noInput, type Route, route } from "../http/route.js";

const tag = "Login of the existing dashboards";

/** With authentication off, any login is accepted: nothing is stored, and the token means nothing. */
export const authRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "POST",
    path: "/auth/register",
    access: "public",
    tag,
    summary: "Accept any login with authentication off; nothing is stored",
    body: registerBody,
    answer: tokenAnswer,
    status: 201,
    handle: async ({ body: { email, name } }, api) => refusedWithAuthentication(api) ?? tokenFor(email, name),
  }),
  route({
    ...noInput,
    method: "POST",
    path: "/auth/login",
    access: "public",
    tag,
    summary: "Accept any login with authentication off; nothing is stored",
    body: loginBody,
    answer: tokenAnswer,
    handle: async ({ body: { email } }, api) => refusedWithAuthentication(api) ?? tokenFor(email),
  }),
];

function tokenFor(email: string, name = email.replace(/@.*$/, "")) {
  return {
    access_token: randomUUID(),
    token_type: "bearer" as const,
    user: { id: 1, name, email, created_at: new Date().toISOString() },
  };
}

/** With authentication on, users do not sign in here. The existing dashboards show `detail`. */
function refusedWithAuthentication({ access }: Api): JsonResponse | undefined {
  if (!access.users.required) return undefined;
  const detail = "Sign in where your tokens are issued; this service only verifies them.";
  return new JsonResponse(403, { ...errorBodyOf(refuse("FORBIDDEN", detail)), detail });
}
