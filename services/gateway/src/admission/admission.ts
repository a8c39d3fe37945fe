import {
  type Access,
  anonymous,
  clientKey,
  controlRefusal,
  createRefusal,
  idTakenRefusal,
  type Principal,
  tokenOf,
  viewRefusal,
} from "@tapedeck/access";
import { globalSessionId, limits, RefusedError, sessionGoneReasons, subprotocol } from "@tapedeck/protocol";
import {
  clientAddress,
  isModelTestSession,
  type Logger,
  legacyFingerprint,
  type RequestGuard,
  type TrustedProxies,
} from "@tapedeck/runtime";
import type { Presence } from "@tapedeck/sessions";
import { isSessionNotFound, type NewSessionOptions, type SessionService, type StoredSession } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import { stringifySetCookie } from "cookie";
import { ClientConnection, type ClientConnections, type ConnectionContext } from "../client/connection.js";
import type { MessageRateLimits } from "../client/message-rate.js";
import { findMissed, type ResumeContext, type ResumeOutcome } from "../client/resume.js";
import { type StartContext, startStream } from "../client/start-stream.js";
import { refusalResponse } from "../server/http.js";
import type { Upgrade } from "../server/server.js";
import type { SessionSubscriptions } from "../subscription/registry.js";
import type { SessionSubscription } from "../subscription/subscription.js";
import { HeldSocket } from "./held-socket.js";
import type { LegacySockets } from "./legacy-sockets.js";
import { reject, rejectFor, speaksV1 } from "./rejection.js";
import { SocketAudit } from "./socket-audit.js";
import { readTarget, type Target } from "./target.js";
import { TokenHandshake } from "./token-handshake.js";

interface AdmissionOptions {
  readonly access: Access;
  readonly guard: RequestGuard;
  readonly trustedProxies: TrustedProxies;
  readonly socketsPerSession: number;
  readonly sessions: Pick<SessionService, "open" | "join">;
  readonly subscriptions: SessionSubscriptions;
  readonly presence: Presence;
  readonly legacySockets: LegacySockets;
  readonly rateLimits: MessageRateLimits;
  readonly connections: ClientConnections;
  readonly connectionContext: ConnectionContext;
  readonly startContext: StartContext & ResumeContext;
  readonly log: Logger;
}

/** A request for a socket whose target and client address are known, but not yet who it is from. */
interface Candidate extends Target {
  readonly audit: SocketAudit;
  readonly legacy: boolean;
  readonly address: string;
  /** What tells the pages of legacy clients apart. */
  readonly fingerprint: string;
}

interface IdentifiedCandidate extends Candidate {
  readonly principal: Principal;
}

