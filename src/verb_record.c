/* verb_record: add, set, delete, restore, erase, stage: one transaction each. */
#include "pick.h"
#include "result.h"
#include "value.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "name=", "emails+=", "tags-=": where the field's name ends, or 0 for a word
 * that is no assignment. */
static size_t assignment(const char *word)
{
    size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    if (length > 0 && word[length] == '+' && word[length + 1] == '=')
        return length;
    if (length > 1 && word[length] == '=' && word[length - 1] == '-')
        return length - 1;
    return length > 0 && word[length] == '=' ? length : 0;
}

/* An item that refers to a record is named as records are everywhere.  Looked
 * up in a view beside the transaction: a look-up in its own would end the version. */
static int change_ref(struct tool *tool, crm_record *record, uint32_t field, const char *value, bool add)
{
    uint32_t count = crm_item_count(record, field);
    struct picked picked = {0};
    int result = tool_view(tool);

    if (result == EXIT_OK)
        result = pick_record(tool, tool->view, 0, value, false, &picked);
    if (result != EXIT_OK)
        return result;
    if (add) {
        crm_item_add_ref(record, field, picked.kind, &picked.id, NULL, 0);
        return EXIT_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        crm_id id;

        if (crm_item_ref(record, field, i, NULL, &id) == CRM_OK && memcmp(&id, &picked.id, sizeof id) == 0) {
            crm_item_remove(record, field, i);
            return EXIT_OK;
        }
    }
    return tool_fail(tool, "%s: there is no '%s' to take out", crm_field_name(tool->db, crm_record_kind(record), field),
                     value);
}

static int remove_item(struct tool *tool, crm_record *record, uint32_t field, const char *value)
{
    uint32_t count = crm_item_count(record, field);

    for (uint32_t i = 0; i < count; i++) {
        struct buffer shown = {0};
        const char *text = crm_item_text(record, field, i, CRM_PART_VALUE, NULL);
        bool same;

        value_item_shown(tool, &shown, record, field, i);
        same = (text && strcmp(text, value) == 0) || strcmp(buffer_text(&shown), value) == 0;
        buffer_free(&shown);
        if (same) {
            crm_item_remove(record, field, i);
            return EXIT_OK;
        }
    }
    return tool_fail(tool, "%s: there is no '%s' to take out", crm_field_name(tool->db, crm_record_kind(record), field),
                     value);
}

/* Whether an earlier word of the command gave this field, too: a list then
 * gets one item a word. */
static bool given_before(const struct tool *tool, size_t first, size_t position)
{
    size_t length = assignment(tool_word(tool, position));

    for (size_t i = first; i < position; i++)
        if (assignment(tool_word(tool, i)) == length &&
            memcmp(tool_word(tool, i), tool_word(tool, position), length) == 0)
            return true;
    return false;
}

static int assign(struct tool *tool, crm_record *record, size_t first, size_t position)
{
    const char *word = tool_word(tool, position);
    uint32_t kind = crm_record_kind(record), field = 0;
    size_t length = assignment(word);
    const char *value;
    char how;
    int32_t type;
    int result;
    bool list;

    if (length == 0)
        return tool_usage(tool, "'%s' is not FIELD=VALUE", word);
    result = pick_field(tool, kind, word, length, &field);
    if (result != EXIT_OK)
        return result;
    how = word[length];
    value = word + length + (how == '=' ? 1 : 2);
    type = crm_field_type(tool->db, kind, field);
    list = type_is_list(type);
    if (how != '=' && !list)
        return tool_usage(tool, "%.*s%c=: only a list can be added to or taken from", (int)length, word, how);
    list = how == '+' || (how == '=' && list && *value && given_before(tool, first, position)); /* one item more */
    if (type == CRM_TYPE_REFS && (list || how == '-'))
        return change_ref(tool, record, field, value, list);
    if (how == '-')
        return remove_item(tool, record, field, value);
    if (list)
        crm_item_add(record, field, value, strlen(value));
    else if (*value == '\0')
        crm_set_null(record, field);
    else
        crm_set_parsed(record, field, value, strlen(value));
    return EXIT_OK;
}

