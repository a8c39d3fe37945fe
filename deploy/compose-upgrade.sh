#!/bin/sh
# Replaces the containers of a docker-compose.yml that is up by what its images and settings are by now, without an outage:
# new containers of each service start beside the old ones, and when they serve the old ones end.
#   git pull && docker compose build && deploy/compose-upgrade.sh
#   deploy/compose-upgrade.sh gateway          one service alone
# What `docker compose` reads counts here too: .env, COMPOSE_FILE, COMPOSE_PROJECT_NAME. A new container that does not come to serve
# is removed again, and the old ones stay.
set -eu
cd "$(dirname "$0")/.."

# What docker-compose.yml needs of docker compose.
least=2.8.0
patience=90

fail() {
  echo "compose-upgrade: $1" >&2
  exit 1
}

version=$(docker compose version --short 2>/dev/null) || fail "there is no \`docker compose\` here: $least or later is needed"
version=${version#v}
[ "$(printf '%s\n' "$least" "$version" | sort -V | head -n 1)" = "$least" ] ||
  fail "docker compose is $version, and $least or later is needed"

# A port of its own tells it without a token, where there is one.
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
  [ -n "$old" ] || fail "no $service runs: \`docker compose up --detach\` starts what is not there"
  count=$(echo "$old" | wc -l)
  echo "$service: starting $count beside $count"
  docker compose up --detach --no-deps --no-recreate --scale "$service=$((count * 2))" "$service"
  new=$(docker compose ps --all --quiet "$service" | grep -vxF "$old")
  for container in $new; do
    serves "$container" && continue
    docker logs --tail 20 "$container" >&2
    docker rm --force $new >/dev/null
    fail "a new $service does not come to serve, for the reason above. The old ones stay"
  done
  # The balancer asks the DNS and its servers once a second.
  sleep 2
  echo "$service: telling $count to end"
  docker stop $old >/dev/null
  docker rm $old >/dev/null
}

# Neighbouring releases understand each other in any order; docs/operations.md says why this one.
[ $# -gt 0 ] || set -- ticker feed gateway api
for name; do
  replace "$name"
done
