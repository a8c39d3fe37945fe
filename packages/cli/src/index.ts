export type { ClusterSnapshot } from "./cluster/cluster-file.js";
export { type Cluster, type Service, startCluster } from "./cluster/local-cluster.js";
export type { ClusterOptions, ServiceKind } from "./cluster/options.js";
export { nodeFlags } from "./cluster/supervised-process.js";
export { UserError } from "./user-error.js";
