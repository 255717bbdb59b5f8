/* import_row: what happens to a row: left out, grouped, held back, written or
 * rejected.
 *
 * Rows that must outlive their turn (of an open group, or waiting for another
 * row) are stored as their cells, one after the other, in a buffer of limited
 * size.
 */
#include "io/import.h"

#include <string.h>

/* ---- rows stored for later ---- */

enum { CELL_QUOTED = 1, CELL_NULL = 2, CELL_MISSING = 4 };

struct stored_row {
    uint64_t line;
    uint32_t count;
    bool has_raw;
    size_t raw_length;
};
struct stored_cell {
    uint64_t line, column;
    size_t length;
    uint8_t flags;
};

static bool store_row(struct buffer *out, const struct import_row *row)
{
    struct stored_row head = {
        .line = row->line, .count = (uint32_t)row->count, .has_raw = row->raw != NULL, .raw_length = row->raw_length};
    buffer_append(out, &head, sizeof head);
    for (size_t i = 0; i < row->count; i++) {
        const struct csv_value *cell = &row->cells[i];
        struct stored_cell stored;
        memset(&stored, 0, sizeof stored);
        stored.line = cell->line;
        stored.column = cell->column;
        stored.length = cell->text == NULL ? 0 : cell->length;
        stored.flags = (uint8_t)((cell->quoted ? CELL_QUOTED : 0) | (cell->text == import_null ? CELL_NULL : 0) |
                                 (cell->text == NULL ? CELL_MISSING : 0));
        buffer_append(out, &stored, sizeof stored);
        buffer_append(out, cell->text == NULL ? "" : cell->text, stored.length);
        buffer_byte(out, 0);
    }
    if (row->raw != NULL)
        buffer_append(out, row->raw, row->raw_length);
    return !out->failed;
}

/* The row stored at *at, which moves on; its texts lie in the buffer, its cells in `scratch`. */
static bool load_row(const struct buffer *from, size_t *at, struct scratch *scratch, struct import_row *row)
{
    struct stored_row head;
    memcpy(&head, from->data + *at, sizeof head);
    *at += sizeof head;
    struct csv_value *cells = scratch_alloc(scratch, (head.count + (size_t)1) * sizeof *cells);
    if (cells == NULL)
        return false;
    for (uint32_t i = 0; i < head.count; i++) {
        struct stored_cell stored;
        memcpy(&stored, from->data + *at, sizeof stored);
        const char *text = (const char *)from->data + *at + sizeof stored;
        *at += sizeof stored + stored.length + 1;
        cells[i] = (struct csv_value){.text = text,
                                      .length = stored.length,
                                      .line = stored.line,
                                      .column = stored.column,
                                      .quoted = (stored.flags & CELL_QUOTED) != 0};
        if ((stored.flags & CELL_NULL) != 0)
            cells[i].text = import_null;
        if ((stored.flags & CELL_MISSING) != 0)
            cells[i].text = NULL;
    }
    *row = (struct import_row){.cells = cells, .count = head.count, .line = head.line, .raw_length = head.raw_length};
    if (head.has_raw)
        row->raw = (const char *)from->data + *at;
    *at += head.raw_length;
    return true;
}

/* ---- one row ---- */

/* CRM_OK: written or rejected; CRM_DONE: it waits for another row; else the import failed. */
static int32_t try_row(struct crm_import *import, const struct import_row *row)
{
    struct import_fault fault = {.why = {.cell = EXPRESSION_NONE}};
    if (values_read(import, row, NULL, &fault) && write_record(import, row, &fault))
        return write_progress(import, 1);
    if (fault.status != CRM_OK)
        return import_fail(import, fault.status, "line %llu: %s", (unsigned long long)row->line, fault.why.why);
    if (import->status != CRM_OK)
        return import->status;
    if (fault.hold && !import->last_chance)
        return CRM_DONE;
    import_reject(import, row, fault.why.cell, fault.why.why);
    return write_progress(import, 1);
}

static int32_t hold_row(struct crm_import *import, const struct import_row *row)
{
    void *array = import->held_at;
    if (import->held.length > IMPORT_HELD_MAX) {
        import_reject(
            import, row, EXPRESSION_NONE,
            "too many rows refer to rows that come later; import those first, or this file twice with 'match'");
        return CRM_OK;
    }
    if (!memory_grow(import->memory, &array, &import->held_capacity, import->held_count + 1, sizeof *import->held_at))
        return import_nomem(import);
    import->held_at = array;
    import->held_at[import->held_count++] = import->held.length;
    return store_row(&import->held, row) ? CRM_OK : import_nomem(import);
}

