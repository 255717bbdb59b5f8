/* roots: which structure of the arena serves which kind and field.
 *
 * The arena's root area holds a header; a table of slots grows behind it.  The
 * offsets are copied into the schema's kinds and fields, where the code finds
 * them without a search.
 */
#include "model/db.h"

#include <string.h>

enum { ROOT_MAGIC = 0x4d524331 };
enum { SLOT_FORGOTTEN = 0, SLOT_STORE = 1, SLOT_COLUMN, SLOT_TREE, SLOT_TABLE, SLOT_TIMELINE };

struct root {
    uint32_t magic, slot_count, slot_capacity, reserved;
    uint64_t slots;
    uint64_t frames;
};

struct slot {
    uint32_t kind, field, what, reserved;
    uint64_t offset;
};

static struct root *root_of(const struct generation *generation)
{
    struct root *root = arena_at(generation->arena, ARENA_ROOT, sizeof *root);
    return root != NULL && root->magic == ROOT_MAGIC ? root : NULL;
}

bool roots_create(struct generation *generation)
{
    struct root *root = arena_at(generation->arena, ARENA_ROOT, sizeof *root);
    if (root == NULL)
        return false;
    memset(root, 0, sizeof *root);
    root->magic = ROOT_MAGIC;
    generation->frames = column_create(generation->arena, sizeof(struct frame_cell), 0);
    root->frames = generation->frames;
    return generation->frames != 0 && column_reserve(generation->arena, generation->frames, 1);
}

static bool add_slot(struct generation *generation, uint32_t kind, uint32_t field, uint32_t what, uint64_t offset)
{
    struct arena *arena = generation->arena;
    struct root *root = root_of(generation);
    if (root == NULL || offset == 0)
        return false;
    if (root->slot_count == root->slot_capacity) {
        uint32_t wanted = root->slot_capacity == 0 ? 32 : root->slot_capacity * 2;
        uint64_t larger = arena_alloc(arena, wanted * sizeof(struct slot));
        struct slot *to = arena_at(arena, larger, wanted * sizeof(struct slot));
        if (to == NULL)
            return false;
        if (root->slot_count > 0) {
            struct slot *from = arena_at(arena, root->slots, root->slot_count * sizeof(struct slot));
            if (from == NULL)
                return false;
            memcpy(to, from, root->slot_count * sizeof(struct slot));
            arena_release(arena, root->slots, root->slot_capacity * sizeof(struct slot));
        }
        root->slots = larger;
        root->slot_capacity = wanted;
    }
    struct slot *slot = arena_at(arena, root->slots + root->slot_count * sizeof(struct slot), sizeof *slot);
    if (slot == NULL)
        return false;
    *slot = (struct slot){kind, field, what, 0, offset};
    root->slot_count++;
    return true;
}

static bool take_slot(struct generation *generation, const struct slot *slot)
{
    struct kind *kind = schema_kind(&generation->schema, slot->kind);
    if (kind == NULL || (slot->offset & 7) != 0)
        return false;
    if (slot->what == SLOT_STORE) {
        const struct kind_store *store = arena_at(generation->arena, slot->offset, sizeof *store);
        kind->store = slot->offset;
        /* More rows than there are cells for would be asked for one by one. */
        return store != NULL && store->rows <= column_count(generation->arena, store->rows_column);
    }
    struct field *field = schema_field(kind, slot->field);
    if (field == NULL)
        return false;
    switch (slot->what) {
    case SLOT_COLUMN: field->column = slot->offset; return field->width != 0;
    case SLOT_TREE: field->tree = slot->offset; return true;
    case SLOT_TABLE: field->table = slot->offset; return true;
    case SLOT_TIMELINE: field->timeline = slot->offset; return true;
    default: return false;
    }
}

/* First the built-in kinds, in which the user's own are defined; then all. */
static bool load(struct generation *generation, bool builtin_only)
{
    struct root *root = root_of(generation);
    if (root == NULL || (root->slots & 7) != 0)
        return false;
    generation->frames = root->frames;
    for (uint32_t i = 0; i < root->slot_count; i++) {
        struct slot *slot = arena_at(generation->arena, root->slots + i * sizeof(struct slot), sizeof *slot);
        if (slot == NULL)
            return false;
        if (slot->what == SLOT_FORGOTTEN)
            continue;
        bool builtin = slot->kind < CRM_USER_KIND && slot->field < CRM_USER_FIELD;
        if ((builtin || !builtin_only) && !take_slot(generation, slot))
            return false;
    }
    return true;
}

