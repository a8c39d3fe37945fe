export { type GatewayConfig, readGatewayConfig } from "./config.js";
export { type Gateway, type GatewayParts, startGateway } from "./gateway.js";
