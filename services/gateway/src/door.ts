import {
  type CloseCode,
  closeCodes,
  globalSessionId,
  goneReasons,
  limits,
  RefusedError,
  subprotocol,
} from "@tapedeck/protocol";
import { clientAddress, type Logger, legacyFingerprint, type ProxyTrust } from "@tapedeck/runtime";
import type { CreateChoice, Deck, StoredSession } from "@tapedeck/sessions";
import { stringifySetCookie } from "cookie";
import { refusal } from "./answers.js";
import { Connection } from "./connection.js";
import { Farewell } from "./farewell.js";
import type { LegacyRegister } from "./legacy-register.js";
import type { Upgrade } from "./listener.js";
import type { OutletShare } from "./outlet.js";
import type { Presence } from "./presence.js";
import type { SessionTexts } from "./session-texts.js";
import { readTarget, type Target } from "./target.js";
import type { Watch } from "./watch.js";
import type { Watches } from "./watches.js";
import { findMissed, type WelcomeContext, welcome } from "./welcome.js";

export interface DoorOptions {
  readonly deck: Pick<Deck, "open" | "join">;
  readonly watches: Watches;
  readonly presence: Presence;
  readonly legacyRegister: LegacyRegister;
  readonly texts: SessionTexts;
  readonly welcomeContext: WelcomeContext;
  readonly share: OutletShare;
  readonly trusted: ProxyTrust;
  /** Empty: any. */
  readonly allowedOrigins: readonly string[];
  readonly socketsPerSession: number;
  readonly socketsPerAddress: number;
  readonly log: Logger;
}

interface Guest extends Target {
  readonly legacy: boolean;
  readonly address: string;
  readonly fingerprint: string;
}

/** Lets sockets in: who may, to which session, and what they find there. */
export class Door {
  readonly connections = new Set<Connection>();
  readonly #options: DoorOptions;
  readonly #byAddress = new Map<string, number>();
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
    const { allowedOrigins, socketsPerAddress } = this.#options;
    const origin = upgrade.header("origin");
    const address = clientAddress(upgrade.remoteAddress, upgrade.header("x-forwarded-for"), this.#options.trusted);
    if (this.#shut) turnAway(upgrade, 1012);
    else if (origin !== undefined && allowedOrigins.length > 0 && !allowedOrigins.includes(origin)) {
      turnAway(upgrade, 1008);
    } else if ("malformed" in target) {
      turnAway(upgrade, 4400, target.malformed);
    } else if ((this.#byAddress.get(address) ?? 0) >= socketsPerAddress) {
      turnAway(upgrade, 4429, `this address has its ${socketsPerAddress} sockets`);
    } else {
      const fingerprint = legacyFingerprint(address, upgrade.header("user-agent"), origin);
      void this.#admit(upgrade, { ...target, legacy: !speaksV1(upgrade), address, fingerprint });
    }
  }

  async #admit(upgrade: Upgrade, guest: Guest): Promise<void> {
    const { watches, socketsPerSession, log } = this.#options;
    this.#count(guest.address, 1);
    let watch: Watch | undefined;
    let accepted = false;
    try {
      watch = await watches.join(guest.sessionId, () => this.#open(guest));
      if (guest.sessionId === globalSessionId && watch.record.state === "STOPPED") {
        await watch.perform({ type: "start" });
      }
      if (watch.record.parked) watch.unpark();
      const missed = await findMissed(watch, guest.legacy ? undefined : guest.token, this.#options.welcomeContext);
      if (guest.sessionId !== globalSessionId && watch.viewers.size >= socketsPerSession) {
        turnAway(upgrade, 4429, `this session has its ${socketsPerSession} sockets`);
      } else if (watch.gone) {
        turnAway(upgrade, 4404, goneReasons.deleted);
      } else if (this.#shut) {
        turnAway(upgrade, 1012);
      } else if (!upgrade.gone) {
        accepted = true;
        this.#accept(upgrade, guest, watch, missed);
      }
    } catch (error) {
      this.#turnAwayFor(error, upgrade, log);
    } finally {
      if (!accepted) {
        this.#count(guest.address, -1);
        if (watch) watches.leave(watch);
      }
    }
  }

  #open({ sessionId, create, legacy, address }: Guest): Promise<StoredSession> {
    if (!create) return this.#options.deck.join(sessionId);
    const choice: CreateChoice = { start: true, createdBy: address };
    return this.#options.deck.open(sessionId, legacy ? { ...choice, maxFps: limits.legacyMaxFps } : choice);
  }

  #accept(upgrade: Upgrade, guest: Guest, watch: Watch, missed: Parameters<typeof welcome>[2]): void {
    const { share, texts, log, presence, watches, legacyRegister, welcomeContext } = this.#options;
    const { legacy, fingerprint, sessionId, address } = guest;
    const registers = legacy && sessionId !== globalSessionId;
    const quietly = (error: unknown) => log.debug({ err: error, session: sessionId }, "legacy socket not noted");
    const connection = new Connection({
      watch,
      legacy,
      share,
      texts,
      log,
      welcome: (viewer) => {
        this.connections.add(connection);
        welcome(viewer, watch, missed, welcomeContext);
        presence.changed(watch);
        if (registers) legacyRegister.add(fingerprint, sessionId).catch(quietly);
      },
      onClosed: () => {
        this.connections.delete(connection);
        this.#count(address, -1);
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
      ...(registers ? { headers: { "Set-Cookie": cookie } } : {}),
    });
  }

  #turnAwayFor(error: unknown, upgrade: Upgrade, log: Logger): void {
    if (!(error instanceof RefusedError)) {
      log.error({ err: error }, "a socket could not be let in");
      upgrade.refuse(refusal("UNAVAILABLE", "The session cannot be opened at the moment."));
    } else if (error.status === 503) {
      upgrade.refuse(refusal(error.code, error.message));
    } else if (error.code === "SESSION_NOT_FOUND") {
      turnAway(upgrade, 4404, goneReasons.expired);
    } else {
      turnAway(upgrade, error.status === 429 ? 4429 : 4400, error.message);
    }
  }

  #count(address: string, by: 1 | -1): void {
    const count = (this.#byAddress.get(address) ?? 0) + by;
    if (count > 0) this.#byAddress.set(address, count);
    else this.#byAddress.delete(address);
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

function speaksV1(upgrade: Upgrade): boolean {
  const offered = upgrade.header("sec-websocket-protocol") ?? "";
  return offered.split(",").some((word) => word.trim() === subprotocol);
}

/** Accepts and closes. Close reasons have at most 123 bytes. */
function turnAway(upgrade: Upgrade, code: CloseCode, reason: string = closeCodes[code].name): void {
  const protocol = speaksV1(upgrade) ? { protocol: subprotocol } : {};
  upgrade.accept(new Farewell(code, reason.slice(0, 120)), protocol);
}
