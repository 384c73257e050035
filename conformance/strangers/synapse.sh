#!/usr/bin/env bash
# Matrix Synapse from PyPI as a server to be judged: installs, starts, kills, backs up and restores one in a folder.
#
#   synapse.sh install                 puts Synapse into a virtual environment (needs Python 3 and PyPI)
#   synapse.sh start                   starts it; comes back when it answers
#   synapse.sh kill                    kill -9; the database server ends at once, too, and recovers when it starts
#   synapse.sh stop                    lets it end, and the database server as well
#   synapse.sh snapshot | restore      keeps a copy of the database, puts it back; what ran is stopped and started for it
#   synapse.sh forget                  removes the database, the copy and the settings of a server that is stopped
#
# Settings: SYNAPSE_DIR (target/synapse), SYNAPSE_DATABASE (sqlite or postgres), SYNAPSE_PORT (18008),
# SYNAPSE_VERSION (the one that known-failures speaks of).
set -euo pipefail
cd "$(dirname "$0")/../.."

version=${SYNAPSE_VERSION:-1.163.2}
database=${SYNAPSE_DATABASE:-sqlite}
port=${SYNAPSE_PORT:-18008}
base=${SYNAPSE_DIR:-target/synapse}
mkdir -p "$base"
base=$(cd "$base" && pwd)
home=$base/$database
python=$base/venv/bin/python
# Where the user `postgres` can get to; short, since the path of a socket has at most 107 bytes.
cluster=/tmp/kpd-synapse-$port

die() { echo "synapse.sh: $*" >&2; exit 1; }

# PostgreSQL refuses to run as root: there, its commands are run as the user `postgres` that its package makes.
postgres() {
  local bin
  bin=$(ls -d /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null | tail -1) || true
  [ -n "$bin" ] || die "no PostgreSQL server found: apt-get install postgresql"
  bin=$(dirname "$bin")
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$bin/$1" "${@:2}"; else "$bin/$1" "${@:2}"; fi
}

configure() {
  [ -f "$home/homeserver.yaml" ] && return
  mkdir -p "$home"
  # Its log lies where it is when it writes its settings.
  (cd "$home" && "$python" -m synapse.app.homeserver --generate-config --server-name synapse.test --report-stats=no \
    --config-path "$home/homeserver.yaml" --data-directory "$home" >/dev/null)
  # Its own limits on registration and login would stop the suite, which makes new users for each vector.
  local unlimited='{ per_second: 100000, burst_count: 100000 }'
  cat > "$home/judged.yaml" <<YAML
listeners:
  - { port: $port, type: http, tls: false, bind_addresses: ["127.0.0.1"], resources: [{ names: [client], compress: false }] }
enable_registration: true
enable_registration_without_verification: true
trusted_key_servers: []
rc_registration: $unlimited
rc_message: $unlimited
rc_login: { address: $unlimited, account: $unlimited, failed_attempts: $unlimited }
bcrypt_rounds: 4
YAML
  [ "$database" = postgres ] && cat >> "$home/judged.yaml" <<YAML
database:
  name: psycopg2
  args: { user: synapse, dbname: synapse, host: "$cluster", cp_min: 2, cp_max: 10 }
YAML
  return 0
}

start_postgres() {
  if [ ! -d "$cluster/data" ]; then
    mkdir -p "$cluster/data" && chmod 700 "$cluster/data"
    [ "$(id -u)" = 0 ] && chown -R postgres "$cluster"
    postgres initdb -D "$cluster/data" --auth=trust --username=synapse --encoding=UTF8 --locale=C >/dev/null
  fi
  postgres pg_ctl -D "$cluster/data" -w -l "$cluster/data/log" -o "-k $cluster -c listen_addresses=" start >/dev/null
  postgres psql -h "$cluster" -U synapse -d postgres -tAc "select 1 from pg_database where datname = 'synapse'" | grep -q 1 ||
    postgres createdb -h "$cluster" -U synapse synapse
}

stop_postgres() {
  [ ! -f "$cluster/data/postmaster.pid" ] || postgres pg_ctl -D "$cluster/data" -m "$1" -w stop >/dev/null
}

alive() { [ -f "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2>/dev/null; }

wait_until_gone() {
  for _ in $(seq 200); do alive || { rm -f "$home/pid"; return; }; sleep 0.05; done
  die "it does not end"
}

start() {
  [ -x "$python" ] || die "not installed: synapse.sh install"
  alive && die "it runs already, with process id $(cat "$home/pid")"
  configure
  [ "$database" = postgres ] && start_postgres
  "$python" -m synapse.app.homeserver -c "$home/homeserver.yaml" -c "$home/judged.yaml" >> "$home/log" 2>&1 < /dev/null &
  echo $! > "$home/pid"
  for _ in $(seq 600); do
    curl -sf "http://127.0.0.1:$port/health" >/dev/null && return
    alive || break
    sleep 0.1
  done
  tail -20 "$home/log" >&2
  die "no answer on port $port within a minute"
}

stop() {
  ! alive || kill "$(cat "$home/pid")"
  wait_until_gone
  stop_postgres fast
}

# Does something to the files of a database that nobody has open; what ran before runs after it.
at_rest() {
  local ran=no
  ! alive || ran=yes
  stop
  "$@"
  [ $ran = no ] || start
}

snapshot() {
  rm -rf "$home/snapshot" && mkdir "$home/snapshot"
  if [ "$database" = postgres ]; then cp -a "$cluster/data" "$home/snapshot/"; else cp -a "$home"/homeserver.db* "$home/snapshot/"; fi
}

restore() {
  [ -d "$home/snapshot" ] || die "there is no snapshot"
  if [ "$database" = postgres ]; then
    rm -rf "$cluster/data" && cp -a "$home/snapshot/data" "$cluster/"
  else
    rm -f "$home"/homeserver.db* && cp -a "$home/snapshot/." "$home/"
  fi
}

case ${1:-} in
install)
  [ -x "$python" ] || python3 -m venv "$base/venv"
  "$python" -m pip install --quiet --disable-pip-version-check "matrix-synapse==$version" psycopg2-binary
  ;;
start) start ;;
stop) stop ;;
kill)
  ! alive || kill -9 "$(cat "$home/pid")"
  stop_postgres immediate
  wait_until_gone
  ;;
forget)
  alive && die "stop it first"
  rm -rf "$home"
  [ "$database" != postgres ] || rm -rf "$cluster"
  ;;
snapshot | restore) at_rest "$1" ;;
*)
  sed -n '2,13s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac
