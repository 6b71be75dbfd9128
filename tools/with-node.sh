#!/bin/sh
# with-node.sh PROGRAM.ts ...: runs a program of the tests or benchmarks with the Node and the parts that it needs, and gets them first.
set -eu
cd "$(dirname "$0")/.."
. tools/runtime.sh
mkdir -p .runtime
larder_ready_node
larder_install_parts all
exec node "$@"
