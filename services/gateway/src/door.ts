import {
  type Access,
  anonymous,
  clientKey,
  createRefusal,
  idTakenRefusal,
  type Principal,
  tokenOf,
  viewRefusal,
} from "@tapedeck/access";
import {
  type CloseCode,
  closeCodes,
  globalSessionId,
  limits,
  RefusedError,
  sessionGoneReasons,
  subprotocol,
} from "@tapedeck/protocol";
import {
  clientAddress,
  isModelTest,
  type Logger,
  legacyFingerprint,
  type ProxyTrust,
  type RequestGuard,
} from "@tapedeck/runtime";
import type { CreateChoice, SessionService, StoredSession } from "@tapedeck/sessions";
import { stringifySetCookie } from "cookie";
import { refusal } from "./answers.js";
import { Connection } from "./connection.js";
import { Farewell } from "./farewell.js";
import { Introduction } from "./introduction.js";
import type { LegacyRegister } from "./legacy-register.js";
import type { Upgrade } from "./listener.js";
import type { MessageBudgets } from "./message-budget.js";
import type { OutletShare } from "./outlet.js";
import type { Presence } from "./presence.js";
import type { SessionTexts } from "./session-texts.js";
import { SocketTrail } from "./socket-trail.js";
import { readTarget, type Target } from "./target.js";
import type { Watch } from "./watch.js";
import type { Watches } from "./watches.js";
import { findMissed, type WelcomeContext, welcome } from "./welcome.js";

export interface DoorOptions {
  readonly access: Access;
  readonly sessions: Pick<SessionService, "open" | "join">;
  readonly watches: Watches;
  readonly presence: Presence;
  readonly legacyRegister: LegacyRegister;
  readonly texts: SessionTexts;
  readonly welcomeContext: WelcomeContext;
  readonly share: OutletShare;
  readonly trusted: ProxyTrust;
  readonly guard: RequestGuard;
  readonly socketsPerSession: number;
  readonly messages: MessageBudgets;
  readonly log: Logger;
}

interface Guest extends Target {
  readonly trail: SocketTrail;
  readonly principal: Principal;
  readonly legacy: boolean;
  readonly address: string;
  readonly fingerprint: string;
}

/** Lets sockets in: who may, to which session, and what they find there. */
export class Door {
  readonly connections = new Set<Connection>();
  readonly #options: DoorOptions;
  /** Open sockets, and upgrades under way, of each address and of each user that is known. */
  readonly #sockets = new Map<string, number>();
  #shut = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Sends newcomers elsewhere from now on. */
  shut(): void {
    this.#shut = true;
  }

  answer(upgrade: Upgrade): void {
    const target = readTarget(upgrade.path, upgrade.query);
    if (target === "elsewhere") {
      upgrade.refuse(refusal("ROUTE_NOT_FOUND", `There is no WebSocket at ${upgrade.path}.`));
      return;
    }
    const { access, guard } = this.#options;
    const { socketsPerAddress = Number.POSITIVE_INFINITY } = access.quotas;
    const unwanted = guard.refusal(upgrade);
    const address = clientAddress(upgrade.remoteAddress, upgrade.header("x-forwarded-for"), this.#options.trusted);
    const session = "malformed" in target ? undefined : target.sessionId;
    const trail = new SocketTrail({
      audit: access.audit,
      address,
      session,
      requestId: upgrade.header("x-request-id"),
    });
    if (this.#shut) turnAway(upgrade, trail, 1012);
    else if (unwanted !== undefined) turnAway(upgrade, trail, 1008, unwanted.message);
    else if ("malformed" in target) {
      turnAway(upgrade, trail, 4400, target.malformed);
    } else if (this.#opened({ address }) >= socketsPerAddress) {
      turnAway(upgrade, trail, 4429, `this address has its ${socketsPerAddress} sockets`);
    } else {
      const fingerprint = legacyFingerprint(address, upgrade.header("user-agent"), upgrade.header("origin"));
      void this.#identify(upgrade, { ...target, trail, legacy: !speaksV1(upgrade), address, fingerprint });
    }
  }

  /** Lets in whom a token lets in; who speaks our protocol may send it as the first message instead. */
  async #identify(upgrade: Upgrade, guest: Omit<Guest, "principal">, sent?: string): Promise<void> {
    const { access, guard, log } = this.#options;
    const authorization = upgrade.header("authorization");
    const protocols = upgrade.header("sec-websocket-protocol");
    const brought =
      sent === undefined ? tokenOf({ authorization, protocols, cookie: upgrade.header("cookie") }) : undefined;
    const token = sent ?? brought?.token;
    try {
      if (!access.users.required) {
        await this.#admit(upgrade, { ...guest, principal: anonymous });
      } else if (token === undefined) {
        this.#introduce(upgrade, guest);
      } else if (brought?.from === "cookie" && !guard.trustsCookie(upgrade)) {
        turnAway(upgrade, guest.trail, 1008); // browsers send cookies along with whatever a page of someone else opens
      } else {
        await this.#admit(upgrade, { ...guest, principal: await access.users.identify(token) });
      }
    } catch (error) {
      this.#turnAwayFor(error, upgrade, guest.trail, log);
    }
  }

  #introduce(upgrade: Upgrade, guest: Omit<Guest, "principal">): void {
    if (guest.legacy) {
      turnAway(upgrade, guest.trail, 4401);
      return;
    }
    this.#count(guest, 1);
    const introduction = new Introduction(upgrade, {
      token: (token, introduced) => void this.#identify(introduced, guest, token),
      turnedAway: (code, reason) => guest.trail.closed(code, reason),
      gone: () => this.#count(guest, -1),
    });
    upgrade.accept(introduction, { protocol: subprotocol });
  }

