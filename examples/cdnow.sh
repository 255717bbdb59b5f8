#!/bin/bash
# cdnow.sh: the purchases of a music shop's 1997 cohort; the lifecycle as of
# 1997-09-30, and whether it was right about the 39 weeks that followed.
#
#   CRM=build/crm examples/cdnow.sh DIR FILE
#
# DIR holds CDNOW_sample.txt; FILE is made.
set -eu

crm=${CRM:-$(dirname "$0")/../build/crm}
map=$(dirname "$0")/cdnow.map
[ $# -eq 2 ] || { echo "usage: $0 DIR FILE" >&2; exit 2; }
dir=$1 file=$2
[ -e "$dir/CDNOW_sample.txt" ] || dir=$dir/cdnow
[ -e "$dir/CDNOW_sample.txt" ] || { echo "$0: there is no CDNOW_sample.txt in $1" >&2; exit 1; }

"$crm" init "$file" --currency USD
"$crm" import "$file" interaction "$dir/CDNOW_sample.txt" --mapping "$map" --rejects "$file.rejects.csv" --actor import
printf '\n%s customers, %s purchases\n' "$("$crm" count "$file" customer)" \
    "$("$crm" count "$file" interaction --where type=purchase)"

# The rules judge every customer by what was known on that day, and move it.
"$crm" lifecycle "$file" evaluate --as-of 1997-09-30 --format csv >"$file.moves.csv"
printf '\nStages as of 1997-09-30; who moved and why is in %s:\n' "$file.moves.csv"
"$crm" count "$file" customer --by stage

# 39 weeks are 273 days.
printf '\nWere they right? What the customers of each stage bought in the 39 weeks after:\n'
"$crm" lifecycle "$file" backtest --as-of 1997-09-30 --days 273
