# SPDX-License-Identifier: Apache-2.0
# Sourced by the programs beside it. Messages go to stderr: stdout belongs to what they run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# fail MESSAGE HINT [STATUS]
fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

need_value() { [ $# -ge 2 ] || fail "$1 needs a value" "see ${0##*/} --help" 2; }

# Two compiles for each 3 GiB, because a translation unit with Boost and toml++ takes 1 GiB or more.
jobs_default() {
  local cores memory_kib by_memory
  cores=$(nproc 2>/dev/null || echo 1)
  memory_kib=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo 2>/dev/null)
  by_memory=$((${memory_kib:-3145728} / 1572864))
  [ "$by_memory" -ge 1 ] || by_memory=1
  if [ "$cores" -lt "$by_memory" ]; then echo "$cores"; else echo "$by_memory"; fi
}

# setup [GROUP]...
setup() { "$root/tools/setup" "$@" || exit $?; }

# True when a file that decides what is built is newer than the build files, or there are none.
must_configure() {
  local build=$1
  [ -e "$build/build.ninja" ] || return 0
  [ -n "$(find "$root" \( -path "$root/build" -o -path "$root/.git" \) -prune -o \
    \( -name CMakeLists.txt -o -name CMakePresets.json \) -newer "$build/build.ninja" -print -quit)" ]
}

# configure PRESET [cmake argument]...
configure() {
  local preset=$1 log
  shift
  local build=$root/build/$preset
  must_configure "$build" || return 0
  say "configuring build/$preset"
  mkdir -p "$build"
  log=$build/configure.log
  (cd "$root" && cmake --preset "$preset" "$@") >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    fail "cmake could not configure build/$preset" "the whole log is $log; to start afresh: rm -r $build"
  }
  # CMake leaves build.ninja alone when nothing in it changed; its time still says when it was checked.
  touch "$build/build.ninja"
}

# logged LOG COMMAND...: runs it with its output in LOG, and every half minute says the last line of it.
logged() {
  local log=$1 ticker status=0
  shift
  : >"$log"
  (
    trap 'kill "$nap" 2>/dev/null; exit' TERM
    while true; do
      sleep 30 &
      nap=$!
      wait "$nap"
      printf '%s: ... %s\n' "${0##*/}" "$(tail -c 400 "$log" | tr '\r' '\n' | grep . | tail -n 1 | cut -c 1-100)" >&2
    done
  ) &
  ticker=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$ticker" 2>/dev/null
  wait "$ticker" 2>/dev/null || true
  return "$status"
}

# build PRESET JOBS [target]...: shows ninja's own progress on a terminal, else one line a half minute.
build() {
  local preset=$1 jobs=$2
  shift 2
  local build=$root/build/$preset
  say "building what is out of date in build/$preset, $jobs at a time"
  if [ -t 2 ]; then
    ninja -C "$build" -j "$jobs" "$@" >&2 || fail "the build failed" "the first error above is the one to read"
  elif ! logged "$build/build.log" ninja -C "$build" -j "$jobs" "$@"; then
    grep -A 40 -m 1 '^FAILED' "$build/build.log" >&2 || tail -n 40 "$build/build.log" >&2
    fail "the build failed" "the whole log is $build/build.log"
  elif grep -q '^ninja: no work to do' "$build/build.log"; then
    say "build/$preset is up to date"
  fi
}
