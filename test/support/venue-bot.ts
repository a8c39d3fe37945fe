import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createVenueKeyAnswer } from "@tapedeck/protocol";
import { SigningClient } from "../../services/venue/src/testing/signing-client.js";
import type { TestCluster } from "./cluster.js";

/** Where a cluster's nodes of a kind are. */
type Nodes<Kind extends "apis" | "venues"> = { readonly [_ in Kind]: readonly { readonly url: string }[] };

/** The address of a session's venue, on one of the cluster's nodes. */
export function venueAddress(cluster: Nodes<"venues">, session: string, market: "spot" | "usdm", node = 0): string {
  const exchange = market === "spot" ? "binance" : "binance-usdm";
  return `${cluster.venues[node]?.url}/venue/${exchange}/${session}`;
}

/** A key to a session's venue, made as its owner makes one. */
export async function venueKey(cluster: Nodes<"apis">, session: string): Promise<{ apiKey: string; secret: string }> {
  const answer = await fetch(`${cluster.apis[0]?.url}/sessions/${session}/venue-keys`, { method: "POST", body: "{}" });
  const { api_key: apiKey, secret = "" } = createVenueKeyAnswer.parse(await answer.json());
  return { apiKey, secret };
}

/** The same of an Ed25519 key, whose private part the bot keeps. */
export async function ed25519VenueKey(
  cluster: Nodes<"apis">,
  session: string,
): Promise<{ apiKey: string; secret: KeyObject }> {
  const { publicKey, privateKey: secret } = generateKeyPairSync("ed25519");
  const body = JSON.stringify({ public_key: publicKey.export({ type: "spki", format: "pem" }) });
  const answer = await fetch(`${cluster.apis[0]?.url}/sessions/${session}/venue-keys`, { method: "POST", body });
  return { apiKey: createVenueKeyAnswer.parse(await answer.json()).api_key, secret };
}

/** A bot of a session, with a key that was made for it. */
export async function venueBot(
  cluster: TestCluster,
  session: string,
  market: "spot" | "usdm",
  node = 0,
): Promise<SigningClient> {
  return new SigningClient(venueAddress(cluster, session, market, node), await venueKey(cluster, session));
}
