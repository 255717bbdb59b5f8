#!/bin/sh
# summary.sh LOGS NAME...: adds up what run_test.sh left of each named test and
# prints the one closing line.  Fails when anything failed, when a test left no
# counts, or when nothing ran.
set -eu

logs=$1
shift
passed=0 failed=0 skipped=0
failing=
for name in "$@"; do
    p=0 f=1 s=0
    [ ! -f "$logs/$name.count" ] || read -r p f s <"$logs/$name.count"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    [ "$f" = 0 ] || failing="$failing $name"
done
[ -z "$failing" ] || printf 'failing:%s (see %s/NAME.log)\n' "$failing" "$logs"
[ $((passed + failed)) -gt 0 ] || echo "no test ran"
printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped" | tee "$logs/summary"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
