/* table: the crm_table object, its builder and its public getters.
 *
 * Cells lie column by column, int64 each (a real by its bits), so that a
 * numeric column can be handed out as it is.  Text, currency and id are kept
 * only in columns that have them.  Texts live in chunks that never move, so
 * that a pointer to one stays good until the table is freed; the text of a
 * number is made when it is first asked for and kept the same way.  Relies on
 * currency, moment and number for the formats.
 */
#include "model/table.h"

#include "model/currency.h"
#include "model/db.h"
#include "model/moment.h"
#include "model/number.h"
#include "sys/error.h"

#include <string.h>

enum { CHUNK_SIZE = 4096, COLUMNS_MAX = 4096 };

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    /* bytes follow */
};

/* A text in a chunk: its length, then the bytes and a NUL. */
struct cell_text {
    size_t length;
    char bytes[];
};

struct column {
    const char *name;
    int32_t type;
    unsigned scale;
    int64_t *values;
    uint8_t *present;
    const struct cell_text **texts; /* NULL until the column gets its first */
    uint16_t *currencies;           /* likewise */
    crm_id *ids;                    /* likewise */
    uint8_t *has_id;
    struct table_source source; /* of a reference column filled with numbers */
};

struct crm_table {
    struct memory memory;
    struct column *columns;
    size_t column_count;
    size_t column_capacity;
    size_t row_count;
    size_t row_capacity;
    struct chunk *chunks;
    bool failed;
};

crm_table *table_create(const struct memory *memory)
{
    struct memory own = memory_unwatched(memory); /* a table may be freed after its database */
    crm_table *table = memory_zero(&own, 1, sizeof *table);
    if (table != NULL)
        table->memory = own;
    return table;
}

void crm_table_free(crm_table *table)
{
    if (table == NULL)
        return;
    struct memory memory = table->memory;
    for (size_t i = 0; i < table->column_count; i++) {
        struct column *column = &table->columns[i];
        if (column->source.release != NULL)
            column->source.release(column->source.context);
        memory_free(&memory, column->values);
        memory_free(&memory, column->present);
        memory_free(&memory, (void *)column->texts);
        memory_free(&memory, column->currencies);
        memory_free(&memory, column->ids);
        memory_free(&memory, column->has_id);
    }
    for (struct chunk *chunk = table->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        memory_free(&memory, chunk);
    }
    memory_free(&memory, table->columns);
    memory_free(&memory, table);
}

/* ------------------------------------------------------------ texts */

static const struct cell_text *keep_text(crm_table *table, const char *text, size_t length)
{
    if (length > SIZE_MAX / 2) {
        table->failed = true;
        return NULL;
    }
    size_t size = (sizeof(struct cell_text) + length + 1 + 7) & ~(size_t)7;
    struct chunk *chunk = table->chunks;

    if (chunk == NULL || chunk->size - chunk->used < size) {
        bool large = size > CHUNK_SIZE / 4;
        size_t room = large ? size : CHUNK_SIZE;
        chunk = memory_alloc(&table->memory, sizeof *chunk + room);
        if (chunk == NULL) {
            table->failed = true;
            return NULL;
        }
        chunk->used = 0;
        chunk->size = room;
        /* A chunk made for one large text is full at once: the one being filled stays in front. */
        struct chunk **place = large && table->chunks != NULL ? &table->chunks->next : &table->chunks;
        chunk->next = *place;
        *place = chunk;
    }
    struct cell_text *kept = (struct cell_text *)(void *)((uint8_t *)(chunk + 1) + chunk->used);
    chunk->used += size;
    kept->length = length;
    if (length > 0)
        memcpy(kept->bytes, text, length);
    kept->bytes[length] = '\0';
    return kept;
}

/* ------------------------------------------------------------ building */

uint32_t table_add_column(crm_table *table, const char *name, int32_t type)
{
    if (table == NULL || table->failed)
        return 0;
    void *columns = table->columns;
    if (table->row_count > 0 || table->column_count >= COLUMNS_MAX ||
        !memory_grow(&table->memory, &columns, &table->column_capacity, table->column_count + 1,
                     sizeof *table->columns)) {
        table->failed = true;
        return 0;
    }
    table->columns = columns;
    struct column *column = &table->columns[table->column_count];
    *column = (struct column){.type = type};
    const struct cell_text *kept = keep_text(table, name, strlen(name));
    column->name = kept != NULL ? kept->bytes : "";
    return (uint32_t)table->column_count++;
}

