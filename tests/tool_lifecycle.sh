#!/usr/bin/env bash
# Lifecycle and pipeline reports through the tool, also of past times.
. "$(dirname "$0")/common_tool.sh"

"$crm" init a.crm --now 2023-01-01 >/dev/null
"$crm" add a.crm user name="Mia" region=North --now 2023-01-01T01:00 >/dev/null
"$crm" add a.crm user name="Tom" region=South --now 2023-01-01T01:00 >/dev/null
"$crm" add a.crm customer name=Regular owner=Mia --now 2023-01-01T02:00 >/dev/null
for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
    "$crm" add a.crm interaction type=purchase customer=Regular subject=order start=2023-${month}-10 amount=100 \
        --now 2023-${month}-10T12:00 >/dev/null
done
run "$crm" lifecycle a.crm evaluate --as-of 2023-12-15 --now 2023-12-15 --dry-run --format json
is "dry run" 0 "$status"
json "moves as JSON" "$out"
moves=$(value 'len(d)' "$out")
run "$crm" list a.crm customer --columns stage --format csv
is "dry run moves nobody" "stage
acquaintance" "$out"
run "$crm" lifecycle evaluate a.crm --as-of 2023-12-15 --now 2023-12-15 --format json
is "evaluate moves as many as the dry run said" "$moves" "$(value 'len(d)' "$out")"
is "a regular buyer is stable" stable "$(value 'd[0]["to"]' "$out")"
run "$crm" lifecycle a.crm evaluate --as-of 2024-09-30 --now 2024-09-30 --format json
is "and drifts when it stops buying" True "$(value 'd[0]["to"] in ("drifting", "churned")' "$out")"
run "$crm" lifecycle a.crm evaluate --as-of 2024-09-30 --now 2024-09-30
has "nobody moves twice" "0 customers moved" "$err"
run "$crm" lifecycle a.crm report --since 2023-01-01 --format json
ok "report"
is "report: everyone is in a stage" 1 "$(value 'sum(r["customers"] for r in d)' "$out")"
run "$crm" report a.crm lifecycle --since 2023-01-01 --format json
is "report lifecycle is the same" "$(value 'd' "$out")" "$("$crm" lifecycle report a.crm --since 2023-01-01 --format json | python3 -c 'import json, sys; print(json.load(sys.stdin))')"
run "$crm" lifecycle a.crm transitions --from 2023-01-02 --to 2024-01-01 --format csv
ok "transitions"
has "transitions: acquaintance" "acquaintance" "$out"
run "$crm" lifecycle a.crm transitions Regular --format json
is "transitions of one: it became stable" True "$(value 'any(r["to"] == "stable" for r in d)' "$out")"
run "$crm" lifecycle a.crm transitions
refused "transitions of nobody and no time" 2 "--from"
run "$crm" lifecycle a.crm backtest --as-of 2023-06-30 --days 184 --format json
ok "backtest"
is "backtest: six purchases followed" 6 "$(value 'sum(r["purchases"] if "purchases" in r else r["purchases_after"] for r in d)' "$out")"
run "$crm" lifecycle a.crm backtest
refused "backtest of no time" 2 "--as-of"

# Two deals: 1,000.00 won by Mia, 500.00 open with Tom at 50 percent.
"$crm" add a.crm opportunity name=Big customer=Regular owner=Mia amount=1000 close_date=2024-02-10 --now 2024-02-01 >/dev/null
"$crm" add a.crm opportunity name=Small customer=Regular owner=Tom amount=500 probability=50 close_date=2024-05-10 --now 2024-02-01T01:00 >/dev/null
won=$("$crm" list a.crm stage --where is_won = true --columns name --format csv | sed -n 2p)
run "$crm" stage a.crm opportunity:Big "$won" --as-of 2024-02-10
refused "a move into the past" 2 "--as-of reads the past"
run "$crm" setting a.crm note x --as-of 2024-02-10
refused "a setting in the past" 2 "--as-of reads the past"
run "$crm" stage a.crm opportunity:Big "$won" --now 2024-02-10
ok "a deal is won"
run "$crm" report a.crm pipeline --by owner --format json
ok "report pipeline"
json "report is JSON" "$out"
is "two owners" 2 "$(value 'len(d)' "$out")"
is "won value" 1000.0 "$(value 'float(sum(r["won_amount"] or 0 for r in d))' "$out")"
is "weighted: half of the open one" 250.0 "$(value 'float([r for r in d if r["open"] == 1][0]["weighted"])' "$out")"
run "$crm" report pipeline a.crm --by region --format csv
has "by region" "North" "$out"
run "$crm" report a.crm pipeline --as-of 2024-02-05 --format json
is "before it was won nothing was" 0.0 "$(value 'float(sum(r["won_amount"] or 0 for r in d))' "$out")"
run "$crm" report a.crm pipeline
ok "report for people"
has "report: totals" "Total" "$out"
has "report: the sum" "1,500" "$out"
run "$crm" report a.crm pipeline --by nothing
is "by nothing" 1 "$status"

finish
