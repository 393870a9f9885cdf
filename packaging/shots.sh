#!/usr/bin/env bash
# Saves a picture of every tab, state and dialog in both themes, languages and sizes: shots.sh FOLDER
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_window_packages || exit 1
if may_install && ! dpkg -s fonts-noto-cjk >/dev/null 2>&1; then install_packages fonts-noto-cjk; fi
set_up test
export QT_QPA_PLATFORM=offscreen
exec "$python" "$root/tests/shots/run.py" "$@"