void table_set_scale(crm_table *table, uint32_t column, unsigned scale)
{
    if (table != NULL && column < table->column_count && scale <= NUMBER_SCALE_MAX)
        table->columns[column].scale = scale;
}

/* Resizes one array of a column to `capacity` elements. */
static bool widen(crm_table *table, void **array, size_t capacity, size_t element)
{
    void *wider = capacity > SIZE_MAX / element ? NULL : memory_resize(&table->memory, *array, capacity * element);
    if (wider == NULL)
        return false;
    memset((uint8_t *)wider + table->row_count * element, 0, (capacity - table->row_count) * element);
    *array = wider;
    return true;
}

static bool widen_column(crm_table *table, struct column *column, size_t capacity)
{
    void *values = column->values, *present = column->present, *texts = (void *)column->texts;
    void *currencies = column->currencies, *ids = column->ids, *has_id = column->has_id;
    bool ok = widen(table, &values, capacity, sizeof *column->values) &&
              widen(table, &present, capacity, sizeof *column->present) &&
              (texts == NULL || widen(table, &texts, capacity, sizeof *column->texts)) &&
              (currencies == NULL || widen(table, &currencies, capacity, sizeof *column->currencies)) &&
              (ids == NULL || widen(table, &ids, capacity, sizeof *column->ids)) &&
              (has_id == NULL || widen(table, &has_id, capacity, sizeof *column->has_id));
    column->values = values;
    column->present = present;
    column->texts = (const struct cell_text **)texts;
    column->currencies = currencies;
    column->ids = ids;
    column->has_id = has_id;
    return ok;
}

void table_add_row(crm_table *table)
{
    if (table == NULL || table->failed)
        return;
    if (table->row_count == table->row_capacity) {
        size_t capacity = table->row_capacity == 0 ? 16 : table->row_capacity * 2;
        for (size_t i = 0; i < table->column_count && !table->failed; i++)
            table->failed = !widen_column(table, &table->columns[i], capacity);
        if (table->failed)
            return;
        table->row_capacity = capacity;
    }
    table->row_count++;
}

/* The column of a cell of the last row, or NULL when nothing can be put there. */
static struct column *cell(crm_table *table, uint32_t column)
{
    if (table == NULL || table->failed)
        return NULL;
    if (column >= table->column_count || table->row_count == 0) {
        table->failed = true;
        return NULL;
    }
    return &table->columns[column];
}

/* Gives the column its texts, currencies or ids with the first that it gets. */
static bool need(crm_table *table, void **array, size_t element)
{
    if (*array == NULL)
        *array = memory_zero(&table->memory, table->row_capacity, element);
    if (*array == NULL)
        table->failed = true;
    return *array != NULL;
}

static void put_cell_text(crm_table *table, struct column *to, const char *text, size_t length)
{
    void *texts = (void *)to->texts;
    if (!need(table, &texts, sizeof *to->texts))
        return;
    to->texts = (const struct cell_text **)texts;
    to->texts[table->row_count - 1] = keep_text(table, text, length == CRM_NUL ? strlen(text) : length);
}

void table_put_int(crm_table *table, uint32_t column, int64_t value)
{
    struct column *to = cell(table, column);
    if (to == NULL)
        return;
    to->values[table->row_count - 1] = value;
    to->present[table->row_count - 1] = 1;
}

void table_put_real(crm_table *table, uint32_t column, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    table_put_int(table, column, bits);
}

void table_put_text(crm_table *table, uint32_t column, const char *text, size_t length)
{
    struct column *to = cell(table, column);
    if (to == NULL)
        return;
    to->present[table->row_count - 1] = 1;
    put_cell_text(table, to, text, length);
}

void table_put_money(crm_table *table, uint32_t column, int64_t minor, int32_t currency)
{
    struct column *to = cell(table, column);
    if (to == NULL)
        return;
    void *currencies = to->currencies;
    if (!need(table, &currencies, sizeof *to->currencies))
        return;
    to->currencies = currencies;
    to->values[table->row_count - 1] = minor;
    to->currencies[table->row_count - 1] = (uint16_t)currency;
    to->present[table->row_count - 1] = 1;
}

void table_put_choice(crm_table *table, uint32_t column, int64_t code, const char *name)
{
    table_put_int(table, column, code);
    struct column *to = cell(table, column);
    if (to != NULL && name != NULL)
        put_cell_text(table, to, name, CRM_NUL);
}

