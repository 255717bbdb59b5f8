#!/bin/bash
# demo.sh: a Monday morning with crm.  Makes a sample company (made up, no real
# person or company), lets the rules judge its customers, and prints what a
# sales manager wants to know.  Above each result stands the command that
# printed it: all of it can be typed by hand on any file.
#
#   CRM=build/crm BUILD=build examples/demo.sh [FILE]
set -eu

crm=$(realpath "${CRM:-build/crm}")
build=$(realpath "${BUILD:-build}")
path=$(realpath -m "${1:-$build/demo/sample.crm}")
started=$PWD
exec 3>&1 # what is printed goes on where it is, also when that is a file
now=2025-06-30T08:00 # a Monday; the clock stands still, so the report is the same each time
width=80

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

# The command as one would type it, broken before the width's end.
show_command() {
    local line="$ crm" word
    for word in "$@"; do
        case $word in
        \>*) ;;
        *[!a-zA-Z0-9_=:,.@+-]*) word="'$word'" ;;
        esac
        if [ $((${#line} + ${#word})) -gt $((width - 4)) ]; then
            printf '%s%s \\%s\n' "$dim" "$line" "$off"
            line="     "
        fi
        line+=" $word"
    done
    printf '%s%s%s\n' "$dim" "$line" "$off"
}

# Shows the command, runs it (into $result when that is set), says how long it took.  The notes that tell how to
# go on behind a page are left out: they are for a next command.
run() {
    local verb=$1 begin end notes
    shift
    show_command "$verb" "$file" "$@" ${result:+">$result"}
    notes=$(mktemp)
    begin=$(milliseconds)
    if [ -n "${result:-}" ]; then
        exec 3>"$result"
    fi
    "$crm" "$verb" "$file" "$@" --now "$now" --width "$width" >&3 2>"$notes" || {
        cat "$notes" >&2
        rm -f "$notes"
        exit 1
    }
    end=$(milliseconds)
    exec 3>&1
    sed -n '/^crm: more:/d; s/^crm: //p' "$notes"
    rm -f "$notes"
    printf '%s  %d ms%s\n' "$dim" $((end - begin)) "$off"
}

ask() {
    local verb=$1
    shift
    "$crm" "$verb" "$file" "$@" --now "$now" --format csv 2>/dev/null | tail -n +2 | tr -d '"\r'
}

# The customer that slipped last, used to buy and has an open deal: there is something to lose.
choose() {
    local id
    for id in $(ask list customer --where stage = drifting --order stage_since --desc --limit 30 --columns id); do
        if [ -n "$(ask list opportunity --where customer = "$id" --where outcome = open --columns id)" ] &&
            [ -n "$(ask list interaction --where customer = "$id" --where type = purchase --columns id)" ]; then
            echo "$id"
            return
        fi
    done
    ask list customer --where stage = drifting --limit 1 --columns id
}

mkdir -p "$(dirname "$path")"
cd "$(dirname "$path")" # so that the commands are what they look like
file=$(basename "$path")
rm -f "$file" "$file-index"

heading "A sample company, its two years played through event by event"
begin=$(milliseconds)
"$build/tools/generate_company" "$file"
printf '%s  %d ms%s\n' "$dim" $(($(milliseconds) - begin)) "$off"

heading "Monday, 30 June 2025.  The pipeline: what is open, what may we count on?"
run report pipeline

heading "By region, the deals that are still open"
run count opportunity --by owner.region --where outcome = open

heading "Who has gone quiet?  Each customer is judged by its own rhythm"
result=/dev/null run lifecycle evaluate --actor rules --reason 'weekly review'

heading "The lifecycle: where customers stand and who moved since last month"
run lifecycle report --since -1m

heading "Customers that began to drift this month, and why"
run list transition --where to = drifting --where 'at > -1m' --order at --desc --limit 10 --columns subject,evidence

customer=$(choose)
heading "One of them all round: master data, people, deals, the latest contacts"
run show "$customer"

heading "... and what it bought, newest first"
run timeline "$customer" --where type = purchase --limit 6 --columns start,subject,contact,amount

heading "What is due this week"
run list interaction --where status = planned --where 'due < +7d' --order due --limit 8 --columns due,subject,customer,owner

heading "The same pipeline as it was six months ago"
printf '%sNothing was saved for this: every state the file ever had is still in it.%s\n' "$dim" "$off"
run report pipeline --as-of -6m

heading "The file"
run stat
crm=$(realpath -m --relative-to="$started" "$crm")
path=$(realpath -m --relative-to="$started" "$path")
printf '\nYours to play with, the second line interactively:\n  %s list %s customer --where stage=drifting\n  %s %s\n' \
    "$crm" "$path" "$crm" "$path"
