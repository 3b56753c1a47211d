#!/usr/bin/env bash
# fairseq's metadata asks for hydra-core<1.1, which current pip cannot install: its real needs are in xlprobe.yaml.
set -euo pipefail
pip install --no-deps fairseq==0.12.2
