#!/usr/bin/env bash
# Brings what npm cannot: bubblewrap (sandboxes), boto3 for Python functions where there is a Python,
# and, with "clients", what the tests drive Skerry with (boto3 and the aws CLI in a virtual
# environment, a Go toolchain, curl).
# As root on a machine with apt-get it installs what is missing and says so; anywhere else it prints
# the exact command and stops. SKERRY_NO_INSTALL=1 only checks.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need bwrap bubblewrap
need unshare util-linux
if [ "${1:-}" = clients ]; then
  need curl curl
  need python3 python3
  need go golang-go
  # PyPI has version 1 of the aws CLI; `logs tail` came with version 2, which Debian packages.
  [ -x /usr/bin/aws ] || ! apt-cache policy awscli 2>/dev/null | grep -q 'Candidate: 2' ||
    missing+=(awscli)
fi

if [ "${1:-}" = clients ] || command -v python3 >/dev/null; then
  python3 -c 'import ensurepip' >/dev/null 2>&1 || missing+=(python3-venv)
fi

if [ ${#missing[@]} -gt 0 ]; then
  command="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "${SKERRY_NO_INSTALL:-}" != 1 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "skerry: installing ${missing[*]} (${command})" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    $command >/dev/null
  else
    echo "skerry: missing ${missing[*]}. Run: sudo ${command}" >&2
    exit 1
  fi
fi

# Python functions find boto3 without bundling it, as on AWS; it must come from somewhere.
if [ "${1:-}" != clients ] && command -v python3 >/dev/null && [ ! -d .venv ]; then
  echo "skerry: installing boto3 for Python functions into .venv" >&2
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check boto3
fi

if [ "${1:-}" = clients ]; then
  stamp=.venv/.skerry-clients
  wanted=$(cat test/wire/requirements.txt)
  if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
    echo "skerry: installing the Python clients the tests use into .venv" >&2
    python3 -m venv --clear .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r test/wire/requirements.txt
    printf '%s' "$wanted" >"$stamp"
  fi
fi
