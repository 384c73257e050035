#!/usr/bin/env bash
# Judges Matrix Synapse on one database, from an empty one: installs it, starts it, runs the suite, stops it.
#
#   judge.sh sqlite | postgres [option of kpd run …]
#
# Ends with the exit code of `kpd run`: 0 where nothing failed but what synapse.DATABASE.known-failures.yaml explains.
# Settings: KPD (target/release/kpd), REPORT (target/kpd-report-synapse-DATABASE), and those of synapse.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

database=${1:-}
case $database in sqlite | postgres) shift ;; *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 3 ;; esac
export SYNAPSE_DATABASE=$database
synapse=conformance/strangers/synapse.sh
kpd=${KPD:-target/release/kpd}
[ -x "$kpd" ] || { echo "judge.sh: there is no $kpd: cargo build --release, or set KPD" >&2; exit 3; }

"$synapse" install
"$synapse" stop
"$synapse" forget
trap '"$synapse" stop' EXIT
"$synapse" start
# Twenty rounds of each race: the two wide ones register seventeen users in each, and take most of the time. An answer may
# take half a minute, since claims at once wait for each other.
"$kpd" run --target "http://127.0.0.1:${SYNAPSE_PORT:-18008}" --binding conformance/bindings/matrix.yaml \
  --var control=../strangers/synapse.sh \
  --known-failures "conformance/strangers/synapse.$database.known-failures.yaml" \
  --jobs 4 --rounds 20 --timeout 30 --report "${REPORT:-target/kpd-report-synapse-$database}" "$@"
