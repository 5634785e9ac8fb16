#!/usr/bin/env bash
# House rules that golangci-lint has no linter for: every package has tests, and every test package looks for leaked
# goroutines. Generated packages are their generator's business.
set -euo pipefail
status=0
while read -r dir; do
  case $dir in */internal/metadata | */internal/metadatatest) continue ;; esac
  if ! compgen -G "$dir/*_test.go" >/dev/null; then
    echo "$dir: no tests" >&2
    status=1
  elif ! grep -q 'goleak\.' "$dir"/*_test.go; then
    echo "$dir: no goleak TestMain" >&2
    status=1
  fi
done < <(git ls-files 'internal/*.go' 'processor/*.go' 'exporter/*.go' 'extension/*.go' | xargs -n1 dirname | sort -u)
exit $status
