/* generate_schema: prints include/crm_schema.h from lib/model/schema.def, the
 * numbers of all kinds, fields and choices and the header-only typed layer.
 * `make schema` runs it; a test fails when the committed header is stale. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CRM_SCHEMA_H /* what is printed here must not be needed to print it */
#include <crm.h>

struct row {
    int what; /* 0 common field, 1 kind, 2 field, 3 choice */
    const char *kind_upper, *upper, *lower;
    unsigned number;
    int type;
    unsigned flags;
    const char *field_upper, *label;
};

static const struct row rows[] = {
#define COMMON(n, U, l, T, f, t, label) {0, "", #U, #l, n, CRM_TYPE_##T, f, "", label},
#define KIND(n, U, l, label) {1, "", #U, #l, n, 0, 0, "", label},
#define FIELD(K, n, U, l, T, f, t, label) {2, #K, #U, #l, n, CRM_TYPE_##T, f, "", label},
#define CHOICE(K, F, c, U, l) {3, #K, #U, #l, c, 0, 0, #F, ""},
#include "model/schema.def"
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static const char *kind_lower(const char *upper)
{
    for (int i = 0; i < ROWS; i++)
        if (rows[i].what == 1 && strcmp(rows[i].upper, upper) == 0)
            return rows[i].lower;
    return "";
}

static int is_int(int type)
{
    return type <= CRM_TYPE_DATE ? type != CRM_TYPE_REAL : type == CRM_TYPE_CHOICE || type == CRM_TYPE_CURRENCY;
}

static void constants(void)
{
    printf("/* Kinds */\nenum {\n");
    for (int i = 0; i < ROWS; i++)
        if (rows[i].what == 1)
            printf("    CRM_KIND_%s = %u,\n", rows[i].upper, rows[i].number);
    printf("    CRM_KIND_ANY = 0\n};\n\n/* Fields of every kind */\nenum {\n");
    for (int i = 0; i < ROWS; i++)
        if (rows[i].what == 0)
            printf("    CRM_FIELD_%s = %u,\n", rows[i].upper, rows[i].number);
    printf("    CRM_FIELD_NONE = 0\n};\n");
    for (int k = 0; k < ROWS; k++) {
        if (rows[k].what != 1)
            continue;
        printf("\n/* %s */\nenum {\n", rows[k].label);
        int more = 0;
        for (int i = 0; i < ROWS; i++) {
            if (rows[i].what != 2 && rows[i].what != 3)
                continue;
            if (strcmp(rows[i].kind_upper, rows[k].upper) != 0)
                continue;
            printf("%s    CRM_%s_%s%s%s = %u", more++ ? ",\n" : "", rows[i].kind_upper,
                   rows[i].what == 3 ? rows[i].field_upper : rows[i].upper, rows[i].what == 3 ? "_" : "",
                   rows[i].what == 3 ? rows[i].upper : "", rows[i].number);
        }
        printf("\n};\n");
    }
}

static void typed_field(const char *kind, const char *upper, const char *constant, const struct row *row)
{
    const char *f = row->lower;
    if (is_int(row->type)) {
        const char *c = row->type == CRM_TYPE_DATE ? "int32_t" : "int64_t";
        printf("static inline %s crm_%s_%s(const crm_%s *r) { return %scrm_int((const crm_record *)r, %s)%s; }\n", c,
               kind, f, kind, row->type == CRM_TYPE_DATE ? "(int32_t)" : "", constant, "");
        if (!(row->flags & CRM_FLAG_SYSTEM))
            printf(
                "static inline int32_t crm_%s_set_%s(crm_%s *r, %s value) { return crm_set_int((crm_record *)r, %s, value); }\n",
                kind, f, kind, c, constant);
    } else if (row->type == CRM_TYPE_TEXT) {
        printf(
            "static inline const char *crm_%s_%s(const crm_%s *r) { return crm_text((const crm_record *)r, %s, NULL); }\n",
            kind, f, kind, constant);
        if (!(row->flags & CRM_FLAG_SYSTEM))
            printf(
                "static inline int32_t crm_%s_set_%s(crm_%s *r, const char *value) { return crm_set_text((crm_record *)r, %s, value, CRM_NUL); }\n",
                kind, f, kind, constant);
    } else if (row->type == CRM_TYPE_REF || row->type == CRM_TYPE_ANY_REF) {
        printf(
            "static inline int32_t crm_%s_%s(const crm_%s *r, crm_id *id) { return crm_ref((const crm_record *)r, %s, NULL, id); }\n",
            kind, f, kind, constant);
        if (!(row->flags & CRM_FLAG_SYSTEM))
            printf(
                "static inline int32_t crm_%s_set_%s(crm_%s *r, const void *target) { return crm_set_ref_record((crm_record *)r, %s, (const crm_record *)target); }\n",
                kind, f, kind, constant);
    } else if (row->type >= CRM_TYPE_EMAILS && row->type < CRM_TYPE_REFS) {
        size_t length = strlen(f);
        int cut = row->type == CRM_TYPE_ADDRESSES ? 2 : 1;
        printf(
            "static inline uint32_t crm_%s_%.*s_count(const crm_%s *r) { return crm_item_count((const crm_record *)r, %s); }\n",
            kind, (int)length - cut, f, kind, constant);
        printf(
            "static inline const char *crm_%s_%.*s(const crm_%s *r, uint32_t item) { return crm_item_text((const crm_record *)r, %s, item, %s, NULL); }\n",
            kind, (int)length - cut, f, kind, constant,
            row->type == CRM_TYPE_ADDRESSES ? "CRM_PART_STREET" : "CRM_PART_VALUE");
        printf(
            "static inline int32_t crm_%s_add_%.*s(crm_%s *r, const char *value) { return crm_item_add((crm_record *)r, %s, value, CRM_NUL); }\n",
            kind, (int)length - cut, f, kind, constant);
    }
    (void)upper;
}

static void typed_kind(const struct row *k)
{
    char constant[128];
    const char *n = k->lower;
    printf("\n/* %s: a crm_record that is known to be of this kind. */\ntypedef struct crm_%s crm_%s;\n", k->label, n,
           n);
    printf("static inline crm_record *crm_%s_record(const crm_%s *r) { return (crm_record *)(uintptr_t)r; }\n", n, n);
    printf(
        "static inline crm_%s *crm_%s_of(crm_record *r) { return (crm_%s *)(crm_record_kind(r) == CRM_KIND_%s ? r : NULL); }\n",
        n, n, n, k->upper);
    printf("static inline crm_%s *crm_%s_create(crm_txn *txn) { return (crm_%s *)crm_create(txn, CRM_KIND_%s); }\n", n,
           n, n, k->upper);
    printf(
        "static inline crm_%s *crm_%s_edit(crm_txn *txn, const crm_id *id) { return (crm_%s *)crm_edit(txn, CRM_KIND_%s, id); }\n",
        n, n, n, k->upper);
    printf("static inline int32_t crm_%s_get(crm_view *view, const crm_id *id, crm_%s **r, crm_error *error)\n{\n"
           "    return crm_get(view, CRM_KIND_%s, id, (crm_record **)(void *)r, error);\n}\n",
           n, n, k->upper);
    printf("static inline void crm_%s_free(crm_%s *r) { crm_record_free((crm_record *)r); }\n", n, n);
    printf(
        "static inline void crm_%s_id(const crm_%s *r, crm_id *out) { crm_record_id((const crm_record *)r, out); }\n",
        n, n);
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].what == 0 && rows[i].number >= 8) {
            snprintf(constant, sizeof constant, "CRM_FIELD_%s", rows[i].upper);
            typed_field(n, k->upper, constant, &rows[i]);
        } else if (rows[i].what == 2 && strcmp(kind_lower(rows[i].kind_upper), n) == 0) {
            snprintf(constant, sizeof constant, "CRM_%s_%s", k->upper, rows[i].upper);
            typed_field(n, k->upper, constant, &rows[i]);
            if (rows[i].type != CRM_TYPE_EMAILS && rows[i].type != CRM_TYPE_PHONES)
                continue;
            const char *what = rows[i].type == CRM_TYPE_EMAILS ? "email" : "phone";
            printf(
                "static inline int32_t crm_%s_by_%s(crm_view *view, const char *text, crm_%s **r, crm_error *error)\n{\n"
                "    return crm_find(view, CRM_KIND_%s, %s, text, CRM_NUL, (crm_record **)(void *)r, error);\n}\n",
                n, what, n, k->upper, constant);
        }
    }
}

int main(void)
{
    printf("/* crm_schema.h: numbers of the built-in kinds, fields and choices, and the\n"
           " * typed layer over crm.h: inline functions that add no symbol.  Included by\n"
           " * crm.h.  Generated from lib/model/schema.def by tools/generate_schema.c:\n"
           " * change that table, then `make schema`. */\n"
           "#ifndef CRM_SCHEMA_H\n#define CRM_SCHEMA_H\n\n");
    constants();
    for (int i = 0; i < ROWS; i++)
        if (rows[i].what == 1 && rows[i].number < 11)
            typed_kind(&rows[i]);
    printf("\n#endif\n");
    return 0;
}
