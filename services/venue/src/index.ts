export { readVenueConfig, type VenueConfig } from "./config.js";
export { type RunningVenue, startVenue, type VenueParts } from "./venue.js";