static bool is_currency(const struct tool *tool, const crm_record *record, const char *word)
{
    uint32_t kind = crm_record_kind(record);
    uint32_t field = crm_field_find(tool->db, kind, word, assignment(word));

    return field && crm_field_type(tool->db, kind, field) == CRM_TYPE_CURRENCY;
}

/* All FIELD=VALUE from `first` on.  Its failure rolls back.  The currency comes
 * before the rest, wherever it stands: it says how an amount is read. */
static int assign_all(struct tool *tool, crm_txn *txn, crm_record *record, size_t first)
{
    int result = EXIT_OK;

    for (int rest = 0; rest < 2; rest++)
        for (size_t i = first; i < tool_words(tool) && result == EXIT_OK; i++)
            if (is_currency(tool, record, tool_word(tool, i)) == (rest == 0))
                result = assign(tool, record, first, i);
    if (result == EXIT_OK && crm_txn_status(txn, NULL) != CRM_OK)
        return tool_rollback(tool, txn);
    if (result != EXIT_OK)
        crm_rollback(txn);
    return result;
}

/* What was written, for people one line, for programs one object. */
struct written {
    const char *what; /* "changed", NULL: print the id alone */
    uint32_t kind;
    crm_id id;
    uint64_t version;
    char *name;
};

static struct written written_of(const crm_record *record, const char *what)
{
    struct written written = {.what = what, .kind = crm_record_kind(record), .version = crm_record_version(record)};
    size_t length = 0;
    const char *title = crm_title(record, &length);

    crm_record_id(record, &written.id);
    written.name = memory_text(title, title ? length : 0);
    return written;
}

static void print_written(struct tool *tool, const struct written *written, uint64_t lsn)
{
    struct buffer *out = &tool->out.pending;
    const char *kind = crm_kind_name(tool->db, written->kind);
    char id[37];

    crm_id_format(&written->id, id);
    if (tool->format == FORMAT_CSV)
        buffer_print(out, "kind,id,lsn\n%s,%s,%" PRIu64 "\n", kind, id, lsn);
    else if (tool->format != FORMAT_TABLE)
        buffer_print(out, "{\"kind\":\"%s\",\"id\":\"%s\",\"lsn\":%" PRIu64 "}\n", kind, id, lsn);
    else if (!written->what)
        buffer_print(out, "%s\n", id);
    else {
        buffer_print(out, "%s ", written->what);
        buffer_plain(out, written->name, strlen(written->name), false);
        buffer_print(out, " (%s %s)\n", kind, id);
    }
}

/* Commits, and prints what was written once it is. */
static int finish(struct tool *tool, crm_txn *txn, const struct written *written)
{
    uint64_t lsn = 0;
    int result = tool_commit(tool, txn, &lsn);

    if (result == EXIT_OK)
        print_written(tool, written, lsn);
    return result;
}

int verb_add(struct tool *tool)
{
    uint32_t kind = 0;
    crm_txn *txn = NULL;
    crm_record *record;
    struct written written = {0};
    int result = pick_kind(tool, tool_word(tool, 0), &kind);

    if (result == EXIT_OK)
        result = tool_begin(tool, &txn);
    if (result != EXIT_OK)
        return result;
    record = crm_create(txn, kind);
    if (!record)
        return tool_rollback(tool, txn);
    result = assign_all(tool, txn, record, 1);
    if (result != EXIT_OK)
        return result;
    written = written_of(record, NULL);
    result = finish(tool, txn, &written);
    free(written.name);
    return result;
}

/* How many of the verb's words name the record: those before the first
 * FIELD=VALUE. */
static size_t record_words(const struct tool *tool)
{
    size_t count = 0;

    while (count < tool_words(tool) && count < 2 && assignment(tool_word(tool, count)) == 0)
        count++;
    return count;
}

