#!/bin/sh
# Requests that schemathesis makes up from our own OpenAPI document, against a server with an instant policy.
#
#   benchmarks/fuzz_api.sh [further options of schemathesis, such as --max-examples 200]
#
# Needs `r1router` and `schemathesis` (pip install schemathesis) on PATH. Ends with the count of answers by status;
# fails where one of them is a 5xx or is not as the document says.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
port=${PORT:-8765}
trap 'kill "$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
mkdir "$scratch/docs"
echo "Oslo is the capital of Norway." > "$scratch/docs/norway.txt"
printf 'river,km\nGlomma,621\n' > "$scratch/docs/rivers.csv"
r1router index "$scratch/docs" --kbs "$scratch/kbs" > "$scratch/index.log"
PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" r1router serve --kbs "$scratch/kbs" --policy benchmarks.instant:Instant \
  --port "$port" --log-json 2> "$scratch/serve.log" &
server=$!
until curl -sf "http://127.0.0.1:$port/readyz" > /dev/null; do
  kill -0 "$server" || { cat "$scratch/serve.log"; exit 1; }
  sleep 0.2
done
status=0
schemathesis run "http://127.0.0.1:$port/openapi.json" --continue-on-failure --seed 1 \
  --request-timeout 60 --suppress-health-check filter_too_much \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
  "$@" || status=$?
echo "answers by status:"
curl -s "http://127.0.0.1:$port/metrics" | sed -n 's/^r1router_requests_total.*status="\([0-9]*\)"} \(.*\)/\1 \2/p' \
  | awk '{ n[$1] += $2 } END { for (s in n) print "  " s, n[s]; for (s in n) if (s >= 500) exit 1 }' | sort || status=1
if grep -q '"level": "error"' "$scratch/serve.log"; then
  grep '"level": "error"' "$scratch/serve.log" | head -5
  status=1
fi
exit "$status"
