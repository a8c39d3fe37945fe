#!/bin/sh
# Upgrades a running docker-compose.yml to its current images and settings without an outage: new containers of each service start
# beside the old ones, and when the new ones are ready the old ones stop.
#   git pull && docker compose build && deploy/compose-upgrade.sh
#   deploy/compose-upgrade.sh gateway          one service alone
# It reads the same settings as `docker compose`: .env, COMPOSE_FILE, COMPOSE_PROJECT_NAME. If a new container does not become ready,
# it is removed and the old ones stay.
set -eu
cd "$(dirname "$0")/.."

# The oldest docker compose that understands docker-compose.yml, and the seconds that a container has to become ready.
least=2.8.0
patience=90

fail() {
  echo "compose-upgrade: $1" >&2
  exit 1
}

version=$(docker compose version --short 2>/dev/null) || fail "\`docker compose\` is not installed: version $least or later is needed"
version=${version#v}
[ "$(printf '%s\n' "$least" "$version" | sort -V | head -n 1)" = "$least" ] ||
  fail "docker compose is $version, and $least or later is needed"

# The status port, if there is one, needs no token.
ready='fetch(`http://127.0.0.1:${process.env.STATUS_PORT || process.env.PORT}/health/ready`)
  .then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))'

serves() {
  waited=0
  until docker exec "$1" node -e "$ready" 2>/dev/null; do
    [ "$(docker inspect --format '{{.State.Status}} {{.RestartCount}}' "$1")" = "running 0" ] || return 1
    [ "$waited" -lt "$patience" ] || return 1
    waited=$((waited + 1))
    sleep 1
  done
}

replace() {
  service=$1
  old=$(docker compose ps --quiet "$service")
  [ -n "$old" ] || fail "no container of $service runs: start it with \`docker compose up --detach\`"
  count=$(echo "$old" | wc -l)
  echo "$service: starting $count beside $count"
  docker compose up --detach --no-deps --no-recreate --scale "$service=$((count * 2))" "$service"
  new=$(docker compose ps --all --quiet "$service" | grep -vxF "$old")
  for container in $new; do
    serves "$container" && continue
    docker logs --tail 20 "$container" >&2
    docker rm --force $new >/dev/null
    fail "a new $service does not become ready, for the reason above. The old containers keep running"
  done
  # The balancer resolves names and checks its servers once a second.
  sleep 2
  echo "$service: stopping the old $count"
  docker stop $old >/dev/null
  docker rm $old >/dev/null
}

# Neighbouring releases are compatible in any order; docs/operations.md explains this one.
[ $# -gt 0 ] || set -- ticker feed gateway venue api
for name; do
  replace "$name"
done
