/* mapping_field: which field a name means, see mapping.h. */
#include "io/mapping.h"

#include <string.h>

static void describe(crm_db *db, uint32_t kind, uint32_t number, struct mapping_field *out)
{
    *out = (struct mapping_field){.kind = kind,
                                  .number = number,
                                  .type = crm_field_type(db, kind, number),
                                  .flags = crm_field_flags(db, kind, number),
                                  .target = crm_field_target(db, kind, number),
                                  .name = crm_field_name(db, kind, number)};
}

static bool find_whole(crm_db *db, uint32_t kind, const char *name, size_t length, struct mapping_field *out)
{
    uint32_t count = crm_field_count(db, kind), by_label = 0, singular = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = crm_field_at(db, kind, i);
        const char *own = crm_field_name(db, kind, number), *label = crm_field_label(db, kind, number);
        if (own == NULL)
            continue;
        if (name_same(name, length, own, strlen(own))) {
            describe(db, kind, number, out);
            return true;
        }
        if (label != NULL && by_label == 0 && name_same(name, length, label, strlen(label)))
            by_label = number;
        if (singular == 0 && crm_field_type(db, kind, number) >= CRM_TYPE_EMAILS &&
            name_plural(name, length, own, strlen(own)))
            singular = number;
    }
    if (by_label == 0)
        by_label = singular;
    if (by_label != 0)
        describe(db, kind, by_label, out);
    return by_label != 0;
}

static int32_t find_part(const char *name, size_t length)
{
    static const struct {
        const char *name;
        int32_t part;
    } parts[] = {{"value", CRM_PART_VALUE},     {"label", CRM_PART_LABEL},     {"primary", CRM_PART_PRIMARY},
                 {"opt_out", CRM_PART_OPT_OUT}, {"invalid", CRM_PART_INVALID}, {"street", CRM_PART_STREET},
                 {"city", CRM_PART_CITY},       {"region", CRM_PART_REGION},   {"postal_code", CRM_PART_POSTAL_CODE},
                 {"country", CRM_PART_COUNTRY}, {"system", CRM_PART_SYSTEM}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (name_same(name, length, parts[i].name, strlen(parts[i].name)))
            return parts[i].part;
    return 0;
}

bool mapping_find_field(crm_db *db, uint32_t kind, const char *name, size_t length, struct mapping_field *out)
{
    if (find_whole(db, kind, name, length, out))
        return true;
    const char *dot = length == 0 ? NULL : memchr(name, '.', length);
    if (dot == NULL || !find_whole(db, kind, name, (size_t)(dot - name), out))
        return false;
    out->part = find_part(dot + 1, length - (size_t)(dot - name) - 1);
    return out->part != 0 && out->type >= CRM_TYPE_EMAILS && out->type <= CRM_TYPE_EXTERNAL_IDS;
}

const char *mapping_field_fixed(const struct mapping_field *field)
{
    if ((field->flags & CRM_FLAG_SYSTEM) != 0 && field->type != CRM_TYPE_ID)
        return "the library itself keeps it";
    return NULL;
}

bool mapping_field_finds(const struct mapping_field *field)
{
    if (field->part != 0)
        return false;
    switch (field->type) {
    case CRM_TYPE_ID:
    case CRM_TYPE_EMAILS:
    case CRM_TYPE_PHONES:
    case CRM_TYPE_EXTERNAL_IDS: return true;
    default:
        return field->type != CRM_TYPE_TAGS &&
               (field->flags & (CRM_FLAG_UNIQUE | CRM_FLAG_KEY | CRM_FLAG_INDEXED)) != 0;
    }
}