  async #admit(upgrade: Upgrade, guest: Guest): Promise<void> {
    const { watches, socketsPerSession, access, log } = this.#options;
    const { principal, trail } = guest;
    const { socketsPerUser = Number.POSITIVE_INFINITY } = access.quotas;
    trail.who = principal;
    if (principal.userId !== "" && this.#opened(guest) >= socketsPerUser) {
      turnAway(upgrade, trail, 4429, `this user has ${socketsPerUser} sockets here already`);
      return;
    }
    this.#count(guest, 1);
    let watch: Watch | undefined;
    let accepted = false;
    try {
      await access.rateLimiter.count("connections", guest.principal, guest.address);
      watch = await watches.join(guest.sessionId, () => this.#open(guest));
      const refusal = mayMake(guest) ? idTakenRefusal(principal, watch.record) : viewRefusal(principal, watch.record);
      if (refusal !== undefined) throw new RefusedError(refusal);
      if (guest.sessionId === globalSessionId && watch.record.state === "STOPPED") {
        await watch.perform({ type: "start" });
      }
      if (watch.record.parked) watch.unpark();
      const missed = await findMissed(watch, guest.legacy ? undefined : guest.token, this.#options.welcomeContext);
      if (guest.sessionId !== globalSessionId && watch.viewers.size >= socketsPerSession) {
        turnAway(upgrade, trail, 4429, `this session has its ${socketsPerSession} sockets`);
      } else if (watch.gone) {
        turnAway(upgrade, trail, 4404, sessionGoneReasons.deleted);
      } else if (this.#shut) {
        turnAway(upgrade, trail, 1012);
      } else if (!upgrade.gone) {
        accepted = true;
        this.#accept(upgrade, guest, watch, missed);
      }
    } catch (error) {
      this.#turnAwayFor(error, upgrade, trail, log);
    } finally {
      if (!accepted) {
        this.#count(guest, -1);
        if (watch) watches.leave(watch);
      }
    }
  }

  /** The session asked for. Who may make none only joins; the shared one is made for anybody. */
  async #open(guest: Guest): Promise<StoredSession> {
    const { sessions, access } = this.#options;
    const { sessionId, legacy, address, principal } = guest;
    if (!mayMake(guest)) return sessions.join(sessionId);
    if (sessionId !== globalSessionId && access.rateLimiter.isLimited("creations")) {
      const known = await sessions.join(sessionId).catch(orNotFound);
      if (known !== undefined) return known;
      await access.rateLimiter.count("creations", principal, address);
    }
    const { userId } = sessionId === globalSessionId ? anonymous : principal;
    const choice: CreateChoice = { start: true, createdBy: address, userId };
    return sessions.open(sessionId, legacy ? { ...choice, maxFps: limits.legacyMaxFps } : choice);
  }