/* Starts a transaction and takes the record that the words name.  Its failure rolls back. */
static int edit(struct tool *tool, size_t words, bool deleted, crm_txn **txn, crm_record **record, size_t *next)
{
    struct picked picked;
    int result = tool_begin(tool, txn);

    if (result != EXIT_OK)
        return result;
    result = pick_words(tool, crm_txn_view(*txn), 0, words, deleted, &picked, next);
    if (result != EXIT_OK) {
        crm_rollback(*txn);
        return result;
    }
    *record = crm_edit(*txn, picked.kind, &picked.id);
    return *record ? EXIT_OK : tool_rollback(tool, *txn);
}

int verb_set(struct tool *tool)
{
    int64_t version = 0;
    crm_txn *txn = NULL;
    crm_record *record = NULL;
    struct written written;
    size_t next = 0;
    int result = tool_number(tool, "version", 1, 0, &version);

    if (result == EXIT_OK)
        result = edit(tool, record_words(tool), false, &txn, &record, &next);
    if (result != EXIT_OK)
        return result;
    if (version > 0 && crm_expect_version(record, (uint64_t)version) != CRM_OK)
        return tool_rollback(tool, txn);
    if (next >= tool_words(tool)) {
        crm_rollback(txn);
        return tool_usage(tool, "set what? crm %s", tool->verb->usage);
    }
    result = assign_all(tool, txn, record, next);
    if (result != EXIT_OK)
        return result;
    written = written_of(record, "changed");
    result = finish(tool, txn, &written);
    free(written.name);
    return result;
}

static int delete_or_restore(struct tool *tool, bool restore)
{
    crm_txn *txn = NULL;
    crm_record *record = NULL;
    struct written written;
    size_t next = 0;
    int result = edit(tool, 2, restore, &txn, &record, &next);

    if (result != EXIT_OK)
        return result;
    if (next < tool_words(tool)) {
        crm_rollback(txn);
        return tool_usage(tool, "%s takes one record: crm %s", tool->verb->name, tool->verb->usage);
    }
    if ((restore ? crm_restore(record) : crm_delete(record)) != CRM_OK)
        return tool_rollback(tool, txn);
    written = written_of(record, restore ? "restored" : "deleted");
    result = finish(tool, txn, &written);
    free(written.name);
    return result;
}

int verb_delete(struct tool *tool)
{
    return delete_or_restore(tool, false);
}

int verb_restore(struct tool *tool)
{
    return delete_or_restore(tool, true);
}

static bool confirmed(const char *name, const char *kind)
{
    struct buffer question = {0};
    char answer[16] = "";
    bool yes;

    buffer_put(&question, "Erase the personal data of ");
    buffer_plain(&question, name, strlen(name), false);
    buffer_print(&question, " (%s) from every version? This cannot be undone. Type yes: ", kind);
    fputs(question.data, stderr);
    fflush(stderr);
    buffer_free(&question);
    yes = fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0;
    return yes;
}

int verb_erase(struct tool *tool)
{
    crm_txn *txn = NULL;
    crm_record *record = NULL;
    struct picked picked;
    struct written written;
    size_t next = 0;
    int result;

    if (!tool_flag(tool, "yes") && !isatty(STDIN_FILENO))
        return tool_usage(tool, "erase cannot be undone: repeat it with --yes");
    result = tool_view(tool);
    if (result == EXIT_OK)
        result = pick_words(tool, tool->view, 0, 2, false, &picked, &next);
    if (result == EXIT_OK && !tool_flag(tool, "yes")) { /* asked before the write lock is taken */
        crm_error error = {0};

        if (crm_get(tool->view, picked.kind, &picked.id, &record, &error) != CRM_OK)
            return tool_error(tool, &error);
        if (!confirmed(crm_title(record, NULL), crm_kind_name(tool->db, picked.kind)))
            result = tool_fail(tool, "nothing was erased");
        crm_record_free(record);
    }
    if (result == EXIT_OK)
        result = tool_begin(tool, &txn);
    if (result != EXIT_OK)
        return result;
    record = crm_edit(txn, picked.kind, &picked.id);
    if (!record)
        return tool_rollback(tool, txn);
    written = written_of(record, "erased");
    if (crm_erase(record) != CRM_OK)
        result = tool_rollback(tool, txn);
    else
        result = finish(tool, txn, &written);
    if (result == EXIT_OK && tool->format == FORMAT_TABLE)
        tool_note(tool, "`crm compact` now removes the bytes from %s", tool->path);
    free(written.name);
    return result;
}

