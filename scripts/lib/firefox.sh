#!/bin/sh
# Runs Firefox ($FIREFOX). If the program that started it ends first, however it ends, then standard
# input closes: Firefox is ended, and its folder ($FIREFOX_FOLDER) removed.
exec 3<&0 </dev/null
(
  cat <&3 # until it closes
  kill -KILL $$ || exit
  # Firefox's helpers may write to the folder for a moment longer.
  for _ in 1 2 3; do
    rm -rf "${FIREFOX_FOLDER:?}"
    sleep 1
  done
) >/dev/null 2>&1 &
exec "$FIREFOX" "$@" 3<&-