/** Decides whether a socket may open, on which session, and connects it. The steps: target and origin, token, limits, session. */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Open sockets, and upgrades under way, of each address and of each known user. */
  readonly #sockets = new Map<string, number>();
  #stopped = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Sends new clients to other nodes from now on. */
  stopAccepting(): void {
    this.#stopped = true;
  }

  handleUpgrade(upgrade: Upgrade): void {
    const target = readTarget(upgrade.path, upgrade.query);
    if (target === "not found") {
      upgrade.refuse(refusalResponse("ROUTE_NOT_FOUND", `There is no WebSocket at ${upgrade.path}.`));
      return;
    }
    const { access, guard, trustedProxies } = this.#options;
    const { socketsPerAddress = Number.POSITIVE_INFINITY } = access.quotas;
    const guardRefusal = guard.refusal(upgrade);
    const address = clientAddress(upgrade.remoteAddress, upgrade.header("x-forwarded-for"), trustedProxies);
    const session = "malformed" in target ? undefined : target.sessionId;
    const requestId = upgrade.header("x-request-id");
    const audit = new SocketAudit({ audit: access.audit, address, session, requestId });
    if (this.#stopped) {
      reject(upgrade, audit, 1012);
    } else if (guardRefusal !== undefined) {
      reject(upgrade, audit, 1008, guardRefusal.message);
    } else if ("malformed" in target) {
      reject(upgrade, audit, 4400, target.malformed);
    } else if (this.#socketsOf(anonymous, address) >= socketsPerAddress) {
      reject(upgrade, audit, 4429, `this address has ${socketsPerAddress} sockets already`);
    } else {
      const fingerprint = legacyFingerprint(address, upgrade.header("user-agent"), upgrade.header("origin"));
      const legacy = !speaksV1(upgrade);
      const isReturning = !legacy && target.token !== undefined;
      const admitted = isReturning ? openAtOnce(upgrade) : upgrade;
      void this.#identify(admitted, { ...target, audit, legacy, address, fingerprint });
    }
  }

  /** @param sent the token that came as the first message, after the upgrade */
  async #identify(upgrade: Upgrade, candidate: Candidate, sent?: string): Promise<void> {
    const { access, guard, log } = this.#options;
    const authorization = upgrade.header("authorization");
    const protocols = upgrade.header("sec-websocket-protocol");
    const cookie = upgrade.header("cookie");
    const inRequest = sent === undefined ? tokenOf({ authorization, protocols, cookie }) : undefined;
    const token = sent ?? inRequest?.token;
    try {
      if (!access.users.required) {
        await this.#admit(upgrade, { ...candidate, principal: anonymous });
      } else if (token === undefined) {
        this.#awaitToken(upgrade, candidate);
      } else if (inRequest?.from === "cookie" && !guard.trustsCookie(upgrade)) {
        reject(upgrade, candidate.audit, 1008); // browsers send cookies also with what a foreign page opens
      } else {
        await this.#admit(upgrade, { ...candidate, principal: await access.users.identify(token) });
      }
    } catch (error) {
      rejectFor(error, upgrade, candidate.audit, log);
    }
  }

  #awaitToken(upgrade: Upgrade, candidate: Candidate): void {
    const { audit, address, legacy } = candidate;
    if (legacy) {
      reject(upgrade, audit, 4401);
      return;
    }
    this.#count(anonymous, address, 1);
    const handshake = new TokenHandshake(upgrade, {
      onToken: (token, identified) => void this.#identify(identified, candidate, token),
      onRejected: (code, reason) => audit.closed(code, reason),
      onEnd: () => this.#count(anonymous, address, -1),
    });
    upgrade.accept(handshake, { protocol: subprotocol });
  }

  async #admit(upgrade: Upgrade, candidate: IdentifiedCandidate): Promise<void> {
    const { subscriptions, socketsPerSession, access, startContext, log } = this.#options;
    const { principal, audit, address, sessionId } = candidate;
    const { socketsPerUser = Number.POSITIVE_INFINITY } = access.quotas;
    audit.principal = principal;
    if (principal.userId !== "" && this.#socketsOf(principal, address) >= socketsPerUser) {
      reject(upgrade, audit, 4429, `this user has ${socketsPerUser} sockets here already`);
      return;
    }
    this.#count(principal, address, 1);
    let subscription: SessionSubscription | undefined;
    let accepted = false;
    try {
      await access.rateLimiter.count("connections", principal, address);
      subscription = await subscriptions.acquire(sessionId, () => this.#openSession(candidate));
      const refusal = (mayCreate(candidate) ? idTakenRefusal : viewRefusal)(principal, subscription.record);
      if (refusal !== undefined) throw new RefusedError(refusal);
      // A reader can hold the session back.
      const reading = candidate.reader === undefined ? undefined : controlRefusal(principal, subscription.record);
      if (reading !== undefined) throw new RefusedError(reading);
      if (sessionId === globalSessionId && subscription.record.state === "STOPPED") {
        await subscription.perform({ type: "start" });
      }
      if (subscription.record.parked) subscription.unpark();
      const token = candidate.legacy ? undefined : candidate.token;
      const limited = candidate.reader === undefined || subscription.record.lossless === null;
      const missed = await findMissed(subscription, token, startContext, limited);
      if (sessionId !== globalSessionId && subscription.subscribers.size >= socketsPerSession) {
        reject(upgrade, audit, 4429, `this session has ${socketsPerSession} sockets already`);
      } else if (subscription.ended) {
        reject(upgrade, audit, 4404, sessionGoneReasons.deleted);
      } else if (this.#stopped) {
        reject(upgrade, audit, 1012);
      } else if (!upgrade.gone) {
        accepted = true;
        this.#connect(upgrade, candidate, subscription, missed);
      }
    } catch (error) {
      rejectFor(error, upgrade, audit, log);
    } finally {
      if (!accepted) {
        this.#count(principal, address, -1);
        if (subscription) subscriptions.release(subscription);
      }
    }
  }

  /** Reads the session, or creates it if the candidate may. Anyone may create `global`. */
  async #openSession(candidate: IdentifiedCandidate): Promise<StoredSession> {
    const { sessions, access } = this.#options;
    const { sessionId, legacy, address, principal } = candidate;
    if (!mayCreate(candidate)) return sessions.join(sessionId);
    if (sessionId !== globalSessionId && access.rateLimiter.isLimited("creations")) {
      try {
        return await sessions.join(sessionId);
      } catch (error) {
        if (!isSessionNotFound(error)) throw error;
      }
      await access.rateLimiter.count("creations", principal, address);
    }
    const { userId } = sessionId === globalSessionId ? anonymous : principal;
    const choice: NewSessionOptions = { start: true, createdBy: address, userId };
    return sessions.open(sessionId, legacy ? { ...choice, maxFps: limits.legacyMaxFps } : choice);
  }

  #connect(
    upgrade: Upgrade,
    candidate: IdentifiedCandidate,
    subscription: SessionSubscription,
    missed: ResumeOutcome,
  ): void {
    const { connections, connectionContext, log, presence, subscriptions, legacySockets, startContext } = this.#options;
    const { legacy, fingerprint, sessionId, address, principal, audit, reader, acked } = candidate;
    const isNoted = legacy && !isModelTestSession(sessionId);
    const notNoted = (error: unknown) =>
      log.debug({ err: error, session: sessionId }, "legacy socket not noted; POST /mode may not find its session");
    const rateLimit = this.#options.rateLimits.open(clientKey(principal, address));
    const connection = new ClientConnection(
      {
        subscription,
        legacy,
        principal,
        address,
        rateLimit,
        audit,
        onOpen: (stream) => {
          connections.add(connection);
          if (reader !== undefined && !legacy) connection.readAs(reader, ackedBefore(subscription, missed, acked));
          startStream(stream, subscription, missed, startContext);
          presence.changed(subscription);
          if (isNoted) legacySockets.add(fingerprint, sessionId).catch(notNoted);
        },
        onClosed: () => {
          connections.delete(connection);
          rateLimit.close();
          this.#count(principal, address, -1);
          presence.changed(subscription);
          subscriptions.release(subscription);
          if (isNoted) legacySockets.remove(fingerprint, sessionId).catch(notNoted);
        },
      },
      connectionContext,
    );
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
      ...(isNoted && sessionId !== globalSessionId ? { headers: { "Set-Cookie": cookie } } : {}),
    });
  }

  #socketsOf(principal: Principal, address: string): number {
    return this.#sockets.get(clientKey(principal, address)) ?? 0;
  }

  #count(principal: Principal, address: string, by: 1 | -1): void {
    for (const counted of new Set([clientKey(anonymous, address), clientKey(principal, address)])) {
      const count = (this.#sockets.get(counted) ?? 0) + by;
      if (count > 0) this.#sockets.set(counted, count);
      else this.#sockets.delete(counted);
    }
  }
}

/**
 * Clients that return come by the hundred, when a node has died. An upgrade is cheapest within the request's own turn, and an open socket tells the
 * client that this node lives: it does not try the next one while its session is read.
 */
function openAtOnce(upgrade: Upgrade): Upgrade {
  const held = new HeldSocket(upgrade);
  upgrade.accept(held, { protocol: subprotocol });
  return held.upgrade;
}

/** Of what a returning client has, it is done with all unless it says with less; a new one has to say so of the last frame of its history. */
function ackedBefore(
  { record, lastSeq }: SessionSubscription,
  missed: ResumeOutcome,
  acked = Number.POSITIVE_INFINITY,
): Seq {
  const present = typeof missed === "string" ? undefined : missed.at(-1);
  return present?.epoch === record.epoch ? Math.min(present.after, acked) : lastSeq - 1;
}

function mayCreate({ sessionId, create, principal }: IdentifiedCandidate): boolean {
  return create && (sessionId === globalSessionId || createRefusal(principal) === undefined);
}
