#!/usr/bin/env bash
# Brings up a throw-away PostgreSQL 15 with pgvector from Debian's packages, without touching the system's own.
#   .ci/postgres.sh start [PORT]   prints the connection string on the last line
#   .ci/postgres.sh stop
# Everything lives in PG_HOME (default: .cache/postgres under the checkout). Works as root and as a plain user.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
home=${PG_HOME:-$root/.cache/postgres}
port=${2:-5544}
bin=$home/root/usr/lib/postgresql/15/bin

install() {
  [ -f "$home/root/usr/share/postgresql/15/extension/vector.control" ] && return
  mkdir -p "$home/debs" "$home/root" "$home/lists/partial" "$home/src"
  cd "$home/debs"
  local uri
  uri=$(grep -hE '^(URIs:|deb )' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 || true)
  [ -n "$uri" ] || { echo "no Debian package source is configured" >&2; exit 1; }
  local suite
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
  echo "deb $uri bookworm main" > "$home/sources.list"
  # pgvector 0.8 is built from the source package of the release after bookworm.
  echo "deb-src $uri trixie main" >> "$home/sources.list"
  local apt=(-o "Dir::Etc::sourcelist=$home/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$home/lists" -o APT::Sandbox::User= -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=")
  apt-get "${apt[@]}" update -qq
  apt-get "${apt[@]}" download -qq postgresql-15 postgresql-client-15 postgresql-server-dev-15 libpq5 libpq-dev pgbouncer libevent-2.1-7 libc-ares2 >&2
  for package in *.deb; do dpkg -x "$package" "$home/root"; done
  cd "$home/src"
  apt-get "${apt[@]}" source -qq --download-only pgvector >&2
  rm -rf pgvector
  dpkg-source -x pgvector_*.dsc pgvector >&2
  make -s -C pgvector OPTFLAGS= with_llvm=no PG_CONFIG="$bin/pg_config" CPPFLAGS="-I$home/root/usr/include/postgresql -I$home/root/usr/include" install >&2
}

# initdb and postgres refuse to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || useradd --system --no-create-home postgres
    setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups "$@"
  else
    "$@"
  fi
}

start() {
  install >&2
  cd /
  local data=$home/data run=$home/run
  mkdir -p "$run"
  if [ ! -f "$data/PG_VERSION" ]; then
    rm -rf "$data"
    mkdir -p "$data"
    [ "$(id -u)" = 0 ] && { id postgres >/dev/null 2>&1 || useradd --system --no-create-home postgres; chown -R postgres "$data" "$run"; chmod o+x "$home"; }
    as_postgres "$bin/initdb" -D "$data" -U insight -A trust --no-sync --encoding UTF8 --locale C.UTF-8 >&2
  fi
  if ! as_postgres "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; then
    as_postgres "$bin/pg_ctl" -D "$data" -w -l "$run/log" -o "-p $port -k $run -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200 -c shared_buffers=512MB -c maintenance_work_mem=512MB -c max_parallel_maintenance_workers=1" start >&2
  fi
  echo "postgres://insight@127.0.0.1:$port/postgres"
}

case ${1:-} in
  start) start ;;
  stop) cd /; as_postgres "$bin/pg_ctl" -D "$home/data" -m fast stop >&2 ;;
  *) echo "usage: $0 start [PORT] | stop" >&2; exit 2 ;;
esac
