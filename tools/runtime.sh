# Sourced by ./larder and ./test after they changed to the project's folder: puts a Node that is new enough first on PATH.
# The system's own is used when it will do; otherwise the pinned one comes from the npm registry, where it is an ordinary package,
# into the git-ignored .runtime/ (tools/runtime/package-lock.json pins its hash).

larder_say() { printf 'larder: %s\n' "$*" >&2; }
larder_die() { larder_say "$1"; larder_say "what to do: $2"; exit 1; }

# Node 22.19 is the floor: undici's, the highest of the parts (package.json "engines").
larder_node_will_do() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)' 2>/dev/null
}

larder_runtime_node() {
  for found in .runtime/node_modules/*/bin/node; do
    [ -x "$found" ] && { printf '%s/%s' "$PWD" "$found"; return; }
  done
}

# Two first uses at once must not install into each other: the first to make the folder works, the other waits.
larder_locked() { # larder_locked NAME COMMAND...
  lock=".runtime/$1.lock"
  shift
  mkdir -p .runtime
  tries=0
  while ! mkdir "$lock" 2>/dev/null; do
    tries=$((tries + 1))
    holder=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$lock"; continue; fi
    [ "$tries" -gt 300 ] && larder_die "another start has been preparing for five minutes" "remove $PWD/$lock if none is running"
    sleep 1
  done
  echo "$$" >"$lock/pid"
  trap 'rm -rf "$lock"' EXIT
  "$@"
  rm -rf "$lock"
  trap - EXIT
}

larder_install_node() {
  [ -n "$(larder_runtime_node)" ] && return
  command -v npm >/dev/null 2>&1 || larder_die "no Node 22.19 or newer, and no npm to get one with" "install Node 24 (nodejs.org or your system's packages)"
  larder_say "this machine's Node is too old: getting Node 24 (once, about 50 MB) ..."
  cp tools/runtime/package.json tools/runtime/package-lock.json tools/runtime/.npmrc .runtime/
  (cd .runtime && npm ci --loglevel=error >install.log 2>&1) || {
    cat .runtime/install.log >&2
    larder_die "Node 24 could not be installed" "check that npm reaches its registry (npm ping), or install Node 24 yourself"
  }
}

larder_ready_node() {
  system=$(command -v node || true)
  if [ -n "$system" ] && larder_node_will_do "$system"; then return; fi
  [ -n "$(larder_runtime_node)" ] || larder_locked node larder_install_node
  own=$(larder_runtime_node)
  [ -n "$own" ] || larder_die "there is no ready-made Node 24 for $(uname -sm) in the npm registry" "install Node 24 and put it on PATH"
  larder_node_will_do "$own" || larder_die "the ready-made Node 24 does not run on this system (musl instead of glibc?)" "install Node 24 from your system's packages"
  PATH="$(dirname "$own"):$PATH"
  export PATH
}

# node_modules holds what the lockfile says: `run` = what ./larder needs, `all` = with the tools of ./test.
larder_install_parts() { # larder_install_parts run|all
  want="$(cksum <package-lock.json)"
  [ "$(cat node_modules/.larder-all 2>/dev/null)" = "$want" ] && return
  [ "$1" = run ] && [ "$(cat node_modules/.larder-run 2>/dev/null)" = "$want" ] && return
  # Where the tools of ./test are, they stay.
  if [ "$1" = run ] && [ ! -f node_modules/.larder-all ]; then set -- run --omit=dev; else set -- all --include=dev; fi
  mkdir -p .runtime
  larder_say "installing the parts (npm ci) ..."
  npm ci "$2" --loglevel=error >.runtime/npm-ci.log 2>&1 || {
    cat .runtime/npm-ci.log >&2
    larder_die "npm ci failed" "check that npm reaches its registry (npm ping), then try again"
  }
  printf '%s\n' "$want" >"node_modules/.larder-$1"
}

# What the build is made from, in one line. By content: an unpacked archive may be older than the last build.
larder_sources() {
  find src tools/rolldown.config.ts package.json package-lock.json -type f ! -name '*.test.ts' -exec cksum {} + | sort | cksum
}

larder_sources_changed() {
  [ -f dist/main.js ] || return 0
  [ "$(cat dist/.sources 2>/dev/null)" != "$(larder_sources)" ]
}

larder_build() {
  larder_sources_changed || return 0
  larder_install_parts run
  larder_say "building ..."
  rm -rf .runtime/dist
  LARDER_BUILD_DIR=.runtime/dist node node_modules/rolldown/bin/cli.mjs -c tools/rolldown.config.ts >.runtime/build.log 2>&1 || {
    cat .runtime/build.log >&2
    larder_die "the build failed" "undo local changes under src/, or report the lines above"
  }
  larder_sources >.runtime/dist/.sources
  rm -rf dist
  mv .runtime/dist dist
}
