/* complete: see complete.h.
 *
 * What may come is read off the verb table and the schema: verbs first, then
 * the second word of a verb, its options, kinds, and fields of the kind that
 * the line names, with the choices of a field behind it.
 */
#include "complete.h"

#include "pick.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

struct place {
    struct tool *tool;
    const char *prefix;
    size_t prefix_length;
    struct completion *out;
};

static void offer(struct place *place, const char *word, const char *behind)
{
    struct buffer whole = {0};
    struct completion *out = place->out;

    buffer_put(&whole, word);
    buffer_put(&whole, behind);
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->candidates[i], whole.data) == 0)
            whole.length = 0; /* offered already */
    if (whole.length < place->prefix_length || whole.length == 0 ||
        memcmp(whole.data, place->prefix, place->prefix_length) != 0) {
        buffer_free(&whole);
        return;
    }
    if (out->count == 0) {
        buffer_put(&out->common, whole.data);
    } else {
        size_t same = 0;

        while (same < out->common.length && out->common.data[same] == whole.data[same])
            same++;
        out->common.length = same;
        out->common.data[same] = '\0';
    }
    out->candidates = memory_resize(out->candidates, out->count + 1, sizeof *out->candidates);
    out->candidates[out->count++] = whole.data;
}

static void offer_verbs(struct place *place, const char *group)
{
    size_t length = group ? strlen(group) : 0;

    for (const struct verb *verb = verb_table; verb->name; verb++) {
        const char *blank = strchr(verb->name, ' ');

        if (group && blank && strncmp(verb->name, group, length) == 0 && verb->name[length] == ' ') {
            offer(place, verb->name + length + 1, "");
        } else if (!group) {
            struct buffer first = {0};

            buffer_add(&first, verb->name, blank ? (size_t)(blank - verb->name) : strlen(verb->name));
            if (strcmp(first.data, "shell") != 0 && strcmp(first.data, "init") != 0)
                offer(place, first.data, "");
            buffer_free(&first);
        }
    }
    if (!group)
        offer(place, "quit", "");
}

static void offer_kinds(struct place *place)
{
    crm_db *db = place->tool->db;

    for (uint32_t i = 0; i < crm_kind_count(db); i++)
        if (!kind_internal(crm_kind_at(db, i)) || crm_kind_at(db, i) == CRM_KIND_TRANSITION)
            offer(place, crm_kind_name(db, crm_kind_at(db, i)), "");
}

static void offer_fields(struct place *place, uint32_t kind, const char *behind, bool writable)
{
    crm_db *db = place->tool->db;

    for (uint32_t i = 0; i < crm_field_count(db, kind); i++) {
        uint32_t field = crm_field_at(db, kind, i);

        if (!writable || !(crm_field_flags(db, kind, field) & CRM_FLAG_SYSTEM))
            offer(place, crm_field_name(db, kind, field), behind);
    }
}

static void offer_choices(struct place *place, uint32_t kind, uint32_t field, const char *before)
{
    crm_db *db = place->tool->db;

    for (uint32_t i = 0; field && i < crm_choice_count(db, kind, field); i++) {
        struct buffer word = {0};
        const char *name = crm_choice_name(db, kind, field, crm_choice_at(db, kind, field, i));

        buffer_put(&word, before);
        buffer_put(&word, name ? name : "");
        offer(place, word.data, "");
        buffer_free(&word);
    }
}

static void offer_options(struct place *place, const struct verb *verb)
{
    for (const struct option *option = option_table; option->name; option++) {
        struct buffer word = {0};

        if (!verb_takes(verb, option->name))
            continue;
        buffer_print(&word, "--%s", option->name);
        offer(place, word.data, "");
        buffer_free(&word);
    }
}

/* The kind that the line names, else the one that its verb is about. */
static uint32_t kind_of_line(struct tool *tool, const struct words *words, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t kind = kind_named(tool, words->words[i]);

        if (kind)
            return kind;
    }
    return strcmp(words->words[0], "timeline") == 0 ? CRM_KIND_INTERACTION : CRM_KIND_CUSTOMER;
}

