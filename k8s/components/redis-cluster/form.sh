# Forms a Redis Cluster of the six pods, unless they already are one. CLUSTER MEET accepts only addresses, so names are resolved here.
set -e
# NODE_ADDRESS is the key `node` of the secret `redis`: the user that the nodes have for each other.
REDISCLI_AUTH=${NODE_ADDRESS#*://node:} && export REDISCLI_AUTH=${REDISCLI_AUTH%%@*}
node() { redis-cli --user node "$@"; }
nodes=
for n in 0 1 2 3 4 5; do
  host=redis-cluster-$n.redis-cluster
  until node -h $host ping | grep -q PONG; do sleep 1; done
  nodes="$nodes $(getent hosts $host | cut -d ' ' -f 1):6379"
done
if node -h redis-cluster-0.redis-cluster cluster info | grep -q cluster_slots_assigned:16384; then exit 0; fi
node --cluster create $nodes --cluster-replicas 1 --cluster-yes
