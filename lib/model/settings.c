/* settings: names with a text that belong to the file and travel with it.
 *
 * They are records like any other, so they have history and follow a view into
 * the past.  The base currency is asked for with every amount that names none;
 * the handle keeps it and looks it up anew only when that setting changes.
 */
#include "model/db.h"

#include "model/currency.h"
#include "model/number.h"
#include "model/record.h"
#include "model/text.h"
#include "model/txn.h"

#include <string.h>

enum { NAME_MAX_BYTES = 63, VALUE_MAX_BYTES = 4000, CURRENCY_DEFAULT = 978 /* EUR */ };

/* A value that the log does not hold as it is handed out: one that a
 * transaction has under way, or a deflated one. */
struct setting_text {
    struct setting_text *next;
    size_t name_length;
    char text[]; /* the name, the value, NUL */
};

void settings_free(crm_view *view)
{
    while (view->settings != NULL) {
        struct setting_text *next = view->settings->next;
        memory_free(view->db->memory, view->settings);
        view->settings = next;
    }
}

/* The same value asked for again and again is kept once. */
static const char *keep(crm_view *view, const char *name, const char *value, size_t length)
{
    size_t name_length = strlen(name);
    for (const struct setting_text *kept = view->settings; kept != NULL; kept = kept->next)
        if (kept->name_length == name_length && memcmp(kept->text, name, name_length) == 0 &&
            strcmp(kept->text + name_length, value) == 0)
            return kept->text + name_length;
    struct setting_text *made = memory_alloc(view->db->memory, sizeof *made + name_length + length + 1);
    if (made == NULL)
        return NULL;
    made->next = view->settings;
    made->name_length = name_length;
    memcpy(made->text, name, name_length);
    memcpy(made->text + name_length, value, length);
    made->text[name_length + length] = 0;
    view->settings = made;
    return made->text + name_length;
}

/* *text NULL: it is not set. */
static int32_t read_setting(crm_view *view, const char *name, const char **text)
{
    crm_record *record = NULL;
    struct value value;
    *text = NULL;
    int32_t status = CRM_CORRUPT;
    for (int i = 0; i < 2 && status == CRM_CORRUPT; i++) /* a damaged index is built anew by the second time */
        status = crm_find(view, CRM_KIND_SETTING, CRM_SETTING_NAME, name, CRM_NUL, &record, NULL);
    if (status == CRM_OK && record_value(record, CRM_SETTING_VALUE, &value) == 1) {
        if (value.what == VALUE_BYTES && view->txn == NULL) {
            *text = (const char *)value.bytes; /* in the log, which the view keeps */
        } else {
            size_t length;
            const char *made = record_text_of(record, &value, &length);
            *text = keep(view, name, made, length);
            status = *text == NULL ? CRM_NOMEM : record->status;
        }
    }
    crm_record_free(record);
    return status == CRM_NOT_FOUND ? CRM_OK : status;
}

const char *crm_setting(crm_view *view, const char *name)
{
    const char *text = NULL;
    int32_t status = view == NULL || name == NULL ? CRM_OK : read_setting(view, name, &text);
    if (status != CRM_OK)
        db_tell(view->db, status, "%s: the setting \"%s\" cannot be read", view->db->path, name);
    return status == CRM_OK ? text : NULL;
}

static int32_t check_value(crm_txn *txn, const char *name, const char *value)
{
    int64_t days;
    if (strcmp(name, "currency") == 0 && currency_find(value, strlen(value)) == NULL)
        return txn_fail(txn, CRM_INVALID, "setting \"currency\": \"%s\" is no ISO 4217 code: EUR, USD, CNY", value);
    if (strcmp(name, "retention_days") == 0 &&
        (!number_parse_int(value, strlen(value), &days) || days < 0 || days > INT32_MAX))
        return txn_fail(txn, CRM_INVALID,
                        "setting \"retention_days\": \"%s\" is no number of days; 0 keeps every version", value);
    return CRM_OK;
}

/* Asked for with every customer that is written. */
int32_t db_lifecycle(crm_view *view, int32_t *table, crm_error *error)
{
    *table = view->txn == NULL ? 0 : __atomic_load_n(&view->db->lifecycle, __ATOMIC_ACQUIRE);
    if (*table != 0)
        return CRM_OK;
    const char *setting;
    int32_t status = read_setting(view, "lifecycle", &setting);
    if (status != CRM_OK) {
        if (view->txn != NULL)
            (void)txn_fail(view->txn, status, "the setting \"lifecycle\" cannot be read");
        return error_unread(error, status, "the setting \"lifecycle\"");
    }
    *table = setting != NULL && strcmp(setting, "five") == 0 ? CRM_LIFECYCLE_FIVE : CRM_LIFECYCLE_FOUR;
    if (view->txn != NULL) /* the writer alone keeps it: what it sees is the newest */
        __atomic_store_n(&view->db->lifecycle, *table, __ATOMIC_RELEASE);
    return CRM_OK;
}