/* Words that the option before the cursor asks for.  False: it asks for none. */
static bool offer_values(struct place *place, const struct words *words, size_t at, uint32_t kind)
{
    static const char operations[] = "= != < <= > >= prefix contains in set notset";
    crm_db *db = place->tool->db;
    const char *before = at > 0 ? words->words[at - 1] : "";
    struct words known;

    if (strcmp(before, "--where") == 0 || word_among("--order --columns --by --match", before)) {
        offer_fields(place, kind, "", false);
        return true;
    }
    if (strcmp(before, "--format") == 0) {
        words_split(&known, "table csv json jsonl", 20);
    } else if (strcmp(before, "--target") == 0) {
        offer_kinds(place);
        return true;
    } else if (at > 1 && strcmp(words->words[at - 2], "--where") == 0) {
        words_split(&known, operations, strlen(operations));
    } else if (at > 2 && strcmp(words->words[at - 3], "--where") == 0) {
        const char *field = words->words[at - 2];

        offer_choices(place, kind, crm_field_find(db, kind, field, strlen(field)), "");
        return true;
    } else {
        return false;
    }
    for (size_t i = 0; i < known.count; i++)
        offer(place, known.words[i], "");
    words_free(&known);
    return true;
}

/* "stage=dr": the choices of the field before the equals sign. */
static bool offer_assigned(struct place *place, uint32_t kind)
{
    size_t length = strcspn(place->prefix, "=");
    struct buffer before = {0};

    if (place->prefix[length] != '=')
        return false;
    buffer_add(&before, place->prefix, length + 1);
    offer_choices(place, kind, crm_field_find(place->tool->db, kind, place->prefix, length), before.data);
    buffer_free(&before);
    return true;
}

static void offer_all(struct place *place, const struct words *words, size_t at)
{
    const struct verb *verb = at > 0 ? verb_find(words->words[0], NULL) : NULL;
    uint32_t kind;

    if (at == 0) {
        offer_verbs(place, NULL);
        return;
    }
    if (!verb && at > 1)
        verb = verb_find(words->words[0], words->words[1]);
    if (!verb || strcmp(words->words[0], "help") == 0) {
        offer_verbs(place, at == 1 && verb ? NULL : words->words[at - 1]);
        return;
    }
    kind = kind_of_line(place->tool, words, at);
    if (offer_values(place, words, at, kind))
        return;
    if (place->prefix[0] == '-') {
        offer_options(place, verb);
        return;
    }
    if (strstr(verb->usage, "FIELD=VALUE") && at > 1) {
        if (!offer_assigned(place, kind))
            offer_fields(place, kind, "=", true);
    } else if (strcmp(verb->name, "stage") == 0 && at > 1) {
        offer_choices(place, CRM_KIND_CUSTOMER, CRM_CUSTOMER_STAGE, "");
    }
    if (strstr(verb->usage, "KIND") && at <= 2)
        offer_kinds(place);
}

void complete_line(struct tool *tool, const char *line, size_t length, struct completion *completion)
{
    struct words words;
    struct place place = {.tool = tool, .prefix = "", .out = completion};
    size_t at;

    *completion = (struct completion){0};
    words_split(&words, line, length);
    at = words.count;
    if (words.open && words.count > 0) {
        place.prefix = words.words[words.count - 1];
        place.prefix_length = strlen(place.prefix);
        completion->typed = length - words.last_start;
        at--;
    }
    if (!words.quote && completion->typed == place.prefix_length) /* quoted words are names: unknown here */
        offer_all(&place, &words, at);
    words_free(&words);
}

void completion_free(struct completion *completion)
{
    for (size_t i = 0; i < completion->count; i++)
        free(completion->candidates[i]);
    free(completion->candidates);
    buffer_free(&completion->common);
    *completion = (struct completion){0};
}