/* One pass over the rows that wait; *count of them still do. */
static int32_t retry_held(struct crm_import *import, bool backwards, size_t *count)
{
    size_t before = import->held_count, left = 0;
    for (size_t i = 0; i < before; i++) {
        size_t which = backwards ? before - 1 - i : i;
        size_t at = import->held_at[which];
        struct import_row row;
        scratch_reset(&import->scratch);
        if (!load_row(&import->held, &at, &import->scratch, &row))
            return import_nomem(import);
        int32_t status = try_row(import, &row);
        if (status == CRM_DONE) {
            /* Kept in the order of the file, from the end when going backwards. */
            size_t place = backwards ? before - 1 - left : left;
            import->held_at[place] = import->held_at[which];
            left++;
        } else if (status != CRM_OK) {
            return status;
        }
    }
    if (backwards && left > 0)
        memmove(import->held_at, import->held_at + before - left, left * sizeof *import->held_at);
    *count = import->held_count = left;
    return CRM_OK;
}

/* A chain may lie in the file in any order: going forth and back by turns
 * settles all but contrived ones in a few passes. */
static int32_t settle_held(struct crm_import *import)
{
    for (unsigned pass = 0; import->held_count > 0 && pass < IMPORT_PASSES_MAX; pass++) {
        size_t before = import->held_count, left;
        int32_t status = retry_held(import, pass % 2 == 1, &left);
        if (status != CRM_OK)
            return status;
        /* Both directions must fail before it is given up. */
        if (left == before && pass % 2 == 1)
            break;
    }
    size_t left;
    import->last_chance = true;
    return import->held_count > 0 ? retry_held(import, false, &left) : CRM_OK;
}

/* ---- groups ---- */

static int32_t reject_group(struct crm_import *import)
{
    struct import_group *group = &import->group;
    char why[400];
    size_t at = 0;
    for (uint64_t i = 0; i < group->rows; i++) {
        struct import_row row;
        scratch_reset(&import->scratch);
        if (!load_row(&group->stored, &at, &import->scratch, &row))
            return import_nomem(import);
        if (row.line == group->bad_line) {
            import_reject(import, &row, group->fault.why.cell, group->fault.why.why);
            continue;
        }
        struct buffer text;
        buffer_init(&text, import->memory);
        buffer_format(&text, "its group is rejected for line %llu: %s", (unsigned long long)group->bad_line,
                      group->fault.why.why);
        size_t length = text.length < sizeof why - 1 ? text.length : sizeof why - 1;
        if (length > 0)
            memcpy(why, text.data, length);
        why[length] = 0;
        buffer_free(&text);
        import_reject(import, &row, EXPRESSION_NONE, why);
    }
    return CRM_OK;
}

static int32_t close_group(struct crm_import *import)
{
    struct import_group *group = &import->group;
    if (!group->open)
        return CRM_OK;
    group->open = false;
    scratch_reset(&import->scratch);
    if (!group->bad) {
        group->fault = (struct import_fault){.why = {.cell = EXPRESSION_NONE}};
        group->bad_line = group->first.line;
        if (values_read(import, &group->first, group->totals, &group->fault) &&
            write_record(import, &group->first, &group->fault)) {
            import->counts[CRM_IMPORT_MERGED] += group->rows - 1;
            return write_progress(import, group->rows);
        }
    }
    if (group->fault.status != CRM_OK)
        return import_fail(import, group->fault.status, "line %llu: %s", (unsigned long long)group->bad_line,
                           group->fault.why.why);
    if (import->status != CRM_OK)
        return import->status;
    int32_t status = reject_group(import);
    return status == CRM_OK ? write_progress(import, group->rows) : status;
}

static bool copy_operand(struct scratch *scratch, struct import_total *total, const struct operand *operand)
{
    if (operand->type == OPERAND_TEXT) {
        if (operand->length >= total->room_size) {
            total->room_size = operand->length * 2 + 16;
            total->room = scratch_alloc(scratch, total->room_size);
            if (total->room == NULL)
                return false;
        }
        memcpy(total->room, operand->text, operand->length);
        total->room[operand->length] = 0;
    }
    total->operand = *operand;
    if (operand->type == OPERAND_TEXT)
        total->operand.text = total->room;
    total->set = true;
    return true;
}

static bool add_sum(struct import_total *total, const struct operand *operand, uint32_t cell,
                    struct import_fault *fault)
{
    struct decimal number;
    if (!operand_number(operand, &number))
        return import_blame(fault, cell, "\"%.60s\" is not a number",
                            operand->type == OPERAND_TEXT ? operand->text : "");
    if (total->set && !decimal_add(total->operand.number, number, &number))
        return import_blame(fault, cell, "the sum has more than 18 digits");
    total->operand = (struct operand){.type = OPERAND_NUMBER, .number = number};
    total->set = true;
    return true;
}

