#!/usr/bin/env bash
# Builds the distributions, checks them, and tries the wheel in a fresh environment of each Python. Publishes nothing.
#
#   recipes/release.sh                           the change log has a section of this version, nothing is uncommitted
#   REHEARSE=1 PYTHONS=python3.12 recipes/release.sh       without these two, and with one Python
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
if [ -z "${REHEARSE:-}" ]; then
  grep -q "^## $version" CHANGELOG.md || { echo "CHANGELOG.md has no section '## $version'; give 'Unreleased' that name" >&2; exit 1; }
  [ -z "$(git status --porcelain)" ] || { echo "there are changes that are not committed" >&2; exit 1; }
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
first=""
for python in ${PYTHONS:-python3.11 python3.12 python3.13 python3.14}; do
  "$python" -c 'import venv, ensurepip' 2>/dev/null && first=${first:-$python} || echo "== $python is not here and is left out"
done
[ -n "$first" ] || { echo "no Python to check with" >&2; exit 1; }

echo "== building r1router $version"
"$first" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet build twine
rm -rf dist
"$work/tools/bin/python" -m build --outdir dist .
"$work/tools/bin/twine" check --strict dist/*

printf 'Oslo is the capital of Norway.\n' > "$work/oslo.txt"
for python in ${PYTHONS:-python3.11 python3.12 python3.13 python3.14}; do
  "$python" -c 'import venv, ensurepip' 2>/dev/null || continue
  echo "== the wheel in a fresh environment of $("$python" --version)"
  began=$SECONDS
  "$python" -m venv "$work/$python"
  "$work/$python/bin/pip" install --quiet dist/r1router-"$version"-*.whl
  "$work/$python/bin/pip" check
  echo "   installed in $((SECONDS - began)) s, $(du -sm "$work/$python" | cut -f1) MB"
  (
    cd "$work" && export PATH="$work/$python/bin:$PATH" && rm -rf kbs
    [ "$(r1router --version)" = "$version" ]
    python -m r1router methods > /dev/null
    r1router index oslo.txt
    r1router kb search text "capital of Norway" | grep -q Oslo
  )
  rm -rf "${work:?}/$python"
done

echo "== checked. To publish:"
echo "   git tag -a v$version -m 'r1router $version' && git push origin v$version"
echo "   twine upload dist/*"
