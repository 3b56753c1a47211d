#!/usr/bin/env bash
# Resolve requirements.in into requirements.txt and xlprobe.yaml, in a fresh environment.   usage: lock.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${1:-python3.11}" -m venv "$scratch"
"$scratch/bin/pip" install --quiet --upgrade pip
"$scratch/bin/pip" install --quiet -r torch.txt -r requirements.in
# torch and fairseq are pinned in files of their own; `pip freeze` names builds that no registry has.
"$scratch/bin/pip" freeze | grep -viE '^(torch|fairseq)==' > requirements.txt
{
  sed '/^  - pip:$/q' xlprobe.yaml
  cat torch.txt requirements.txt | sed 's/^/      - /'
} > "$scratch/xlprobe.yaml"
mv "$scratch/xlprobe.yaml" xlprobe.yaml
