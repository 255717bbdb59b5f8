#!/usr/bin/env bash
# The three example scripts on real data give the figures published for it.
# The data is not part of the project: without ../shared/data they are skipped.
project=$(cd "$(dirname "$0")/.." && pwd)
data=$project/../shared/data
. "$(dirname "$0")/common_tool.sh"
export CRM=$crm

# pipeline BY EXPRESSION: an expression over the rows of a pipeline report, `by` its rows by name.
pipeline() {
    "$crm" report maven.crm pipeline --by "$1" --format json | python3 -c "
import json, sys
rows = json.load(sys.stdin)
key = next(iter(rows[0])) # the first column is what it is by
def name(value):
    return value['name'] if isinstance(value, dict) else value
by = {name(row[key]): row for row in rows}
print($2)" 2>&1
}

mkdir nothing
for example in maven_crm cdnow online_retail; do
    run "$project/examples/$example.sh" nothing half.crm
    is "$example without its data fails" 1 "$status"
    is "$example without its data makes no file" "" "$(ls half.crm 2>/dev/null)"
done

if [ -d "$data/maven_crm" ]; then
    run "$project/examples/maven_crm.sh" "$data/maven_crm" maven.crm
    is "maven: runs" 0 "$status"
    is "maven: no rejects" "" "$(ls ./*.rejects.csv 2>/dev/null)"
    is "maven: deals by stage" "500 1589 4238 2473" \
        "$(pipeline stage '*(by[s]["deals"] for s in ("Prospecting", "Engaging", "Won", "Lost"))')"
    is "maven: revenue won" 10005534 "$(pipeline outcome 'round(by["won"]["won_amount"])')"
    is "maven: mean cycle of won deals" 51.78 "$(pipeline outcome 'by["won"]["mean_cycle_days"]')"
    is "maven: win rate" 0.6315 "$(pipeline pipeline 'by["Maven"]["win_rate"]')"
    is "maven: by region" "3346293 3090594 3568647" \
        "$(pipeline region '*(round(by[r]["won_amount"]) for r in ("Central", "East", "West"))')"
    is "maven: the best product" "3510578 729" \
        "$(pipeline product '*(round(by["GTX Pro"][c]) for c in ("won_amount", "won"))')"
    is "maven: the best agent" "1153214 349" \
        "$(pipeline owner '*(round(by["Darcel Schlecht"][c]) for c in ("won_amount", "won"))')"
    is "maven: by quarter" "1134672 3086111 2982255 2802496" \
        "$(pipeline quarter '*(round(by["2017-Q%d" % q]["won_amount"]) for q in (1, 2, 3, 4))')"
    is "maven: deals without an account stay" 1425 "$("$crm" count maven.crm opportunity --where customer notset)"
    is "maven: agents without a deal stay" 35 "$("$crm" count maven.crm user --where role = "sales agent")"
    run "$crm" import maven.crm opportunity "$data/maven_crm/sales_pipeline.csv" --format json \
        --mapping "$project/examples/maven_crm/sales_pipeline.map" --rejects again.csv
    is "maven: a second import changes nothing" "8800 0" "$(value 'd["unchanged"], d["updated"] + d["created"]' "$out" |
        tr -d '(),')"
else
    skipped=$((skipped + 1))
    echo "skipped: no $data/maven_crm"
fi

if [ -d "$data/online_retail" ]; then
    run "$project/examples/online_retail.sh" "$data/online_retail" retail.crm
    is "online retail: its four figures are the published ones" "0 4" "$status $(grep -c ' yes$' <<<"$out")"
    has "online retail: every line is accounted for" "541,909" "$out"
else
    skipped=$((skipped + 1))
    echo "skipped: no $data/online_retail"
fi

if [ -d "$data/cdnow" ]; then
    run "$project/examples/cdnow.sh" "$data/cdnow" cdnow.crm
    is "cdnow: runs" 0 "$status"
    has "cdnow: customers and purchases" "2357 customers, 6919 purchases" "$out"
    # Stable customers bought at least three times as often as drifting and churned ones together.
    run "$crm" lifecycle cdnow.crm backtest --as-of 1997-09-30 --days 273 --format json
    is "cdnow: the stages foretell" True "$(value '(lambda s: s["stable"]["purchases"] / s["stable"]["customers"] >= 3 * \
        sum(s[n]["purchases"] for n in ("drifting", "churned")) / \
        sum(s[n]["customers"] for n in ("drifting", "churned")))({r["stage"]: r for r in d})' "$out")"
else
    skipped=$((skipped + 1))
    echo "skipped: no $data/cdnow"
fi

finish
