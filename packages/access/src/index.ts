export { type Access, createAccess, observeAccess } from "./access.js";
export { type Audit, type AuditEntry, type AuditEvent, auditEvents } from "./audit.js";
export { Authenticator } from "./authenticator.js";
export { type AccessConfig, accessEnv, checkExposure, openAccessPhrase, type RateLimit, rateLimit } from "./config.js";
export { anonymous, type Principal, type Role, role, type Share } from "./principal.js";
export { defaultQuotas, type Quotas, quotasOf } from "./quotas.js";
export { clientKey, type LimitedAction, RateLimiter } from "./rate-limiter.js";
export {
  adminRefusal,
  controlRefusal,
  createRefusal,
  idTakenRefusal,
  ownerRefusal,
  type SessionOwnership,
  viewRefusal,
} from "./session-permissions.js";
export { ShareLinks, type ShareRecord } from "./share-links.js";
export { tokenCookie, tokenOf } from "./token.js";
export { type VenueKey, VenueKeys } from "./venue-keys.js";
