#!/usr/bin/env bash
# Installs Debian packages that are missing: test/install.sh PACKAGE... Says what to do where it can't.
set -euo pipefail

# have PACKAGE: whether what the package is wanted for is there, however it was installed.
have() {
  case $1 in
    libc6-dev) [[ -e /usr/include/stdio.h ]] ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=()
for package in "$@"; do
  have "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
  echo "needed and not found: ${missing[*]}; install them with this system's package manager" >&2
  exit 1
fi
as_root=()
if ((EUID != 0)); then
  as_root=(sudo -n)
  if ! sudo -n true 2>/dev/null; then
    echo "needed and not found: ${missing[*]}; run: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi
echo "installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! {
  "${as_root[@]}" apt-get update -qq &&
    # No service starts: the tests run their own servers on ports of their own.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
      apt-get install -y -qq --no-install-recommends "${missing[@]}"
} >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  exit 1
fi
