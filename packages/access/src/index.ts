export { type Access, createAccess } from "./access.js";
export { type Audit, type AuditEvent, type AuditEntry, auditEvents } from "./audit.js";
export { Authenticator } from "./authenticator.js";
export { type RequestToken, tokenCookie, tokenOf } from "./token.js";
export { type Quotas, quotasOf, defaultQuotas } from "./quotas.js";
export { type AccessConfig, accessEnv, type RateLimit, rateLimit, openAccessPhrase, checkExposure } from "./config.js";
export { showAccess } from "./metrics.js";
export { anonymous, type Principal, type Role, role, type Share } from "./principal.js";
export { type LimitedAction, clientKey, RateLimiter } from "./rate-limiter.js";
export {
  adminRefusal,
  controlRefusal,
  createRefusal,
  type SessionOwnership,
  ownerRefusal,
  idTakenRefusal,
  viewRefusal,
} from "./session-permissions.js";
export { ShareLinks, type ShareRecord } from "./share-links.js";
