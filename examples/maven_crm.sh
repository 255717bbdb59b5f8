#!/bin/bash
# maven_crm.sh: a computer-hardware seller's CRM export, four CSV files with
# dirt in them, becomes a CRM; then what its owner would ask.
#
#   CRM=build/crm examples/maven_crm.sh DIR FILE
#
# DIR holds accounts.csv, products.csv, sales_teams.csv and sales_pipeline.csv;
# FILE is made.  The mappings are in examples/maven_crm/.
set -eu

crm=${CRM:-$(dirname "$0")/../build/crm}
maps=$(dirname "$0")/maven_crm
[ $# -eq 2 ] || { echo "usage: $0 DIR FILE" >&2; exit 2; }
dir=$1 file=$2
[ -e "$dir/accounts.csv" ] || dir=$dir/maven_crm
[ -e "$dir/accounts.csv" ] || { echo "$0: there is no accounts.csv in $1" >&2; exit 1; }

load() {
    echo "$2:"
    "$crm" import "$file" "$1" "$dir/$2.csv" --mapping "$maps/$2.map" --rejects "$file.$2.rejects.csv" --actor import
}

"$crm" init "$file" --currency USD

# The seller's own stages, as a pipeline of their own.
"$crm" add "$file" pipeline name=Maven is_default=true >/dev/null
"$crm" add "$file" stage pipeline=Maven name=Prospecting order=1 probability=10 >/dev/null
"$crm" add "$file" stage pipeline=Maven name=Engaging order=2 probability=50 >/dev/null
"$crm" add "$file" stage pipeline=Maven name=Won order=3 is_closed=true is_won=true >/dev/null
"$crm" add "$file" stage pipeline=Maven name=Lost order=4 is_closed=true >/dev/null
"$crm" field "$file" add customer year_established int >/dev/null

load customer accounts
load product products
load user sales_teams
load opportunity sales_pipeline

for by in stage region product quarter owner; do
    printf '\nThe pipeline by %s:\n' "$by"
    "$crm" report "$file" pipeline --by "$by"
done
