#!/bin/bash
# online_retail.sh: 541,909 invoice lines of a gift-ware seller become customers
# and purchases, one an invoice, in one import; then the figures that were
# published for this data are compared with what is in the file.
#
#   CRM=build/crm examples/online_retail.sh DIR FILE
#
# DIR holds online_retail.csv or online_retail.csv.gz; FILE is made.
set -eu

crm=${CRM:-$(dirname "$0")/../build/crm}
map=$(dirname "$0")/online_retail.map
[ $# -eq 2 ] || { echo "usage: $0 DIR FILE" >&2; exit 2; }
dir=$1 file=$2
[ -e "$dir/online_retail.csv" ] || [ -e "$dir/online_retail.csv.gz" ] || dir=$dir/online_retail
[ -e "$dir/online_retail.csv" ] || [ -e "$dir/online_retail.csv.gz" ] ||
    { echo "$0: there is no online_retail.csv in $1" >&2; exit 1; }

lines() {
    if [ -e "$dir/online_retail.csv" ]; then cat "$dir/online_retail.csv"; else gzip -dc "$dir/online_retail.csv.gz"; fi
}

"$crm" init "$file" --currency GBP
"$crm" field "$file" add interaction line_total decimal --scale 3 >/dev/null
"$crm" field "$file" add interaction line_count int >/dev/null
lines | "$crm" import "$file" interaction - --mapping "$map" --rejects "$file.rejects.csv" --actor import

failed=0
compare() { # what, here, published
    local verdict=yes
    [ "$2" = "$3" ] || { verdict=NO; failed=1; }
    printf '%-22s %14s %14s  %s\n' "$1" "$2" "$3" "$verdict"
}

# Whole thousandths are added, so that the sum is exact.
sums=$("$crm" export "$file" interaction --columns line_count,line_total --format csv | awk -F, '
    NR > 1 { split($2, part, "."); lines += $1; thousandths += part[1] * 1000 + substr(part[2] "000", 1, 3) }
    END { printf "%d %d.%03d", lines, thousandths / 1000, thousandths % 1000 }')

printf '\n%-22s %14s %14s  %s\n' '' here published same
compare 'invoice lines' "${sums% *}" 397884
compare customers "$("$crm" count "$file" customer)" 4338
compare invoices "$("$crm" count "$file" interaction --where type=purchase)" 18532
compare total "${sums#* }" 8911407.904
exit $failed
