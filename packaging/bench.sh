#!/usr/bin/env bash
# Measures start-up, responsiveness and generation; prints a table and writes JSON. Arguments go to the benchmark.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages test
set_up test
exec "$python" "$root/tests/bench/run.py" "$@"
