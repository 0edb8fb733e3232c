#!/usr/bin/env bash
# Writes a bill of materials of the base install, and looks for known weaknesses in it: what a user gets with `pip install .`.
#
#   recipes/sbom.sh [PYTHON]      build/sbom.json (CycloneDX), and what pip-audit says
#
# Needs a package index; without the advisories of pypi.org or osv.dev, the second part says so, and the first one stands.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
rm -rf build/sbom && mkdir -p build/sbom
"$python" -m venv build/sbom/base
"$python" -m venv build/sbom/tools
echo "== the base install"
build/sbom/base/bin/pip install --quiet --disable-pip-version-check -c constraints.txt .
echo "== cyclonedx-bom, pip-audit"
build/sbom/tools/bin/pip install --quiet --disable-pip-version-check cyclonedx-bom pip-audit
build/sbom/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
  --output-file build/sbom.json build/sbom/base/bin/python
build/sbom/base/bin/python - <<'PY'
import json

parts = json.load(open("build/sbom.json"))["components"]
unlicensed = [part["name"] for part in parts if not part.get("licenses")]
print(f"build/sbom.json: {len(parts)} packages, {len(parts) - len(unlicensed)} with a licence in it")
print("without:", ", ".join(unlicensed) or "none")
PY
build/sbom/base/bin/pip freeze --exclude r1router >build/sbom/installed.txt
for service in pypi osv; do
  echo "== pip-audit, advisories of $service"
  if build/sbom/tools/bin/pip-audit --vulnerability-service "$service" --no-deps --disable-pip --timeout 15 \
    -r build/sbom/installed.txt 2>build/sbom/"$service".log; then
    exit 0
  fi
  if ! grep -qiE "connection|resolve|proxy|timed out|http error|refused|service error" build/sbom/"$service".log; then
    cat build/sbom/"$service".log
    exit 1  # there are known weaknesses, or it could not read the list
  fi
  echo "no advisories from here: $(tail -1 build/sbom/"$service".log)"
done
