#!/usr/bin/env bash
# Score by number of hops for each method (the multi-hop scaling experiment of arXiv 2505.22095).
#
#   recipes/multihop_scaling.sh QUESTIONS [RUN]
#
# QUESTIONS is any question file whose gold steps, hops or "n_hops" say how many hops a question needs.
# RUN is the folder of the run (runs/multihop_scaling); the same command goes on where it stopped.
# From the environment: KBS (kbs), POLICY (llamacpp:), METHODS, LIMIT (all questions), SEED (0), CONCURRENCY (64).
set -euo pipefail

questions=${1:?usage: $0 QUESTIONS [RUN]}
run=${2:-runs/multihop_scaling}
read -ra methods <<<"${METHODS:-r1_router one_shot_routing vanilla_rag ircot self_ask direct}"

r1router eval "$questions" --out "$run" \
  --kbs "${KBS:-kbs}" --policy "${POLICY:-llamacpp:}" --concurrency "${CONCURRENCY:-64}" \
  ${LIMIT:+--limit "$LIMIT" --seed "${SEED:-0}"} "${methods[@]/#/--method=}"
r1router report "$run" --against "${methods[0]}" --html "$run/report.html"
echo "score by number of hops: the table above, and the plot in $run/report.html"
