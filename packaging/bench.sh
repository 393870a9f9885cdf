#!/usr/bin/env bash
# Measures start-up, responsiveness and generation; prints a table and writes JSON. Arguments go to the benchmark.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_window_packages || exit 1
set_up test
exec "$python" "$root/tests/bench/run.py" "$@"