  #accept(upgrade: Upgrade, guest: Guest, watch: Watch, missed: Parameters<typeof welcome>[2]): void {
    const { access, share, texts, log, presence, watches, legacyRegister, welcomeContext, messages } = this.#options;
    const { legacy, fingerprint, sessionId, address, principal, trail } = guest;
    const registers = legacy && !isModelTest(sessionId);
    const quietly = (error: unknown) => log.debug({ err: error, session: sessionId }, "legacy socket not noted");
    const budget = messages.open(clientKey(principal, address));
    const connection = new Connection({
      watch,
      legacy,
      access,
      principal,
      address,
      share,
      texts,
      budget,
      trail,
      log,
      welcome: (viewer) => {
        this.connections.add(connection);
        welcome(viewer, watch, missed, welcomeContext);
        presence.changed(watch);
        if (registers) legacyRegister.add(fingerprint, sessionId).catch(quietly);
      },
      onClosed: () => {
        this.connections.delete(connection);
        budget.close();
        this.#count(guest, -1);
        presence.changed(watch);
        watches.leave(watch);
        if (registers) legacyRegister.remove(fingerprint, sessionId).catch(quietly);
      },
    });
    // The later of the old dashboards names its session here and nowhere else.
    const cookie = stringifySetCookie({
      name: "tapedeck_session",
      value: sessionId,
      httpOnly: true,
      sameSite: "lax",
      path: "/",
    });
    upgrade.accept(connection, {
      ...(legacy ? {} : { protocol: subprotocol }),
      ...(registers && sessionId !== globalSessionId ? { headers: { "Set-Cookie": cookie } } : {}),
    });
  }

  #turnAwayFor(error: unknown, upgrade: Upgrade, trail: SocketTrail, log: Logger): void {
    if (!(error instanceof RefusedError)) {
      log.error({ err: error }, "a socket could not be let in");
      upgrade.refuse(refusal("UNAVAILABLE", "The session cannot be opened at the moment."));
    } else if (error.status === 503) {
      upgrade.refuse(refusal(error.code, error.message));
    } else if (error.code === "SESSION_NOT_FOUND") {
      turnAway(upgrade, trail, 4404, sessionGoneReasons.expired);
    } else if (error.status === 401) {
      turnAway(upgrade, trail, 4401, error.message);
    } else if (error.status === 403) {
      turnAway(upgrade, trail, 4403);
    } else {
      turnAway(upgrade, trail, error.status === 429 ? 4429 : 4400, error.message);
    }
  }

  /** Closes the sockets of share links that have been revoked since they were opened. */
  async closeRevoked(): Promise<void> {
    const { shares } = this.#options.access;
    for (const connection of [...this.connections]) {
      const { share } = connection.principal;
      if (share !== undefined && !(await shares?.isGood(share)))
        connection.close(4401, "the share link has been revoked");
    }
  }

  #opened({ principal = anonymous, address }: Pick<Guest, "address"> & Partial<Guest>): number {
    return this.#sockets.get(clientKey(principal, address)) ?? 0;
  }

  #count({ principal = anonymous, address }: Pick<Guest, "address"> & Partial<Guest>, by: 1 | -1): void {
    for (const who of new Set([clientKey(anonymous, address), clientKey(principal, address)])) {
      const count = (this.#sockets.get(who) ?? 0) + by;
      if (count > 0) this.#sockets.set(who, count);
      else this.#sockets.delete(who);
    }
  }

  /** Closes all sockets, spread over a time, so that they do not all come to the other nodes at once. */
  async sendAway(code: CloseCode, overMs: number): Promise<void> {
    const all = [...this.connections];
    const start = performance.now();
    for (const [nth, connection] of all.entries()) {
      const wait = start + (overMs * nth) / all.length - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      connection.close(code, closeCodes[code].name);
    }
  }
}

function mayMake({ sessionId, create, principal }: Guest): boolean {
  return create && (sessionId === globalSessionId || createRefusal(principal) === undefined);
}

function orNotFound(error: unknown): undefined {
  if (error instanceof RefusedError && error.code === "SESSION_NOT_FOUND") return undefined;
  throw error;
}

function speaksV1(upgrade: Upgrade): boolean {
  const offered = upgrade.header("sec-websocket-protocol") ?? "";
  return offered.split(",").some((word) => word.trim() === subprotocol);
}

/** Accepts and closes. Close reasons have at most 123 bytes. */
function turnAway(upgrade: Upgrade, trail: SocketTrail, code: CloseCode, reason: string = closeCodes[code].name): void {
  trail.closed(code, reason);
  const protocol = speaksV1(upgrade) ? { protocol: subprotocol } : {};
  upgrade.accept(new Farewell(code, reason.slice(0, 120)), protocol);
}
