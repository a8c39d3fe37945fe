export type { ClusterSnapshot } from "./cluster/cluster-file.js";
export type { ClusterOptions, ServiceKind } from "./cluster/options.js";
export { Problem } from "./cluster/problem.js";
export { type Cluster, type Service, startCluster } from "./cluster/start-cluster.js";
