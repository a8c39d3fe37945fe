import { randomUUID } from "node:crypto";
import { loginBody, registerBody, tokenAnswer } from "@tapedeck/protocol";
import { bare, type Route, route } from "../route.js";

const tag = "Login of the existing dashboards";

/** With authentication off anyone is who they say: nothing is stored, and the token is for show. */
export const authRoutes: readonly Route[] = [
  route({
    ...bare,
    method: "POST",
    path: "/auth/register",
    tag,
    summary: "Accepts anyone, stores nothing",
    body: registerBody,
    answer: tokenAnswer,
    status: 201,
    handle: async ({ body: { email, name } }) => tokenFor(email, name),
  }),
  route({
    ...bare,
    method: "POST",
    path: "/auth/login",
    tag,
    summary: "Accepts anyone, stores nothing",
    body: loginBody,
    answer: tokenAnswer,
    handle: async ({ body: { email } }) => tokenFor(email),
  }),
];

function tokenFor(email: string, name = email.replace(/@.*$/, "")) {
  return {
    access_token: randomUUID(),
    token_type: "bearer" as const,
    user: { id: 1, name, email, created_at: new Date().toISOString() },
  };
}
