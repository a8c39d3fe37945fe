import type { Role } from "@tapedeck/access";
import { SignJWT } from "jose";

/** Settings with which a test cluster verifies tokens: `env: { all: signIn }`. */
export const secret = "a secret of at least thirty-two bytes";
export const signIn = { AUTH_JWT_SECRET: secret, SHARE_SECRET: `another ${secret}` } as const;

/** A token as a login would issue it. */
export function tokenOf(user: string, role: Role = "controller", seconds = 3600): Promise<string> {
  return new SignJWT({ role })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user)
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(secret));
}

export async function headersOf(user: string, role: Role = "controller"): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await tokenOf(user, role)}` };
}
