#!/usr/bin/env bash
# Lets a built collector load every configuration that we ship: test/validate.sh BINARY
# Files in config/quickstart/ are layers upon config/quickstart.yaml, and are loaded so, alone and all together.
set -euo pipefail
binary=$1
status=0

validate() {
  local files=() file
  for file in "$@"; do files+=(--config "$file"); done
  if output=$(OPENAI_API_KEY=example MLFLOW_TRACKING_URI=http://localhost:5000 REDIS_ENDPOINT=localhost:6379 \
    "$binary" validate "${files[@]}" 2>&1); then
    echo "valid: $*"
  else
    printf 'not valid: %s\n%s\n' "$*" "$output" >&2
    status=1
  fi
}

for file in config/*.yaml; do validate "$file"; done
for layer in config/quickstart/*.yaml; do validate config/quickstart.yaml "$layer"; done
validate config/quickstart.yaml config/quickstart/*.yaml
exit $status