/* Their memory stays taken until the arena is built anew; a rolled back
 * definition is rare and its structures are empty. */
void roots_forget(struct generation *generation, uint32_t kind, uint32_t field)
{
    struct root *root = root_of(generation);
    for (uint32_t i = 0; root != NULL && i < root->slot_count; i++) {
        struct slot *slot = arena_at(generation->arena, root->slots + i * sizeof(struct slot), sizeof *slot);
        if (slot != NULL && slot->kind == kind && (field == 0 || slot->field == field))
            slot->what = SLOT_FORGOTTEN;
    }
}

bool roots_load_builtin(struct generation *generation)
{
    return load(generation, true);
}

bool roots_load(struct generation *generation)
{
    return load(generation, false);
}

extern inline struct kind_store *kind_store(const struct generation *generation, const struct kind *kind);
extern inline struct row *row_at(const struct generation *generation, const struct kind *kind, uint32_t number);

uint32_t kind_rows(const struct generation *generation, const struct kind *kind)
{
    struct kind_store *store = kind_store(generation, kind);
    return store == NULL ? 0 : store->rows;
}

struct kind_store *kind_store_make(struct generation *generation, struct kind *kind)
{
    struct arena *arena = generation->arena;
    if (kind->store != 0)
        return kind_store(generation, kind);
    uint64_t offset = arena_alloc(arena, sizeof(struct kind_store));
    struct kind_store *store = arena_at(arena, offset, sizeof *store);
    if (store == NULL)
        return NULL;
    store->rows_column = column_create(arena, sizeof(struct row), 0);
    store->ids_column = column_create(arena, sizeof(crm_id), 0);
    store->ids = hash_create(arena);
    if (store->rows_column == 0 || store->ids_column == 0 || store->ids == 0 ||
        !add_slot(generation, kind->number, 0, SLOT_STORE, offset))
        return NULL;
    kind->store = offset;
    return store;
}

/* What a cell holds while its field is not set. */
static uint64_t column_fill(const struct field *field)
{
    switch (field->type) {
    case CRM_TYPE_BOOL:
    case CRM_TYPE_CHOICE:
    case CRM_TYPE_CURRENCY:
    case CRM_TYPE_REF: return UINT64_MAX;
    case CRM_TYPE_DATE: return (uint32_t)INT32_MIN;
    case CRM_TYPE_REAL: return UINT64_C(0x7ff8000000000000); /* not a number */
    default: return (uint64_t)INT64_MIN;
    }
}

uint64_t field_column_make(struct generation *generation, struct kind *kind, struct field *field)
{
    if (field->column != 0)
        return field->column;
    uint64_t column = column_create(generation->arena, field->width, column_fill(field));
    if (column == 0 || !column_reserve(generation->arena, column, (kind_rows(generation, kind) | 63) + 1) ||
        !add_slot(generation, field->kind, field->number, SLOT_COLUMN, column))
        return 0;
    return field->column = column;
}

uint64_t field_tree_make(struct generation *generation, struct field *field)
{
    if (field->tree != 0)
        return field->tree;
    uint64_t tree = tree_create(generation->arena, field->type == CRM_TYPE_TEXT ? TREE_TEXT : TREE_PLAIN);
    return tree != 0 && add_slot(generation, field->kind, field->number, SLOT_TREE, tree) ? field->tree = tree : 0;
}

uint64_t field_table_make(struct generation *generation, struct field *field)
{
    if (field->table != 0)
        return field->table;
    uint64_t table = hash_create(generation->arena);
    return table != 0 && add_slot(generation, field->kind, field->number, SLOT_TABLE, table) ? field->table = table : 0;
}

uint64_t field_timeline_make(struct generation *generation, struct field *field)
{
    if (field->timeline != 0)
        return field->timeline;
    uint64_t tree = tree_create(generation->arena, TREE_PLAIN);
    return tree != 0 && add_slot(generation, field->kind, field->number, SLOT_TIMELINE, tree) ? field->timeline = tree
                                                                                              : 0;
}
