# Sourced by ./test: installs what the tests need and the machine lacks, and says what it could not get. Tests whose tool is
# missing skip themselves by name, so nothing here is fatal.

# The go command of Debian 12, whose own check of checksum databases is broken. It lies beside the machine's go: not on the PATH.
larder_if_debian_12() {
  # shellcheck disable=SC1091
  (. /etc/os-release && [ "$ID-$VERSION_ID" = debian-12 ]) 2>/dev/null && echo "$1"
  return 0
}

larder_test_packages() {
  command -v go >/dev/null 2>&1 || echo golang-go
  [ -x /usr/lib/go-1.19/bin/go ] || larder_if_debian_12 golang-1.19-go
  command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || echo nginx-light
  command -v git >/dev/null 2>&1 || echo git
  command -v strace >/dev/null 2>&1 || echo strace
  command -v faketime >/dev/null 2>&1 || echo faketime
  command -v openssl >/dev/null 2>&1 || echo openssl
  command -v python3 >/dev/null 2>&1 || echo python3
  command -v curl >/dev/null 2>&1 || echo curl
  [ -x /usr/sbin/sshd ] || echo openssh-server
  command -v ssh >/dev/null 2>&1 || echo openssh-client
  command -v ip >/dev/null 2>&1 || echo iproute2
}

larder_get_test_packages() {
  packages=$(larder_test_packages | tr '\n' ' ')
  [ -n "$packages" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then larder_say "not found here, and no apt-get to install it: $packages"; return 0; fi
  as_root=""
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then larder_say "not root, so not installed: $packages (sudo apt-get install $packages)"; return 0; fi
    as_root="sudo -n"
  fi
  larder_say "installing for the tests: $packages"
  export DEBIAN_FRONTEND=noninteractive
  $as_root apt-get update -qq >.runtime/apt.log 2>&1 || true
  for package in $packages; do
    # nginx and sshd must not start servers of their own: the tests run theirs.
    $as_root env RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$package" >>.runtime/apt.log 2>&1 || larder_say "could not install $package (see .runtime/apt.log)"
  done
}