static int stage_history(struct tool *tool)
{
    static const struct result_column columns[] = {
        {"days", "Days", 0}, {"rule", NULL, COLUMN_SPARSE}, {"evidence", NULL, COLUMN_SPARSE}, {NULL, NULL, 0}};
    struct picked picked;
    crm_error error = {0};
    crm_table *table = NULL;
    size_t next = 0;
    int result = tool_view(tool);

    if (result == EXIT_OK)
        result = pick_words(tool, tool->view, 0, tool_words(tool), false, &picked, &next);
    if (result == EXIT_OK && crm_stage_history(tool->view, picked.kind, &picked.id, &table, &error) != CRM_OK)
        result = tool_error(tool, &error);
    if (result == EXIT_OK)
        result_print(tool, table, columns, false);
    crm_table_free(table);
    return result;
}

static int move_customer(struct tool *tool, crm_record *record, const char *name)
{
    int64_t stage = crm_choice_find(tool->db, CRM_KIND_CUSTOMER, CRM_CUSTOMER_STAGE, name, strlen(name));
    struct buffer known = {0};
    int result;

    if (stage >= 0) {
        crm_lifecycle_move(record, stage, NULL, tool_value(tool, "reason"));
        return EXIT_OK;
    }
    for (uint32_t i = 0; i < crm_choice_count(tool->db, CRM_KIND_CUSTOMER, CRM_CUSTOMER_STAGE); i++) {
        int64_t code = crm_choice_at(tool->db, CRM_KIND_CUSTOMER, CRM_CUSTOMER_STAGE, i);

        buffer_print(&known, "%s %s", i ? "," : "",
                     crm_choice_name(tool->db, CRM_KIND_CUSTOMER, CRM_CUSTOMER_STAGE, code));
    }
    result = tool_usage(tool, "'%s' is no stage of the lifecycle:%s", name, buffer_text(&known));
    buffer_free(&known);
    return result;
}

/* stage FILE RECORD: its stages so far; stage FILE RECORD STAGE: moves it. */
int verb_stage(struct tool *tool)
{
    size_t words = tool_words(tool);
    bool reads = words == 1 || (words == 2 && kind_named(tool, tool_word(tool, 0)));
    crm_txn *txn = NULL;
    crm_record *record = NULL;
    struct written written;
    size_t next = 0;
    const char *name;
    int result;

    if (reads)
        return stage_history(tool);
    result = edit(tool, words - 1, false, &txn, &record, &next);
    if (result != EXIT_OK)
        return result;
    name = tool_word(tool, next);
    if (crm_record_kind(record) == CRM_KIND_CUSTOMER)
        result = move_customer(tool, record, name);
    else if (crm_record_kind(record) == CRM_KIND_OPPORTUNITY)
        crm_set_parsed(record, CRM_OPPORTUNITY_STAGE, name, strlen(name));
    else
        result = tool_usage(tool, "a %s has no stage", crm_kind_name(tool->db, crm_record_kind(record)));
    if (result != EXIT_OK) {
        crm_rollback(txn);
        return result;
    }
    if (crm_txn_status(txn, NULL) != CRM_OK)
        return tool_rollback(tool, txn);
    written = written_of(record, "moved");
    result = finish(tool, txn, &written);
    free(written.name);
    return result;
}
