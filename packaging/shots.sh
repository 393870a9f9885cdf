#!/usr/bin/env bash
# Saves a picture of every tab, state and dialog in both themes, languages and sizes: shots.sh FOLDER
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages test
set_up test
export QT_QPA_PLATFORM=offscreen
exec "$python" "$root/tests/shots/run.py" "$@"