void table_put_ref(crm_table *table, uint32_t column, const char *text, size_t length, const crm_id *id)
{
    table_put_text(table, column, text, length);
    struct column *to = cell(table, column);
    if (to == NULL || id == NULL)
        return;
    void *ids = to->ids, *has_id = to->has_id;
    bool ok = need(table, &ids, sizeof *to->ids);
    ok = need(table, &has_id, sizeof *to->has_id) && ok;
    to->ids = ids;
    to->has_id = has_id;
    if (!ok)
        return;
    to->ids[table->row_count - 1] = *id;
    to->has_id[table->row_count - 1] = 1;
}

void table_put_null(crm_table *table, uint32_t column)
{
    struct column *to = cell(table, column);
    if (to == NULL)
        return;
    size_t row = table->row_count - 1;
    to->present[row] = 0;
    to->values[row] = 0;
    if (to->texts != NULL)
        to->texts[row] = NULL;
    if (to->has_id != NULL)
        to->has_id[row] = 0;
}

void table_add_rows(crm_table *table, size_t rows)
{
    if (table == NULL || table->failed || table->row_count > 0)
        return;
    table->failed = rows > SIZE_MAX / sizeof *table->columns->values;
    for (size_t i = 0; i < table->column_count && !table->failed; i++) {
        struct column *column = &table->columns[i]; /* without rows it has no arrays yet */
        column->values = memory_alloc(&table->memory, rows * sizeof *column->values);
        column->present = memory_alloc(&table->memory, rows * sizeof *column->present);
        table->failed = column->values == NULL || column->present == NULL;
    }
    if (!table->failed)
        table->row_count = table->row_capacity = rows;
}

int64_t *table_values(crm_table *table, uint32_t column)
{
    return table == NULL || table->failed || column >= table->column_count ? NULL : table->columns[column].values;
}

uint8_t *table_present(crm_table *table, uint32_t column)
{
    return table == NULL || table->failed || column >= table->column_count ? NULL : table->columns[column].present;
}

uint16_t *table_currencies(crm_table *table, uint32_t column)
{
    if (table == NULL || table->failed || column >= table->column_count)
        return NULL;
    struct column *to = &table->columns[column];
    void *currencies = to->currencies;
    if (table->row_capacity > 0 && need(table, &currencies, sizeof *to->currencies))
        to->currencies = currencies;
    return to->currencies;
}

void table_set_source(crm_table *table, uint32_t column, const struct table_source *source)
{
    if (table == NULL || column >= table->column_count)
        source->release(source->context);
    else
        table->columns[column].source = *source;
}

int32_t table_finish(crm_table *table, crm_table **out, crm_error *error)
{
    bool failed = table == NULL || table->failed;

    if (out != NULL)
        *out = failed ? NULL : table;
    if (failed || out == NULL)
        crm_table_free(table);
    return failed ? error_nomem(error) : CRM_OK;
}

/* ------------------------------------------------------------ reading */

uint32_t crm_table_columns(const crm_table *table)
{
    return table == NULL ? 0 : (uint32_t)table->column_count;
}

uint64_t crm_table_rows(const crm_table *table)
{
    return table == NULL ? 0 : table->row_count;
}

const char *crm_table_name(const crm_table *table, uint32_t column)
{
    return column < crm_table_columns(table) ? table->columns[column].name : NULL;
}

int32_t crm_table_type(const crm_table *table, uint32_t column)
{
    return column < crm_table_columns(table) ? table->columns[column].type : 0;
}

int32_t crm_table_has(const crm_table *table, uint64_t row, uint32_t column)
{
    return column < crm_table_columns(table) && row < crm_table_rows(table) && table->columns[column].present[row];
}

static bool is_text(int32_t type)
{
    return type == CRM_TYPE_TEXT || type >= CRM_TYPE_REF;
}

