#!/usr/bin/env bash
# What each part of Step-GRPO is worth (the ablation of arXiv 2505.22095, table 3), every variant judged on dev steps.
#
#     recipes/ablation_step_grpo.sh TRAIN_STEPS DEV_STEPS [FOLDER]
#
#   prompt    the base model with the default prompts, which hold examples
#   sft       SFT on the gold steps
#   longer    then SFT again, for about the same compute as the variants below
#   outcome   then GRPO on answers alone: plans earn nothing of their own
#   paper     then Step-GRPO on gold histories with the published rewards, loss, scale and KL
#   offline   the same with sums over tokens, no scale and no KL
#   online    then Step-GRPO on questions that the policy works itself, searching KBS: all of it, and without
#     plain     rewards of their own for plans and queries (the answers alone)
#     forget    rehearsal
#     start     questions that begin between their hops
#     sampled   the expectation over labels
#
# A step of 6 × 8 online took 55 to 60 s on one core with AVX-512 bfloat16, one of 4 × 8 offline is guessed
# at 50. So a variant of 100 steps may take an hour and a half, and all nine with three seeds some 40 hours; none of them
# has been run to its end. Interrupt it as you like.
#
# From the environment: BASE (the default model), KBS (kbs), SEEDS ("0 1 2"), SFT_STEPS (-1, one epoch), GRPO_STEPS (100),
# LONGER_STEPS (as many), QUESTIONS (files for online in place of TRAIN_STEPS), SAMPLES (8), GROUPS_PER_STEP (6), LAYERS (0, all), LIMIT (dev steps asked, 300), THREADS (of the embedded policy). With
# SFT_ADAPTER (a folder) every seed starts from that adapter, and no SFT is run. GRPO_OPTIONS and ONLINE_OPTIONS are more
# options of `r1router train grpo`, such as "--learning-rate 5e-5 --max-prompt 400", "--pictures FOLDER".
# FOLDER (runs/ablation) keeps all runs; the same command again goes on where it stopped, and other numbers for the runs
# in it are refused. A table is printed at the end. VARIANTS ("sft longer outcome …", all) names those to run, and
# JUDGE=later trains only: the same command without it judges what is there.
set -euo pipefail

train=${1:?usage: $0 TRAIN_STEPS DEV_STEPS [FOLDER]}
dev=${2:?usage: $0 TRAIN_STEPS DEV_STEPS [FOLDER]}
folder=${3:-runs/ablation}
short=$(python -c 'from r1router.train.settings import SHORT; print(SHORT)')
base=${BASE:-}
threads=${THREADS:+threads=$THREADS&}
mkdir -p "$folder"

is_wanted() { # VARIANT
  case " ${VARIANTS:-prompt sft longer outcome paper offline online plain forget start sampled} " in
    *" $1 "*) ;;
    *) return 1 ;;
  esac
}
judge() { # VARIANT-SEED POLICY
  [ "${JUDGE:-}" != later ] || return 0
  if [ ! -e "$folder/$1.json" ] || [ "$folder/$1/served/lora.gguf" -nt "$folder/$1.json" ]; then
    r1router train evaluate "$dev" --policy "$2" --train-steps "$train" --limit "${LIMIT:-300}" \
      --json "$folder/$1.json"
  fi
}
served() { # VARIANT-SEED ADAPTER: what was trained, as the embedded policy serves it
  [ "${JUDGE:-}" != later ] || return 0
  if [ ! -e "$folder/$1/served/lora.gguf" ] || [ "$2" -nt "$folder/$1/served/lora.gguf" ]; then
    r1router train export "$2" --base "$base" --form lora --out "$folder/$1/served"
  fi
  judge "$1" "llamacpp:$base?${threads}lora=$folder/$1/served/lora.gguf"
}
grpo() { # VARIANT SEED [OPTION…]
  is_wanted "$1" || return 0
  r1router train grpo ${files:-"$train"} --base "$base" --adapter "$start" \
    --out "$folder/$1-$2" --seed "$2" --optimizer-steps "${GRPO_STEPS:-100}" --samples "${SAMPLES:-8}" \
    --groups "${GROUPS_PER_STEP:-6}" ${GRPO_OPTIONS:-} "${@:3}"
  served "$1-$2" "$folder/$1-$2/adapter"
}

! is_wanted prompt || judge prompt-0 "llamacpp:$base?${threads}lora=none"
for seed in ${SEEDS:-0 1 2}; do
  start=${SFT_ADAPTER:-$folder/sft-$seed/adapter}
  [ -n "${SFT_ADAPTER:-}" ] || r1router train sft "$train" --base "$base" --out "$folder/sft-$seed" \
    --seed "$seed" --optimizer-steps "${SFT_STEPS:--1}" --layers "${LAYERS:-0}" --prompts "$short"
  served "sft-$([ -n "${SFT_ADAPTER:-}" ] && echo given || echo "$seed")" "$start"
  ! is_wanted longer || r1router train sft "$train" --base "$base" --adapter "$start" --out "$folder/longer-$seed" --seed "$((seed + 100))" \
    --optimizer-steps "${LONGER_STEPS:-${GRPO_STEPS:-100}}"
  ! is_wanted longer || served "longer-$seed" "$folder/longer-$seed/adapter"
  files=
  grpo outcome "$seed" --reward answer=1
  grpo paper "$seed" --reward published=1 --beta 0.01 --loss grpo --scale group
  grpo offline "$seed" --reward published=1
  files=${QUESTIONS:-}
  live=(--online --kbs "${KBS:-kbs}" ${ONLINE_OPTIONS:-})
  each=(--reward evidence_rank=1 --reward query=1 --reward format=0.2 --decide plan --decide query)
  kept=(--rehearse "$train=0.1")
  grpo online "$seed" "${live[@]}" "${each[@]}" "${kept[@]}" --anywhere --labels expected
  grpo plain "$seed" "${live[@]}" "${kept[@]}" --reward answer=1 --reward format=0.2
  grpo forget "$seed" "${live[@]}" "${each[@]}" --anywhere --labels expected
  grpo start "$seed" "${live[@]}" "${each[@]}" "${kept[@]}" --labels expected
  grpo sampled "$seed" "${live[@]}" "${each[@]}" "${kept[@]}" --anywhere
done

python - "$folder" <<'PYTHON'
import json, pathlib, statistics, sys

wanted = ("format_valid", "route_accuracy", "route_macro", "sub_question_cosine", "answer/length_aware", "final/length_aware")
files = sorted(pathlib.Path(sys.argv[1]).glob("*-*.json"))
print("{:<10} {:>5}".format("variant", "seeds"), *("{:>21}".format(name) for name in wanted))
for variant in "prompt sft longer outcome paper offline online plain forget start sampled".split():
    runs = [json.loads(file.read_text())["scores"]["policy"] for file in files if file.name.startswith(variant + "-")]
    cells = []
    for name in wanted:
        values = [run["scores"][name]["mean"] for run in runs if name in run["scores"]]
        spread = " ± {:.3f}".format(statistics.stdev(values)) if len(values) > 1 else ""
        cells.append("{:.3f}{}".format(statistics.mean(values), spread) if values else "·")
    print("{:<10} {:>5}".format(variant, len(runs)), *("{:>21}".format(cell) for cell in cells))
PYTHON
