export { type Access, createAccess } from "./access.js";
export { Authenticator } from "./authenticator.js";
export { type BroughtToken, tokenCookie, tokenOf } from "./bearer.js";
export { type AccessConfig, accessEnv, type Limit, limit, plainWords, refuseExposure } from "./config.js";
export { showAccess } from "./metrics.js";
export { anyone, type Principal, type Role, role, type Share } from "./principal.js";
export { type Bounded, countedFor, RateLimits } from "./rate-limits.js";
export {
  adminRefusal,
  controlRefusal,
  createRefusal,
  type Owned,
  ownRefusal,
  takenRefusal,
  viewRefusal,
} from "./rules.js";
export { ShareLinks, type ShareRecord } from "./share-links.js";
