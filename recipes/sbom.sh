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
found=""
for service in pypi osv; do
  echo "== pip-audit, advisories of $service"
  build/sbom/tools/bin/pip-audit --vulnerability-service "$service" --no-deps --disable-pip --timeout 15 --format json \
    --output build/sbom/"$service".json -r build/sbom/installed.txt 2>build/sbom/"$service".log || true
  if build/sbom/base/bin/python - build/sbom/"$service".json <<'PY'
import json
import sys

try:
    looked = json.load(open(sys.argv[1]))["dependencies"]
except OSError:
    sys.exit("no advisories can be reached from here")
known = [part for part in looked if "skip_reason" not in part]
weak = {part["name"]: [each["id"] for each in part["vulns"]] for part in known if part["vulns"]}
print(f"{len(known)} of {len(looked)} packages have been looked up; known weaknesses: {weak or 'none'}")
sys.exit(2 if weak else 0 if len(known) == len(looked) else "the others have no advisories here, which says nothing of them")
PY
  then exit 0; else found+=" $?"; fi
done
[[ $found != *2* ]] || { echo "there are known weaknesses" >&2; exit 1; }
echo "The bill of materials is written; known weaknesses could not be looked up for all packages."
