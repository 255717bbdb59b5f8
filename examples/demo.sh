#!/bin/bash
# demo.sh: a Monday morning with crm.  Makes a sample company (made up, no real
# person or company), lets the rules judge its customers, and prints what a
# sales manager wants to know.  Above each result stands the command that
# printed it: all of it can be typed by hand on any file.
#
#   CRM=build/crm BUILD=build examples/demo.sh [FILE]
set -eu

crm=${CRM:-build/crm}
build=${BUILD:-build}
file=${1:-$build/demo/sample.crm}
now=2025-06-30T08:00 # a Monday; the clock stands still, so the report is the same each time
width=${COLUMNS:-80}
[ "$width" -le 120 ] || width=120

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'
else
    bold='' dim='' off=''
fi

milliseconds() {
    local nanoseconds
    nanoseconds=$(date +%s%N)
    echo $((nanoseconds / 1000000))
}

heading() {
    printf '\n%s%s%s\n' "$bold" "$1" "$off"
}

# Shows the command as one would type it, runs it, says how long it took.
run() {
    local verb=$1 shown="crm $1 $(basename "$file")" word begin
    shift
    for word in "$@"; do
        case $word in
        *[!a-zA-Z0-9_=:,.@+-]*) shown+=" '$word'" ;;
        *) shown+=" $word" ;;
        esac
    done
    printf '%s$ %s%s\n' "$dim" "$shown" "$off"
    begin=$(milliseconds)
    "$crm" "$verb" "$file" "$@" --now "$now" --width "$width"
    printf '%s  %d ms%s\n' "$dim" $(($(milliseconds) - begin)) "$off"
}

# One value of the first row of a list, for the next command.
first() {
    local column=$1
    shift
    "$crm" list "$file" "$@" --now "$now" --limit 1 --columns "$column" --format csv | sed -n 2p | tr -d '"\r'
}

rm -f "$file" "$file-index"
mkdir -p "$(dirname "$file")"

heading "A sample company, its two years played through day by day"
begin=$(milliseconds)
"$build/tools/generate_company" "$file"
printf '%s  %d ms%s\n' "$dim" $(($(milliseconds) - begin)) "$off"

heading "Monday, 30 June 2025: who has gone quiet?  The rules judge every customer"
printf '%sEach by its own rhythm, not by one number of days for all.%s\n' "$dim" "$off"
run lifecycle evaluate --actor rules --reason "Monday's review"

heading "The pipeline: what is open, what is it worth, what may we count on?"
run report pipeline

heading "By region, the deals that are still open"
run count opportunity --by owner.region --where outcome = open

heading "The lifecycle: where customers stand and who moved since last month"
run lifecycle report --since -1m

heading "Customers that drift: the latest moves, each with its evidence"
run list transition --where to = drifting --where 'at > -1m' --order at --desc --limit 8 \
    --columns at,subject,evidence

drifting=$(first id customer --where stage = drifting --order stage_since --desc)
heading "One of them, all round: master data, people, deals"
run show "$drifting"
heading "... and everything that happened, newest first"
run timeline "$drifting" --limit 12

heading "What is due this week"
run list interaction --where status = planned --where 'due < +7d' --order due --limit 8 --columns due,subject,customer,owner

heading "The same pipeline as it was six months ago"
printf '%sNothing was saved for this: every state the file ever had is still in it.%s\n' "$dim" "$off"
run report pipeline --as-of -6m

heading "The file"
run stat
printf '\nYours to play with: %s\n  %s list %s customer --where stage = drifting\n  %s %s\n' \
    "$file" "$crm" "$file" "$crm" "$file"