static bool add_to_total(struct crm_import *import, uint32_t number, const struct expression_row *view,
                         struct import_fault *fault)
{
    const struct import_item *item = &import->plan.items[number];
    struct import_total *total = &import->group.totals[item->number];
    struct operand operand;
    if (item->assignment.aggregate == MAPPING_COUNT) {
        total->operand.type = OPERAND_NUMBER;
        total->operand.number.digits++;
        total->set = true;
        return true;
    }
    if (!expression_evaluate(&import->mapping.expressions, item->assignment.value, view, &operand, &fault->why))
        return false;
    if (operand.type == OPERAND_BLANK)
        return true;
    if (item->assignment.aggregate == MAPPING_SUM)
        return add_sum(total, &operand, item->cell, fault);
    if (total->set && item->assignment.aggregate != MAPPING_LAST) {
        int order = operand_compare(&operand, &total->operand);
        if (item->assignment.aggregate == MAPPING_MIN ? order >= 0 : order <= 0)
            return true;
    }
    if (!copy_operand(&import->group.scratch, total, &operand)) {
        fault->status = CRM_NOMEM;
        return import_blame(fault, EXPRESSION_NONE, "out of memory");
    }
    return true;
}

static int32_t add_to_group(struct crm_import *import, const struct import_row *row, const struct expression_row *view)
{
    struct import_group *group = &import->group;
    struct import_fault fault = {.why = {.cell = EXPRESSION_NONE}};
    if (!group->bad && group->stored.length > IMPORT_GROUP_MAX) {
        group->bad = group->too_large = true;
        group->bad_line = row->line;
        group->fault = fault;
        import_blame(&group->fault, EXPRESSION_NONE, "a group of more than %d MiB", IMPORT_GROUP_MAX >> 20);
    }
    if (group->too_large) {
        import_reject(import, row, EXPRESSION_NONE, group->fault.why.why);
        return CRM_OK;
    }
    if (!store_row(&group->stored, row))
        return import_nomem(import);
    group->rows++;
    for (uint32_t i = 0; i < import->plan.item_count && !group->bad; i++) {
        if (import->plan.items[i].assignment.aggregate == MAPPING_FIRST || add_to_total(import, i, view, &fault))
            continue;
        group->bad = true;
        group->bad_line = row->line;
        group->fault = fault;
    }
    return CRM_OK;
}

static int32_t open_group(struct crm_import *import, const struct import_row *row, const char **key,
                          const size_t *lengths)
{
    struct import_group *group = &import->group;
    size_t columns = import->mapping.group_count, totals = import->mapping.assignment_count + 1, at = 0;
    struct scratch *scratch = &group->scratch;
    scratch_reset(scratch);
    group->stored.length = 0;
    /* The first row is read at the end: its texts are copied, since `stored` may move. */
    struct buffer copy;
    buffer_init(&copy, import->memory);
    bool stored = store_row(&copy, row);
    char *kept = stored ? scratch_text(scratch, (const char *)copy.data, copy.length) : NULL;
    struct buffer view = {.data = (uint8_t *)kept, .length = copy.length};
    buffer_free(&copy);
    group->key = scratch_alloc(scratch, columns * sizeof *group->key);
    group->key_lengths = scratch_alloc(scratch, columns * sizeof *group->key_lengths);
    group->totals = scratch_alloc(scratch, totals * sizeof *group->totals);
    if (kept == NULL || group->key == NULL || group->key_lengths == NULL || group->totals == NULL ||
        !load_row(&view, &at, scratch, &group->first))
        return import_nomem(import);
    memset(group->totals, 0, totals * sizeof *group->totals);
    for (size_t i = 0; i < columns; i++) {
        group->key[i] = scratch_text(scratch, key[i], lengths[i]);
        group->key_lengths[i] = lengths[i];
        if (group->key[i] == NULL)
            return import_nomem(import);
    }
    group->open = true;
    group->bad = group->too_large = false;
    group->rows = 0;
    return CRM_OK;
}

