#!/usr/bin/env bash
# The ablation of ablation_step_grpo.sh on one GPU, in MINUTES (9): three seeds, the variants side by side.
#
#     recipes/gpu_ablation.sh TRAIN_STEPS DEV_STEPS [FOLDER]
#
# A policy of 135 M parameters leaves most of a GPU idle, because each token waits for the one before. So JOBS (12) runs
# share it; each samples its groups in one batch with transformers. (GRPO_OPTIONS=--vllm samples with vLLM, which wants
# the GPU for itself: then JOBS=1.) First SFT, one run for each seed, then the other variants. When the minutes are over,
# the runs are ended. They have a checkpoint every SAVE_MINUTES (1), so the same command goes on, there or elsewhere.
# Nothing is judged here: run ablation_step_grpo.sh with the same numbers afterwards, on any CPU. It finds the runs done,
# judges them and prints the table.
#
# By arithmetic, not measured, since no GPU was to be had: a step of 6 × 8 replies decodes 50 tokens one after another, 25
# ms each, and updates in 0.5 s: 1.8 s alone, and with 12 side by side perhaps 4 s. 24 runs of 40 steps are two rounds of
# 160 s; loading and SFT take 90 s. Rehearse it on a CPU: SEEDS=0 SFT_STEPS=1 GRPO_STEPS=1 JOBS=1 MINUTES=60.
#
# From the environment: what ablation_step_grpo.sh takes, with GRPO_STEPS 40 and SFT_STEPS 150 unless given.
set -euo pipefail

export TRAIN=${1:?usage: $0 TRAIN_STEPS DEV_STEPS [FOLDER]}
export DEV=${2:?usage: $0 TRAIN_STEPS DEV_STEPS [FOLDER]}
export FOLDER=${3:-runs/gpu-ablation}
export ABLATION=$(cd "$(dirname "$0")" && pwd)/ablation_step_grpo.sh
export GRPO_STEPS=${GRPO_STEPS:-40} SFT_STEPS=${SFT_STEPS:-150} JUDGE=later OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export GRPO_OPTIONS="${GRPO_OPTIONS:-} --save-minutes ${SAVE_MINUTES:-1}"
end=$((SECONDS + ${MINUTES:-9} * 60))
mkdir -p "$FOLDER"

run_all() { # VARIANT… : each with every seed, JOBS at a time, until the minutes are over
  for variant; do
    for seed in ${SEEDS:-0 1 2}; do echo "$variant $seed"; done
  done | timeout --kill-after 20 "$((end > SECONDS ? end - SECONDS : 1))" xargs -P "${JOBS:-12}" -L 1 bash -c '
    VARIANTS=$0 SEEDS=$1 "$ABLATION" "$TRAIN" "$DEV" "$FOLDER" > "$FOLDER/$0-$1.log" 2>&1 ||
      echo "$0-$1 has ended early: $FOLDER/$0-$1.log"' || echo "the minutes are over; the same command goes on"
}

run_all sft
run_all online offline outcome sampled forget start plain paper longer
echo "trained until second $SECONDS; then: $ABLATION $TRAIN $DEV $FOLDER"
