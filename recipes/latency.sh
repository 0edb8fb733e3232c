#!/usr/bin/env bash
# Seconds of a question by stage for each method, and its overhead over asking the model directly
# (the latency experiment of arXiv 2505.22095).
#
#   recipes/latency.sh QUESTIONS [RUN]
#
# One question is worked on at a time, so that no question waits for another one. RUN is the folder of the run
# (runs/latency). From the environment: KBS (kbs), POLICY (llamacpp:), METHODS, LIMIT (30 questions), SEED (0).
set -euo pipefail

questions=${1:?usage: $0 QUESTIONS [RUN]}
run=${2:-runs/latency}
read -ra methods <<<"${METHODS:-r1_router one_shot_routing vanilla_rag ircot iter_retgen}"

r1router eval "$questions" --out "$run" --concurrency 1 \
  --kbs "${KBS:-kbs}" --policy "${POLICY:-llamacpp:}" --limit "${LIMIT:-30}" --seed "${SEED:-0}" \
  --method direct "${methods[@]/#/--method=}"
r1router report "$run" --against direct --html "$run/report.html" --json | python3 -c '
import json, sys

for section in json.load(sys.stdin)["sections"]:
    rows = [(r["method"], {stage: s["p50"] for stage, s in r["seconds"].items()}) for r in section["results"]]
    base = dict(rows).get("direct", {}).get("total")
    stages = list(rows[0][1])
    print("\nmedian seconds of a question,", section["dataset"])
    print("{:<22}".format("method"), *("{:>8}".format(s) for s in stages), "over direct")
    for method, seconds in rows:
        times = "{:>10.1f} x".format(seconds["total"] / base) if base and seconds else ""
        print("{:<22}".format(method), *("{:>8.2f}".format(seconds.get(s, 0.0)) for s in stages), times)
'
