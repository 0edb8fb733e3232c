#!/usr/bin/env bash
# Every stage of training once, at toy size: gold steps, SFT, Step-GRPO offline and online, export, an answer.
#
#     recipes/smoke.sh [FOLDER]      (a temporary one, removed at the end, if not given)
#
# It shows that the stages fit together, minutes on two cores. Nothing useful is learnt from so little.
set -euo pipefail

folder=${1:-}
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
data=$(python -c 'import pathlib, r1router; print(pathlib.Path(r1router.__file__).parent / "demo_data")')
stage() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

stage "index the demo's files"
r1router index "$data/text" "$data/images/images.jsonl" "$data/tables" --kbs "$folder/kbs" --no-ocr

stage "gold steps"
r1router synthesize "$data/questions.jsonl" --from-gold --kbs "$folder/kbs" --out "$folder/steps.jsonl"

stage "SFT"
r1router train sft "$folder/steps.jsonl" --out "$folder/sft" \
  --optimizer-steps 3 --batch 4 --layers 4 --max-tokens 400 --save-every 3

stage "Step-GRPO, offline"
r1router train grpo "$folder/steps.jsonl" --adapter "$folder/sft/adapter" --out "$folder/offline" \
  --optimizer-steps 2 --samples 2 --groups 2 --max-prompt 400 --save-every 2

stage "Step-GRPO, online"
r1router train grpo "$folder/steps.jsonl" --adapter "$folder/offline/adapter" --out "$folder/online" \
  --online --kbs "$folder/kbs" --reward route=1 --reward evidence=1 --reward answer=1 \
  --optimizer-steps 2 --samples 2 --groups 2 --steps-per-question 2 --save-every 2

stage "export"
r1router train export "$folder/online/adapter" --form lora --form q8_0 --out "$folder/served"

stage "ask with the exported adapter, and with the merged weights"
for policy in "llamacpp:?lora=$folder/served/lora.gguf" "llamacpp:$folder/served/model.Q8_0.gguf"; do
  r1router ask "What is the currency of Thailand?" --kbs "$folder/kbs" --policy "$policy"
done

stage "done"
