/* verb_table: every verb of the tool: its words, its options, its help.
 *
 * The dispatcher, `crm help`, the shell's completion and the checks of words
 * and options all read this table; a new verb is one entry here and one
 * function (see CONTRIBUTING.md).
 */
#include "verbs.h"

#define START "Start"
#define RECORDS "Records"
#define QUESTIONS "Questions"
#define LIFECYCLE "Lifecycle and pipeline"
#define TRANSFER "Import, export, undo"
#define SCHEMA "Your own fields and kinds"
#define CARE "Care of the file"

enum { READ = VERB_FILE | VERB_READ | VERB_PRINT, WRITE = VERB_FILE | VERB_WRITE | VERB_PRINT, MANY = 1000000 };

#define A_RECORD                                                                     \
    "A record is an id, an external id (system:value), an e-mail, a phone number,\n" \
    "or a name that exactly one live record has; KIND ID or KIND:ID narrows it down.\n"

const struct verb verb_table[] = {
    {START, "init", "init FILE [--currency EUR] [--lifecycle four|five]", "make a new, empty file",
     "currency lifecycle",
     "The file comes with the kinds customer, contact, opportunity, interaction, user,\n"
     "product and campaign, and one pipeline of six stages.\n"
     "\n"
     "  crm init acme.crm\n"
     "  crm init acme.crm --currency USD --lifecycle five\n",
     verb_init, VERB_FILE | VERB_WRITE | VERB_UNOPENED, 1, 1},
    {START, "shell", "FILE", "type verbs, without `crm` and FILE, one after the other", "format actor width",
     "Line editing, history, and completion of verbs, kinds and fields with Tab.\n"
     "Options given here hold for every command. Commands can also be piped in.\n"
     "\n"
     "  crm acme.crm\n"
     "  crm acme.crm --actor mia --format json < commands.txt\n",
     verb_shell, VERB_FILE, 1, 1},
    {START, "help", "help [VERB]", "list the verbs, or explain one", "", NULL, verb_help, 0, 0, 2},

    {RECORDS, "add", "add FILE KIND FIELD=VALUE ...", "add a record and print its id", "",
     "A list field takes several values: name it again for each. References are given\n"
     "as an id, an external id, an e-mail or a name; choices by name; money with its\n"
     "decimals. `crm schema FILE KIND` lists the fields.\n"
     "\n"
     "  crm add acme.crm customer name=\"Globex GmbH\" phones=\"+49 30 901820\" tags=vip\n"
     "  crm add acme.crm contact last_name=Kern emails=kern@globex.example \\\n"
     "      emails=anna@globex.example customer=\"Globex GmbH\"\n"
     "  crm add acme.crm interaction type=call customer=\"Globex GmbH\" \\\n"
     "      subject=\"asked for a quote\" start=2024-03-01T10:00\n",
     verb_add, WRITE, 3, MANY},
    {RECORDS, "set", "set FILE [KIND] RECORD FIELD=VALUE ...", "change fields of a record", "version",
     A_RECORD "FIELD= clears a field. For lists, FIELD+=VALUE adds and FIELD-=VALUE takes out.\n"
              "\n"
              "  crm set acme.crm \"Globex GmbH\" territory=North annual_revenue=1200000\n"
              "  crm set acme.crm contact kern@globex.example phones+=\"+49 30 901821\"\n"
              "  crm set acme.crm \"Globex GmbH\" rating= --version 4 --reason \"rated anew\"\n",
     verb_set, WRITE, 3, MANY},
    {RECORDS, "show", "show FILE [KIND] RECORD", "one record with all that belongs to it", "",
     A_RECORD "A customer's page has its contacts, open opportunities and newest interactions.\n"
              "\n"
              "  crm show acme.crm \"Globex GmbH\"\n"
              "  crm show acme.crm contact:kern@globex.example --format json\n"
              "  crm show acme.crm \"Globex GmbH\" --as-of -6m\n",
     verb_show, READ, 2, 3},
    {RECORDS, "delete", "delete FILE [KIND] RECORD", "delete a record; it stays readable and can be restored", "",
     A_RECORD "\n  crm delete acme.crm \"Globex GmbH\" --reason \"out of business\"\n", verb_delete, WRITE, 2, 3},
    {RECORDS, "restore", "restore FILE [KIND] RECORD", "take a deletion back", "",
     "A record is named by its id, or by its name as it was.\n"
     "\n"
     "  crm restore acme.crm \"Globex GmbH\"\n"
     "  crm list acme.crm customer --deleted\n",
     verb_restore, WRITE, 2, 3},
    {RECORDS, "erase", "erase FILE [KIND] RECORD [--yes]", "remove a person's data from every version", "yes",
     "Takes the personal data of a record out of every version it ever had; for a\n"
     "contact or customer also the texts of its interactions. `crm compact` then\n"
     "removes the bytes from the file. This cannot be undone; on a terminal it asks\n"
     "first.\n"
     "\n"
     "  crm erase acme.crm contact kern@globex.example --reason \"asked for it\"\n"
     "  crm compact acme.crm\n",
     verb_erase, WRITE, 2, 3},

    {QUESTIONS, "list", "list FILE KIND [--where FIELD OP VALUE] ...", "records of a kind",
     "where order desc limit after columns deleted explain",
     "OP is one of = != < <= > >= prefix contains in set notset; the last two take no\n"
     "VALUE, `in` takes several with commas between. Times may be relative: -30d, -6m.\n"
     "Text is compared without regard to case, accents and width. When there are more\n"
     "rows, the last line (on standard error) says how to get them.\n"
     "\n"
     "  crm list acme.crm customer --where stage = drifting --order -annual_revenue\n"
     "  crm list acme.crm contact --where name prefix ker --columns name,emails,phones\n"
     "  crm list acme.crm opportunity --where 'close_date < +30d' --where outcome=open\n"
     "  crm list acme.crm customer --where tags in vip,press --format csv\n",
     verb_list, READ, 2, 2},
    {QUESTIONS, "count", "count FILE KIND [--where FIELD OP VALUE] ... [--by FIELD]", "how many there are",
     "where by deleted",
     "--by gives one row a value; through a reference with a point, a date cut with a\n"
     "colon to day, week, month, quarter or year; up to four, with commas.\n"
     "\n"
     "  crm count acme.crm customer --where stage = churned\n"
     "  crm count acme.crm interaction --by type,start:month\n"
     "  crm count acme.crm opportunity --by owner.region\n",
     verb_count, READ, 2, 2},
    {QUESTIONS, "find", "find FILE TEXT", "what a person would mean by TEXT", "limit",
     "Finds records of any kind by id, external id, e-mail, phone number in any\n"
     "formatting (the last digits suffice), any other unique value, or the beginning\n"
     "of a name; when there is none, by a part of the name.\n"
     "\n"
     "  crm find acme.crm \"0049 (30) 90 18 20\"\n"
     "  crm find acme.crm glob\n",
     verb_find_text, READ, 2, 2},
    {QUESTIONS, "timeline", "timeline FILE [KIND] RECORD", "every interaction with a customer, newest first",
     "where limit after columns explain",
     A_RECORD "\n"
              "  crm timeline acme.crm \"Globex GmbH\" --limit 20\n"
              "  crm timeline acme.crm contact kern@globex.example --where type = call\n",
     verb_timeline, READ, 2, 3},
    {QUESTIONS, "history", "history FILE [KIND] RECORD", "every version of a record: what, who, when, why", "",
     A_RECORD "\n  crm history acme.crm \"Globex GmbH\"\n", verb_history, READ, 2, 3},
    {QUESTIONS, "changes", "changes FILE [--since LSN] [--follow]", "every change of the file, in order",
     "since follow limit",
     "JSON Lines: one object a change, with old and new values, who, when and why.\n"
     "--follow waits for more until interrupted. To go on after a stop, give the last\n"
     "lsn that was read as --since.\n"
     "\n"
     "  crm changes acme.crm --since 1200 --follow\n"
     "  crm changes acme.crm --format table --limit 20\n",
     verb_changes, READ, 1, 1},

    {LIFECYCLE, "stage", "stage FILE [KIND] RECORD [STAGE]", "move a customer to a stage, or list its stages", "",
     "Moves a customer along its lifecycle or an opportunity along its pipeline. A\n"
     "move that the lifecycle's table does not allow is refused. Without STAGE: every\n"
     "stage so far, with the time spent in it.\n"
     "\n"
     "  crm stage acme.crm \"Globex GmbH\" drifting --reason \"no order since May\"\n"
     "  crm stage acme.crm opportunity \"200 seats\" Won\n"
     "  crm stage acme.crm \"Globex GmbH\"\n",
     verb_stage, READ | WRITE, 2, 4},
    {LIFECYCLE, "lifecycle evaluate", "lifecycle FILE evaluate [--as-of TIME] [--dry-run]",
     "apply the rules: who moves, and why", "as-of dry-run",
     "Judges every customer by its own cadence, moves it, and prints one row a move\n"
     "with the rule and its evidence. --dry-run only prints.\n"
     "\n"
     "  crm lifecycle acme.crm evaluate --dry-run\n"
     "  crm lifecycle acme.crm evaluate --as-of 2024-03-31\n",
     verb_lifecycle_evaluate, WRITE, 1, 1},
    {LIFECYCLE, "lifecycle report", "lifecycle FILE report [--since TIME]", "customers by stage, and who moved",
     "since",
     "Per stage: customers, their share, how many moved in and out since --since (a\n"
     "month ago unless given), and the median of days in the stage.\n"
     "\n"
     "  crm lifecycle acme.crm report --since -3m\n",
     verb_lifecycle_report, READ, 1, 1},
    {LIFECYCLE, "lifecycle transitions", "lifecycle FILE transitions [CUSTOMER] [--from TIME] [--to TIME]",
     "who went from which stage to which", "from to",
     "Between two moments: a matrix, rows from, columns to. With a customer: its\n"
     "moves.\n"
     "\n"
     "  crm lifecycle acme.crm transitions --from 2024-01-01 --to 2024-04-01\n"
     "  crm lifecycle acme.crm transitions \"Globex GmbH\"\n",
     verb_lifecycle_transitions, READ, 1, 2},
    {LIFECYCLE, "lifecycle backtest", "lifecycle FILE backtest --as-of TIME [--days N]", "try the rules on the past",
     "as-of days",
     "Judges customers by what was known at TIME and counts what they bought in the N\n"
     "days that followed. Changes nothing.\n"
     "\n"
     "  crm lifecycle acme.crm backtest --as-of 2023-09-30 --days 273\n",
     verb_lifecycle_backtest, VERB_FILE | VERB_PRINT, 1, 1},
    {LIFECYCLE, "report pipeline", "report FILE pipeline [--by KEY,...]", "deals, amounts, forecast, win rate", "by",
     "KEY is stage (the default), pipeline, owner, region, team, product, customer,\n"
     "quarter, month, year, type, currency or outcome; several with commas.\n"
     "\n"
     "  crm report acme.crm pipeline\n"
     "  crm report acme.crm pipeline --by region,quarter --format csv\n"
     "  crm report acme.crm pipeline --as-of -6m\n",
     verb_report_pipeline, READ, 1, 1},
    {LIFECYCLE, "report lifecycle", "report FILE lifecycle [--since TIME]", "the same as lifecycle FILE report",
     "since", NULL, verb_lifecycle_report, READ, 1, 1},

    {TRANSFER, "import", "import FILE KIND INPUT [--map FIELD=COLUMN] ...", "read CSV or JSON Lines",
     "input-format map ignore mapping match strict dry-run rejects add-choices delimiter columns batch batch-rows "
     "date-format",
     "INPUT is a file, or - for standard input. Columns go to the field of their name;\n"
     "the others are mapped or ignored. Good rows go in; bad ones are written with\n"
     "line, column and reason to the rejects file, which is made when there are any,\n"
     "in place of an older one. The exit status is 0 then, too, unless --strict: all\n"
     "or nothing. The counts at the end add up. docs/IMPORT.md tells all.\n"
     "\n"
     "  crm import acme.crm customer export.csv --match emails --map name=Company\n"
     "  crm import acme.crm opportunity deals.csv --mapping deals.map --dry-run\n"
     "  gzip -dc big.csv.gz | crm import acme.crm interaction - --ignore '*'\n",
     verb_import, WRITE, 3, 3},
    {TRANSFER, "export", "export FILE KIND [OUTPUT] [--where FIELD OP VALUE] ...", "write what import reads back",
     "where order desc limit after columns deleted format output",
     "CSV or JSON Lines with every field that can be imported again, references by id.\n"
     "OUTPUT appears when it is whole; without it, standard output.\n"
     "\n"
     "  crm export acme.crm customer customers.csv\n"
     "  crm export acme.crm interaction --format jsonl --where start '>=' 2024-01-01\n",
     verb_export, VERB_FILE | VERB_READ, 2, 3},
    {TRANSFER, "undo", "undo FILE [BATCH] [--override]", "undo an import or any named batch", "override",
     "One change that takes the whole batch back. Refused, naming the records, when\n"
     "something later depends on it, unless --override: then the rest is undone.\n"
     "Without BATCH: the batches there are.\n"
     "\n"
     "  crm undo acme.crm\n"
     "  crm undo acme.crm export.csv@12\n",
     verb_undo, WRITE, 1, 2},

    {SCHEMA, "schema", "schema FILE [KIND]", "the kinds, or the fields of one", "", NULL, verb_schema, READ, 1, 2},
    {SCHEMA, "kind list", "kind FILE list", "the kinds, with their records", "", NULL, verb_kind_list, READ, 1, 1},
    {SCHEMA, "kind add", "kind FILE add NAME", "add a kind of your own", "",
     "It works like a built-in one everywhere. Give it fields with `crm field`.\n"
     "\n"
     "  crm kind acme.crm add machine\n"
     "  crm field acme.crm add machine name text --indexed --required\n"
     "  crm field acme.crm add machine customer ref --target customer\n"
     "  crm add acme.crm machine name=\"Press 4\" customer=\"Globex GmbH\"\n",
     verb_kind_add, WRITE, 2, 2},
    {SCHEMA, "field list", "field FILE list [KIND]", "the fields of a kind, or of all", "", NULL, verb_field_list, READ,
     1, 2},
    {SCHEMA, "field add", "field FILE add KIND NAME TYPE", "add a field of your own",
     "indexed unique hot required personal open target scale choices",
     "TYPE is bool, int, decimal, real, money, time, date, text, choice, currency,\n"
     "ref, any_ref, refs, emails, phones, addresses, external_ids or tags.\n"
     "\n"
     "  crm field acme.crm add customer vat_number text --unique\n"
     "  crm field acme.crm add customer segment choice --choices gold,silver --indexed\n"
     "  crm field acme.crm add contact score decimal --scale 1\n",
     verb_field_add, WRITE, 4, 4},
    {SCHEMA, "choice add", "choice FILE add KIND FIELD NAME", "add a value to a choice", "",
     "\n  crm choice acme.crm add customer industry mining\n", verb_choice_add, WRITE, 4, 4},

    {CARE, "verify", "verify FILE", "check every byte and every index", "",
     "Exit status 1 and a table of places and faults when something is wrong.\n", verb_verify,
     VERB_FILE | VERB_PRINT | VERB_UNOPENED, 1, 1},
    {CARE, "recover", "recover FILE NEW", "salvage a damaged file into a new one", "",
     "The damaged file is not touched; a table says what was kept and what was lost.\n"
     "\n"
     "  crm recover acme.crm acme-salvaged.crm\n",
     verb_recover, VERB_FILE | VERB_PRINT | VERB_UNOPENED, 2, 2},
    {CARE, "compact", "compact FILE", "apply retention, pack old versions, remove erased data", "",
     "Everything is kept unless the setting retention_days says otherwise.\n"
     "\n"
     "  crm setting acme.crm retention_days 1095\n"
     "  crm compact acme.crm\n",
     verb_compact, VERB_FILE | VERB_PRINT | VERB_ALTERS, 1, 1},
    {CARE, "backup", "backup FILE TO", "copy a consistent state while others write", "",
     "\n  crm backup acme.crm acme-monday.crm\n", verb_backup, VERB_FILE | VERB_PRINT, 2, 2},
    {CARE, "stat", "stat FILE", "figures about the file", "", NULL, verb_stat, VERB_FILE | VERB_PRINT, 1, 1},
    {CARE, "rebuild", "rebuild FILE", "throw the indexes away and build them anew", "", NULL, verb_rebuild,
     VERB_FILE | VERB_PRINT | VERB_ALTERS, 1, 1},
    {CARE, "setting", "setting FILE [NAME [VALUE]]", "settings: currency, lifecycle, retention_days", "",
     "\n"
     "  crm setting acme.crm\n"
     "  crm setting acme.crm lifecycle five\n",
     verb_setting, READ | WRITE, 1, 3},

    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0},
};