int32_t crm_setting_set(crm_txn *txn, const char *name, const char *value)
{
    if (txn == NULL)
        return CRM_MISUSE;
    size_t length = name == NULL ? 0 : strlen(name);
    size_t value_length = value == NULL ? 0 : strlen(value);
    if (txn->status != CRM_OK)
        return txn->status;
    if (length == 0 || length > NAME_MAX_BYTES || value_length > VALUE_MAX_BYTES || !text_valid(name, length))
        return txn_fail(txn, CRM_INVALID, "a setting has a name of 1 to %d bytes and a value of at most %d",
                        NAME_MAX_BYTES, VALUE_MAX_BYTES);
    int32_t status = value == NULL ? CRM_OK : check_value(txn, name, value);
    crm_record *found = NULL;
    crm_id id;
    crm_error error;
    if (status != CRM_OK)
        return status;
    status = crm_find(&txn->view, CRM_KIND_SETTING, CRM_SETTING_NAME, name, length, &found, &error);
    if (status != CRM_OK && status != CRM_NOT_FOUND)
        return txn_fail(txn, status, "%s", error.message);
    crm_record *record;
    if (status == CRM_OK) {
        crm_record_id(found, &id);
        crm_record_free(found);
        record = crm_edit(txn, CRM_KIND_SETTING, &id);
    } else {
        record = crm_create(txn, CRM_KIND_SETTING);
        (void)crm_set_text(record, CRM_SETTING_NAME, name, length);
    }
    if (record == NULL)
        return txn->status;
    return value == NULL ? crm_set_null(record, CRM_SETTING_VALUE)
                         : crm_set_text(record, CRM_SETTING_VALUE, value, value_length);
}

/* What a setting that cannot be read makes of the others' answers is not told
 * with them: then the log is read from its beginning, which finds the damage. */
bool settings_readable(struct generation *generation)
{
    const struct kind *kind = schema_kind(&generation->schema, CRM_KIND_SETTING);
    struct version version;
    bool fine = true;
    uint32_t rows = kind_rows(generation, kind);
    for (uint32_t number = 0; fine && number < rows; number++) {
        const struct row *row = row_at(generation, kind, number);
        fine = row != NULL && (row->head == 0 || version_load(generation, NULL, row->head, &version) == CRM_OK);
    }
    return fine && !generation->arena->damaged;
}

/* ---- the base currency ---- */

static const char currency_name[] = "currency";

static bool text_is(const struct version *version, uint32_t field, const char *text)
{
    struct value value;
    return version_get(version, field, &value) == 1 && value.what == VALUE_BYTES && value.length == strlen(text) &&
           memcmp(value.bytes, text, value.length) == 0;
}

/* The live setting of that name as the arena has it; the caller has it to himself. */
static bool load_setting(struct generation *generation, const struct kind *kind, uint32_t number,
                         struct version *version)
{
    const struct row *row = row_at(generation, kind, number);
    return row != NULL && row->head != 0 && !(row->state & ROW_DELETED) &&
           version_load(generation, generation->txn, row->head, version) == CRM_OK &&
           text_is(version, CRM_SETTING_NAME, currency_name);
}

static bool find_setting(struct generation *generation, const struct kind *kind, struct version *version)
{
    struct field *field = schema_field(kind, CRM_SETTING_NAME);
    struct hash_cursor cursor;
    uint32_t number;
    if (field->table == 0)
        return false;
    hash_find(generation->arena, field->table, /* the name is what folding it gives */
              index_hash(generation, field, currency_name, sizeof currency_name - 1), &cursor);
    while (hash_next(generation->arena, field->table, &cursor, &number))
        if (load_setting(generation, kind, number, version))
            return true;
    return false;
}

void settings_note(struct generation *generation, uint32_t number)
{
    const struct kind *kind = schema_kind(&generation->schema, CRM_KIND_SETTING);
    struct version version;
    struct value value;
    int32_t currency = 0;
    __atomic_store_n(&generation->db->lifecycle, 0, __ATOMIC_RELEASE);
    if (generation->building)
        return;
    if (number == UINT32_MAX ? find_setting(generation, kind, &version)
                             : load_setting(generation, kind, number, &version)) {
        const struct currency *known = NULL;
        if (version_get(&version, CRM_SETTING_VALUE, &value) == 1 && value.what == VALUE_BYTES)
            known = currency_find((const char *)value.bytes, value.length);
        currency = known == NULL ? 0 : known->number;
    } else if (number != UINT32_MAX) {
        return; /* another setting */
    }
    __atomic_store_n(&generation->db->currency, currency, __ATOMIC_RELEASE);
}

int32_t db_currency(crm_db *db)
{
    int32_t currency = __atomic_load_n(&db->currency, __ATOMIC_ACQUIRE);
    return currency == 0 ? CURRENCY_DEFAULT : currency;
}

/* What the writer has under way is the newest, and his alone to see. */
int32_t view_currency(crm_view *view)
{
    if (view->txn != NULL)
        return db_currency(view->db);
    if (view->currency == 0) {
        crm_record *record = NULL;
        size_t length;
        int32_t status = crm_find(view, CRM_KIND_SETTING, CRM_SETTING_NAME, currency_name, CRM_NUL, &record, NULL);
        const char *code = crm_text(record, CRM_SETTING_VALUE, &length);
        const struct currency *known = currency_find(code, length);
        crm_record_free(record);
        if (status == CRM_NOMEM)
            return 0;
        if (status != CRM_OK && status != CRM_NOT_FOUND)
            return db_currency(view->db);
        view->currency = known == NULL ? CURRENCY_DEFAULT : known->number;
    }
    return view->currency;
}
