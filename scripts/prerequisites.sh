#!/usr/bin/env bash
# Brings what npm cannot: bubblewrap (sandboxes), boto3 for Python functions where there is a Python;
# with "bench" the load generator and what peers are installed with; and, with "clients", what the tests drive Skerry with (boto3 and the aws CLI in a virtual
# environment, a Go toolchain, curl, and the client of Java functions where there is a Maven).
# As root on a machine with apt-get it installs what is missing and says so. Anywhere else it prints
# the exact command, and stops if what is missing is needed; tests skip what is merely useful.
# SKERRY_NO_INSTALL=1 only looks.
set -euo pipefail
cd "$(dirname "$0")/.."
mode="${1:-}"

needed=()
useful=()
has() { command -v "$1" >/dev/null 2>&1; }
has bwrap || needed+=(bubblewrap)
has unshare || needed+=(util-linux)
if [ "$mode" = clients ]; then
  has curl || useful+=(curl)
  has python3 || useful+=(python3)
  has go || useful+=(golang-go)
  # PyPI has version 1 of the aws CLI; `logs tail` came with version 2, which Debian packages.
  [ -x /usr/bin/aws ] || useful+=(awscli)
fi
if [ "$mode" = bench ]; then
  has wrk || useful+=(wrk)
  has python3 || useful+=(python3)
  has go || useful+=(golang-go)
fi
if [ "$mode" != "" ] || has python3; then
  python3 -c 'import ensurepip' >/dev/null 2>&1 || useful+=(python3-venv)
fi

if [ ${#needed[@]} -gt 0 ] || [ ${#useful[@]} -gt 0 ]; then
  if [ "${SKERRY_NO_INSTALL:-}" != 1 ] && [ "$(id -u)" = 0 ] && has apt-get; then
    echo "skerry: installing ${needed[*]} ${useful[*]} with apt-get" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    if [ ${#needed[@]} -gt 0 ]; then
      apt-get install -y --no-install-recommends "${needed[@]}" >/dev/null
    fi
    for package in "${useful[@]}"; do
      apt-get install -y --no-install-recommends "$package" >/dev/null ||
        echo "skerry: no package ${package} here; what needs it is skipped" >&2
    done
  else
    echo "skerry: missing ${needed[*]} ${useful[*]}." \
      "Run: sudo apt-get install -y ${needed[*]} ${useful[*]}" >&2
    [ ${#needed[@]} -eq 0 ] || exit 1
  fi
fi

# Java functions run in AWS's published client; only Maven can bring it.
if [ "$mode" = clients ] && has mvn && has java; then
  wanted=$(cat guest/java/pom.xml)
  if [ "$(cat .java-client/.pom 2>/dev/null || true)" != "$wanted" ]; then
    echo "skerry: bringing AWS's Java runtime interface client into .java-client" >&2
    rm -rf .java-client .java-client.new
    if mvn -q -B -f guest/java/pom.xml dependency:copy-dependencies \
      -DoutputDirectory="$PWD/.java-client.new" >&2; then
      printf '%s' "$wanted" >.java-client.new/.pom
      mv .java-client.new .java-client
    else
      rm -rf .java-client.new
      echo "skerry: Maven could not bring it; tests that need it are skipped" >&2
    fi
  fi
fi

has python3 && python3 -c 'import ensurepip' >/dev/null 2>&1 || exit 0

# Python functions find boto3 without bundling it, as on AWS; it must come from somewhere.
if [ "$mode" != clients ] && [ ! -d .venv ]; then
  echo "skerry: installing boto3 for Python functions into .venv" >&2
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check boto3
fi

if [ "$mode" = clients ]; then
  stamp=.venv/.skerry-clients
  wanted=$(cat test/wire/requirements.txt)
  if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
    echo "skerry: installing the Python clients the tests use into .venv" >&2
    python3 -m venv --clear .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r test/wire/requirements.txt
    printf '%s' "$wanted" >"$stamp"
  fi
fi
