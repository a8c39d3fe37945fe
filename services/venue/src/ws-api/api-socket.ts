import type { VenueKey } from "@tapedeck/access";
import type { SessionRecord } from "@tapedeck/sessions";
import type { WebSocket } from "ws";
import { authenticate, knownKey } from "../access/authenticate.js";
import { signedParameters } from "../access/signature.js";
import { performed } from "../access/signed-route.js";
import { OwnAccount } from "../account/own-account.js";
import type { Venue } from "../context.js";
import { auditRefusal } from "../http/audit-refusal.js";
import { BinanceError, binanceErrorOf } from "../http/binance-error.js";
import { Parameters } from "../http/parameters.js";
import { usedRateLimits } from "../http/rate-limits.js";
import type { VenueRequest } from "../http/request.js";
import { routes } from "../routes/index.js";
import { keyedRequests, signedRequests } from "../routes/keyed.js";
import { send } from "../sockets/send.js";
import type { SocketRequest } from "../sockets/socket-route.js";
import { accountFeed } from "../user-streams/account-feed.js";
import { methods } from "./methods.js";
import { type ApiRequest, apiRequest } from "./request-message.js";

interface Logon {
  readonly key: VenueKey;
  readonly since: number;
}

const signed = new Map(signedRequests.map((route) => [`${route.method} ${route.path}`, route]));
const keyed = new Map(keyedRequests.map((route) => [`${route.method} ${route.path}`, route]));
const open = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));

/** Methods that the REST API does not have. */
const ofConnection = new Set([
  ...["session.logon", "session.status", "session.logout", "session.subscriptions"],
  ...["userDataStream.subscribe", "userDataStream.subscribe.signature", "userDataStream.unsubscribe"],
]);

/** One connection to the WebSocket API: requests in any order, a login, and subscriptions to the account's events. */
export class ApiSocket {
  readonly #socket: WebSocket;
  readonly #request: SocketRequest;
  readonly #venue: Venue;
  readonly #connectedSince: number;
  /** Whether answers say what the rate limits are, where the request does not say. */
  readonly #hasLimits: boolean;
  #logon: Logon | undefined;
  /** What ends each subscription, by its id. */
  readonly #subscriptions = new Map<number, () => void>();
  #nextSubscription = 0;
  /** The subscription of the login, which ends with it. */
  #ofLogon: number | undefined;