static int32_t take_grouped(struct crm_import *import, const struct import_row *row, const struct expression_row *view)
{
    struct import_group *group = &import->group;
    size_t columns = import->mapping.group_count;
    struct expression_fault fault = {.cell = EXPRESSION_NONE};
    const char **key = scratch_alloc(&import->scratch, columns * sizeof *key);
    size_t *lengths = scratch_alloc(&import->scratch, columns * sizeof *lengths);
    bool same = group->open;
    if (key == NULL || lengths == NULL)
        return import_nomem(import);
    for (size_t i = 0; i < columns; i++) {
        struct operand operand;
        if (!expression_evaluate(&import->mapping.expressions, import->mapping.group[i], view, &operand, &fault)) {
            import_reject(import, row, fault.cell, fault.why);
            return CRM_OK;
        }
        if (!operand_text(&operand, &import->scratch, &key[i], &lengths[i]))
            return import_nomem(import);
        same = same && lengths[i] == group->key_lengths[i] && memcmp(key[i], group->key[i], lengths[i]) == 0;
    }
    if (same)
        return add_to_group(import, row, view);
    /* Closing writes the group before and needs the scratch memory that the key lies in. */
    struct scratch scratch = import->scratch;
    import->scratch = group->work;
    int32_t status = close_group(import);
    group->work = import->scratch;
    import->scratch = scratch;
    if (status == CRM_OK)
        status = open_group(import, row, key, lengths);
    return status == CRM_OK ? add_to_group(import, row, view) : status;
}

/* ---- every row ---- */

/* What is wrong with the row as such; NULL: nothing. */
static const char *check_shape(struct crm_import *import, struct import_row *row, uint32_t *cell, char why[256])
{
    const struct import_plan *plan = &import->plan;
    struct buffer text;
    if (import->source.format == IMPORT_JSONL) {
        for (uint32_t i = 0; i < row->count; i++) {
            if (row->cells[i].text == NULL ||
                (plan->columns[i].state != COLUMN_UNKNOWN && plan->columns[i].state != COLUMN_FIXED))
                continue;
            *cell = i;
            return plan->columns[i].state == COLUMN_UNKNOWN
                       ? "no field has the name of this key; map it, or: ignore KEY"
                       : "the library itself keeps this field; leave it out by: ignore KEY";
        }
        return NULL;
    }
    size_t count = row->count;
    while (count > plan->count && row->cells[count - 1].length == 0)
        count--;
    if (count == plan->count) {
        row->count = count;
        return NULL;
    }
    *cell = (uint32_t)(count < plan->count ? count : plan->count);
    buffer_init(&text, import->memory);
    buffer_format(&text, "the row has %zu fields, there are %zu columns", count, plan->count);
    size_t length = text.length < 255 ? text.length : 255;
    if (length > 0)
        memcpy(why, text.data, length);
    why[length] = 0;
    buffer_free(&text);
    return why;
}

/* CRM_OK: it is wanted; CRM_DONE: filtered or rejected. */
static int32_t filter(struct crm_import *import, const struct import_row *row, const struct expression_row *view)
{
    struct expression_fault fault = {.cell = EXPRESSION_NONE};
    for (size_t i = 0; i < import->mapping.only_count; i++) {
        struct operand operand;
        if (!expression_evaluate(&import->mapping.expressions, import->mapping.only[i], view, &operand, &fault)) {
            if (fault.memory)
                return import_nomem(import);
            import_reject(import, row, fault.cell, fault.why);
            return CRM_DONE;
        }
        if (operand.type == OPERAND_BLANK) {
            import->counts[CRM_IMPORT_FILTERED]++;
            return CRM_DONE;
        }
    }
    return CRM_OK;
}

int32_t row_take(struct crm_import *import, const struct import_row *given)
{
    struct import_row row = *given;
    uint32_t cell = EXPRESSION_NONE;
    char why[256];
    import->counts[CRM_IMPORT_READ]++;
    scratch_reset(&import->scratch);
    const char *fault = check_shape(import, &row, &cell, why);
    if (fault != NULL) {
        import_reject(import, &row, cell, fault);
        return CRM_OK;
    }
    struct expression_row view = {.cells = row.cells,
                                  .count = row.count,
                                  .line = row.line,
                                  .rules = import->plan.any_rule ? import->plan.rules : NULL,
                                  .pairs = import->mapping.pairs,
                                  .scratch = &import->scratch,
                                  .names = import->plan.names};
    int32_t status = filter(import, &row, &view);
    if (status != CRM_OK)
        return status == CRM_DONE ? CRM_OK : status;
    if (import->mapping.group_count > 0)
        return take_grouped(import, &row, &view);
    status = try_row(import, &row);
    return status == CRM_DONE ? hold_row(import, &row) : status;
}

int32_t row_finish(struct crm_import *import)
{
    int32_t status = close_group(import);
    return status == CRM_OK ? settle_held(import) : status;
}

void row_free(struct crm_import *import)
{
    scratch_free(&import->group.scratch);
    scratch_free(&import->group.work);
    buffer_free(&import->group.stored);
    buffer_free(&import->held);
    memory_free(import->memory, import->held_at);
}