static double power_of_10(unsigned exponent)
{
    double power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static unsigned money_exponent(const struct column *column, size_t row)
{
    const struct currency *currency = column->currencies != NULL ? currency_by_number(column->currencies[row]) : NULL;
    return currency != NULL ? currency->exponent : 0;
}

static double real_bits(int64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int64_t crm_table_int(const crm_table *table, uint64_t row, uint32_t column)
{
    if (!crm_table_has(table, row, column) || is_text(table->columns[column].type))
        return 0;
    int64_t value = table->columns[column].values[row];
    if (table->columns[column].type != CRM_TYPE_REAL)
        return value;
    double real = real_bits(value);
    return real > -9.2e18 && real < 9.2e18 ? (int64_t)real : 0;
}

double crm_table_real(const crm_table *table, uint64_t row, uint32_t column)
{
    if (!crm_table_has(table, row, column) || is_text(table->columns[column].type))
        return __builtin_nan("");
    const struct column *from = &table->columns[column];
    switch (from->type) {
    case CRM_TYPE_REAL: return real_bits(from->values[row]);
    case CRM_TYPE_DECIMAL: return (double)from->values[row] / power_of_10(from->scale);
    case CRM_TYPE_MONEY: return (double)from->values[row] / power_of_10(money_exponent(from, row));
    default: return (double)from->values[row];
    }
}

/* Writes a number, a time or money as text; there is room for any of them. */
static size_t format_value(const struct column *column, size_t row, char out[NUMBER_TEXT_SIZE])
{
    int64_t value = column->values[row];
    char moment[MOMENT_TEXT_SIZE];
    size_t length;

    switch (column->type) {
    case CRM_TYPE_BOOL:
        length = value != 0 ? 4 : 5;
        memcpy(out, value != 0 ? "true" : "false", length + 1);
        return length;
    case CRM_TYPE_REAL: return number_format_double(real_bits(value), out);
    case CRM_TYPE_DECIMAL: return number_format_decimal(value, column->scale, 0, '.', out);
    case CRM_TYPE_MONEY: return number_format_decimal(value, money_exponent(column, row), 0, '.', out);
    case CRM_TYPE_TIME: length = instant_format(value, moment); break;
    case CRM_TYPE_DATE: length = date_format((int32_t)value, moment); break;
    case CRM_TYPE_CURRENCY: {
        const struct currency *currency = value > 0 && value < 1000 ? currency_by_number((uint16_t)value) : NULL;
        if (currency == NULL)
            return number_format_int(value, 0, out);
        memcpy(out, currency->code, sizeof currency->code);
        return 3;
    }
    default: return number_format_int(value, 0, out);
    }
    memcpy(out, moment, length + 1);
    return length;
}

const char *crm_table_text(const crm_table *table, uint64_t row, uint32_t column, size_t *length)
{
    const struct cell_text *text = NULL;

    if (crm_table_has(table, row, column)) {
        crm_table *own = (crm_table *)(uintptr_t)table; /* the text, once made, is kept */
        struct column *from = &own->columns[column];
        text = from->texts != NULL ? from->texts[row] : NULL;
        if (text == NULL && from->source.look_up != NULL) {
            struct buffer title;
            crm_id id;
            void *texts = (void *)from->texts;
            buffer_init(&title, &own->memory);
            if (from->source.look_up(from->source.context, (uint32_t)from->values[row], &title, &id) && !title.failed &&
                need(own, &texts, sizeof *from->texts)) {
                from->texts = (const struct cell_text **)texts;
                from->texts[row] = text = keep_text(own, (const char *)title.data, title.length);
            }
            buffer_free(&title);
        }
        if (text == NULL && !is_text(from->type)) {
            char written[NUMBER_TEXT_SIZE];
            void *texts = (void *)from->texts;
            size_t written_length = format_value(from, row, written);
            if (need(own, &texts, sizeof *from->texts)) {
                from->texts = (const struct cell_text **)texts;
                from->texts[row] = text = keep_text(own, written, written_length);
            }
        }
    }
    if (length != NULL)
        *length = text != NULL ? text->length : 0;
    return text != NULL ? text->bytes : "";
}

int32_t crm_table_currency(const crm_table *table, uint64_t row, uint32_t column)
{
    if (!crm_table_has(table, row, column) || table->columns[column].currencies == NULL)
        return 0;
    return table->columns[column].currencies[row];
}

int32_t crm_table_id(const crm_table *table, uint64_t row, uint32_t column, crm_id *out)
{
    const struct column *from = column < crm_table_columns(table) ? &table->columns[column] : NULL;
    if (crm_table_has(table, row, column) && from->source.look_up != NULL) {
        struct buffer ignored;
        buffer_init(&ignored, &((crm_table *)(uintptr_t)table)->memory);
        bool found = from->source.look_up(from->source.context, (uint32_t)from->values[row], &ignored, out);
        buffer_free(&ignored);
        return found ? CRM_OK : CRM_NOMEM; /* or damaged, which a later look at it will say */
    }
    if (!crm_table_has(table, row, column) || table->columns[column].has_id == NULL ||
        !table->columns[column].has_id[row])
        return CRM_NOT_FOUND;
    *out = table->columns[column].ids[row];
    return CRM_OK;
}

const int64_t *crm_table_column(const crm_table *table, uint32_t column)
{
    if (column >= crm_table_columns(table) || table->columns[column].type == CRM_TYPE_REAL ||
        is_text(table->columns[column].type))
        return NULL;
    return table->columns[column].values;
}