  constructor(socket: WebSocket, request: SocketRequest, venue: Venue) {
    this.#socket = socket;
    this.#request = request;
    this.#venue = venue;
    this.#connectedSince = Math.floor(venue.now());
    this.#hasLimits = isOn(request.query.get("returnRateLimits") ?? undefined, true);
    socket.on("message", (data, isBinary) => {
      if (!isBinary) void this.#receive(data.toString());
    });
    socket.on("close", () => this.#unsubscribeAll());
  }

  async #receive(text: string): Promise<void> {
    let id: ApiRequest["id"] = null;
    let action = "unknown";
    let hasLimits = this.#hasLimits;
    const answer = (result: object) =>
      this.#send({ id, ...result, ...(hasLimits && { rateLimits: usedRateLimits(this.#venue, this.#request) }) });
    try {
      const request = apiRequest(text);
      id = request.id;
      action = this.#nameOf(request);
      hasLimits = isOn(request.params.returnRateLimits, hasLimits);
      answer({ status: 200, result: await this.#answer(request) });
    } catch (thrown) {
      const error = binanceErrorOf(thrown);
      const { address, session } = this.#request;
      auditRefusal(this.#venue.access, { action, address, session, requestId: id ?? undefined }, error);
      if (error.status === 500)
        this.#venue.log.error({ err: thrown }, "WebSocket request failed with an unexpected error");
      answer({ status: error.status, error: error.body });
    }
  }

  /** A method as the audit trail names it: never a client's own text. */
  #nameOf({ method }: ApiRequest): string {
    return ofConnection.has(method) || methods[this.#request.market][method] !== undefined ? method : "unknown";
  }

  async #answer({ method, params }: ApiRequest): Promise<unknown> {
    switch (method) {
      case "session.logon":
        return this.#logOn(params);
      case "session.status":
        return this.#status();
      case "session.logout":
        return this.#logOut();
      case "session.subscriptions":
        return [...this.#subscriptions.keys()].map((subscriptionId) => ({ subscriptionId }));
      case "userDataStream.subscribe":
        return this.#subscribeAsLoggedOn();
      case "userDataStream.subscribe.signature":
        await this.#authenticate(params);
        return { subscriptionId: await this.#subscribe() };
      case "userDataStream.unsubscribe":
        return this.#unsubscribe(params);
      default:
        return this.#rest(method, params);
    }
  }

  /** A request that the REST API has, too. */
  async #rest(method: string, params: ApiRequest["params"]): Promise<unknown> {
    const [verb, path] = methods[this.#request.market][method] ?? [];
    if (verb === undefined || path === undefined)
      throw new BinanceError(
        "INVALID_PATH",
        `Tapedeck's venue does not have the method ${method}; docs/venue.md lists what it has.`,
        { status: 404 },
      );
    const name = `${verb} ${path}`;
    const request = this.#requestOf(verb, path, params);
    const route = signed.get(name) ?? keyed.get(name) ?? open.get(name);
    if (route === undefined) throw new BinanceError("INVALID_PATH", `${method} is not there yet.`, { status: 404 });
    this.#venue.weights.count(
      this.#request.address,
      typeof route.weight === "function" ? route.weight(request) : (route.weight ?? 1),
    );
    const signedRoute = signed.get(name);
    if (signedRoute !== undefined) {
      const session = await this.#authenticate(params);
      return performed(signedRoute, { ...request, ...session }, this.#venue);
    }
    const keyedRoute = keyed.get(name);
    if (keyedRoute !== undefined) return keyedRoute.handle({ ...request, ...(await this.#keyOf(params)) }, this.#venue);
    return open.get(name)?.handle(request, this.#venue);
  }

  #requestOf(method: string, path: string, params: ApiRequest["params"]): VenueRequest {
    const { query: _, ...target } = this.#request;
    const values = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) values.set(name, `${value}`);
    return { ...target, method, path, parameters: new Parameters(values), rawQuery: "", rawBody: "" };
  }

  async #session(): Promise<{ readonly record: SessionRecord }> {
    const found = await this.#venue.store.read(this.#request.session);
    if (found !== undefined) return { record: found.record };
    throw new BinanceError("REJECTED_MBX_KEY", "Invalid API-key, IP, or permissions for action.", { status: 401 });
  }

  /** By the request's own signature, or by the login. */
  async #authenticate(params: ApiRequest["params"]) {
    const session = await this.#session();
    const { venueKeys } = this.#venue.access;
    if (params.apiKey === undefined && params.signature === undefined && this.#logon !== undefined)
      // The key may have been removed meanwhile.
      return { ...session, key: await knownKey(venueKeys, session.record, this.#logon.key.apiKey) };
    const key = await authenticate(venueKeys, session.record, credentialsOf(params), this.#venue.now());
    return { ...session, key };
  }

  async #keyOf(params: ApiRequest["params"]) {
    const session = await this.#session();
    const apiKey = params.apiKey === undefined ? this.#logon?.key.apiKey : `${params.apiKey}`;
    return { ...session, key: await knownKey(this.#venue.access.venueKeys, session.record, apiKey) };
  }

  async #logOn(params: ApiRequest["params"]) {
    const { record } = await this.#session();
    const key = await authenticate(this.#venue.access.venueKeys, record, credentialsOf(params), this.#venue.now());
    if (key.credential.kind !== "ED25519") throw new BinanceError(-4056, "HMAC_SHA256 API key is not supported.");
    this.#logon = { key, since: Math.floor(this.#venue.now()) };
    return this.#status();
  }

  #logOut() {
    this.#logon = undefined;
    if (this.#ofLogon !== undefined) this.#end(this.#ofLogon);
    return this.#status();
  }

  #status() {
    return {
      apiKey: this.#logon?.key.apiKey ?? null,
      authorizedSince: this.#logon?.since ?? null,
      connectedSince: this.#connectedSince,
      returnRateLimits: this.#hasLimits,
      serverTime: Math.floor(this.#venue.now()),
      userDataStream: this.#subscriptions.size > 0,
    };
  }

  async #subscribeAsLoggedOn() {
    if (this.#logon === undefined)
      throw new BinanceError("UNAUTHORIZED", "The connection is not authenticated: send session.logon first.", {
        status: 401,
      });
    this.#ofLogon = await this.#subscribe();
    return { subscriptionId: this.#ofLogon };
  }

  /** All keys of a session are of one account: one subscription is all that a connection can have. */
  async #subscribe(): Promise<number> {
    if (this.#subscriptions.size > 0) throw new BinanceError(-2035, "User Data Stream subscription already active.");
    const subscriptionId = this.#nextSubscription++;
    this.#subscriptions.set(subscriptionId, () => {});
    try {
      const { session, market } = this.#request;
      const feed = await accountFeed(await OwnAccount.open(session, market, this.#venue), this.#venue);
      if (this.#subscriptions.has(subscriptionId) && this.#socket.readyState === this.#socket.OPEN)
        this.#subscriptions.set(
          subscriptionId,
          feed.join((event) => this.#send({ subscriptionId, event })),
        );
      return subscriptionId;
    } catch (error) {
      this.#subscriptions.delete(subscriptionId);
      throw error;
    }
  }

  #unsubscribe({ subscriptionId }: ApiRequest["params"]) {
    if (subscriptionId === undefined) this.#unsubscribeAll();
    else if (!this.#end(Number(subscriptionId)))
      throw new BinanceError(-2036, "User Data Stream subscription not active.");
    return {};
  }

  #end(subscriptionId: number): boolean {
    const end = this.#subscriptions.get(subscriptionId);
    if (end === undefined) return false;
    end();
    this.#subscriptions.delete(subscriptionId);
    if (subscriptionId === this.#ofLogon) this.#ofLogon = undefined;
    this.#send({ subscriptionId, event: { e: "eventStreamTerminated", E: Math.floor(this.#venue.now()) } });
    return true;
  }

  #unsubscribeAll(): void {
    for (const subscriptionId of [...this.#subscriptions.keys()]) this.#end(subscriptionId);
  }

  #send(message: object): void {
    send(this.#socket, JSON.stringify(message), this.#venue.config.SLOW_BYTES);
  }
}

function credentialsOf(params: ApiRequest["params"]) {
  const text = (name: string) => (params[name] === undefined || params[name] === "" ? undefined : `${params[name]}`);
  return {
    ...signedParameters(params),
    apiKey: text("apiKey"),
    timestamp: text("timestamp"),
    recvWindow: text("recvWindow"),
  };
}

/** A switch of the WebSocket API; Binance takes texts, too. */
function isOn(given: string | number | boolean | undefined, usual: boolean): boolean {
  return given === undefined ? usual : `${given}` === "true";
}
