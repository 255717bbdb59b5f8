/* cut.c: see cut.h. */
#include "cut.h"

#include "stress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cut {
    const struct disk *disk;
    const struct cut_limits *limits;
    uint64_t *chance;
    cut_visit visit;
    void *context;
    struct wreck safe, built;
    size_t synced[DISK_NODES]; /* of each file, the steps before this one are in `safe` */
    size_t names_synced;
    size_t at;
    struct disk_promise promise;
    size_t *pending; /* steps that are not */
    unsigned pending_count;
    uint8_t *fates;
};

static bool is_of_folder(const struct disk_step *step)
{
    return step->what == DISK_CREATE || step->what == DISK_RENAME || step->what == DISK_UNLINK;
}

static bool is_of_file(const struct disk_step *step)
{
    return step->what == DISK_WRITE || step->what == DISK_TRUNCATE || step->what == DISK_ALLOCATE;
}

/* ---- going along the record */

static void make_safe(struct cut *cut, const struct disk_step *sync)
{
    bool folder = sync->what == DISK_SYNC_FOLDER;
    size_t *from = folder ? &cut->names_synced : &cut->synced[sync->node];
    for (; *from < sync->covers; ++*from) {
        const struct disk_step *step = &cut->disk->steps[*from];
        if (folder ? is_of_folder(step) : is_of_file(step) && step->node == sync->node)
            wreck_apply(&cut->safe, step, WRECK_KEPT, 0, cut->chance);
    }
}

/* Over the step before cut->at. */
static void advance(struct cut *cut)
{
    const struct disk_step *step = &cut->disk->steps[cut->at++];
    if (step->what == DISK_SYNC || step->what == DISK_SYNC_FOLDER)
        make_safe(cut, step);
    else if (step->what == DISK_CONTROL)
        wreck_apply(&cut->safe, step, WRECK_KEPT, 0, cut->chance);
    else if (step->what == DISK_MARK)
        cut->promise = step->promise;
}

static void find_pending(struct cut *cut)
{
    cut->pending_count = 0;
    for (size_t i = 0; i < cut->at; i++) {
        const struct disk_step *step = &cut->disk->steps[i];
        if (is_of_folder(step) ? i >= cut->names_synced : is_of_file(step) && i >= cut->synced[step->node])
            cut->pending[cut->pending_count++] = i;
    }
}

/* ---- states */

struct spoil { /* one step that met with something else than its fate */
    unsigned which;
    int fate;
    uint64_t sector;
};

static const char *const fate_names[WRECK_FATES] = {"kept",          "dropped",         "cut before", "there from",
                                                    "old in",        "zeros in",        "noise in",   "stray in",
                                                    "only the size", "under both names"};

static void describe(const struct cut *cut, const struct spoil *spoil, char *out, size_t size)
{
    char step[160];
    int length = snprintf(out, size, "step %zu of %zu (next: %s), unsynced ", cut->at, cut->disk->count,
                          disk_step_text(cut->disk, cut->at, step, sizeof step));
    for (unsigned i = 0; i < cut->pending_count && length > 0 && (size_t)length < size; i++)
        length += snprintf(out + length, size - (size_t)length, "%s%zu", cut->fates[i] == WRECK_KEPT ? "+" : "-",
                           cut->pending[i]);
    if (spoil != NULL && length > 0 && (size_t)length < size)
        snprintf(out + length, size - (size_t)length, "; %zu (%s) %s sector %llu", cut->pending[spoil->which],
                 disk_step_text(cut->disk, cut->pending[spoil->which], step, sizeof step), fate_names[spoil->fate],
                 (unsigned long long)spoil->sector);
}

static void visit(struct cut *cut, const struct spoil *spoil, int control, bool each_control)
{
    char text[1024];
    wreck_copy(&cut->built, &cut->safe);
    for (unsigned i = 0; i < cut->pending_count; i++) {
        bool spoilt = spoil != NULL && spoil->which == i;
        wreck_apply(&cut->built, &cut->disk->steps[cut->pending[i]], spoilt ? spoil->fate : cut->fates[i],
                    spoilt ? spoil->sector : 0, cut->chance);
    }
    describe(cut, spoil, text, sizeof text);
    struct cut_state state = {.disk = cut->disk,
                              .wreck = &cut->built,
                              .promise = &cut->promise,
                              .at = cut->at,
                              .idle = cut->pending_count == 0,
                              .control = control,
                              .each_control = each_control,
                              .text = text};
    state.spoilt = spoil != NULL && (spoil->fate == WRECK_NOISE || spoil->fate == WRECK_STRAY);
    cut->visit(cut->context, &state);
}

static int any_control(struct cut *cut)
{
    return (int)stress_below(cut->chance, WRECK_CONTROLS);
}

static void set_all(struct cut *cut, uint8_t fate)
{
    memset(cut->fates, fate, cut->pending_count);
}

static void set_by_chance(struct cut *cut)
{
    for (unsigned i = 0; i < cut->pending_count; i++)
        cut->fates[i] = stress_below(cut->chance, 2) ? WRECK_KEPT : WRECK_DROPPED;
}

static void few(struct cut *cut)
{
    for (unsigned subset = 0; subset < 1u << cut->pending_count; subset++) {
        for (unsigned i = 0; i < cut->pending_count; i++)
            cut->fates[i] = subset >> i & 1 ? WRECK_KEPT : WRECK_DROPPED;
        visit(cut, NULL, any_control(cut), subset == (1u << cut->pending_count) - 1);
    }
}

static void many(struct cut *cut)
{
    for (unsigned i = 0; i < cut->pending_count; i++) {
        set_all(cut, WRECK_KEPT);
        cut->fates[i] = WRECK_DROPPED;
        visit(cut, NULL, any_control(cut), false);
        set_all(cut, WRECK_DROPPED);
        cut->fates[i] = WRECK_KEPT;
        visit(cut, NULL, any_control(cut), false);
        memset(cut->fates, WRECK_KEPT, i); /* and this one: all up to it */
        visit(cut, NULL, any_control(cut), false);
    }
    for (unsigned i = 0; i < cut->limits->subsets; i++) {
        set_by_chance(cut);
        visit(cut, NULL, any_control(cut), false);
    }
    set_all(cut, WRECK_DROPPED);
    visit(cut, NULL, any_control(cut), false);
    set_all(cut, WRECK_KEPT);
    visit(cut, NULL, any_control(cut), true);
}

/* One sector of a write in every way, the other steps being there. */
static void spoil_sector(struct cut *cut, unsigned which, uint64_t sector)
{
    static const int ways[] = {WRECK_BEFORE, WRECK_FROM, WRECK_OLD, WRECK_ZEROS, WRECK_NOISE, WRECK_STRAY};
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct spoil spoil = {which, ways[i], sector};
        set_all(cut, WRECK_KEPT);
        visit(cut, &spoil, any_control(cut), false);
    }
    if (cut->pending_count > 1) {
        struct spoil spoil = {which, WRECK_BEFORE + (int)stress_below(cut->chance, WRECK_STRAY - WRECK_BEFORE + 1),
                              sector};
        set_by_chance(cut);
        visit(cut, &spoil, any_control(cut), false);
    }
}

static void spoil_write(struct cut *cut, unsigned which)
{
    const struct disk_step *step = &cut->disk->steps[cut->pending[which]];
    uint64_t first = step->offset / WRECK_SECTOR, last = (step->offset + step->length - 1) / WRECK_SECTOR;
    uint64_t count = last - first + 1, most = cut->limits->sectors;
    for (uint64_t i = 0; i < count && i < most; i++) {
        uint64_t sector = first + i;
        if (count > most && i >= most / 3)
            sector = i < most * 2 / 3 ? last - (i - most / 3)
                                      : first + stress_below(cut->chance, (uint32_t)(count < UINT32_MAX ? count : 1));
        spoil_sector(cut, which, sector);
    }
    set_all(cut, WRECK_KEPT);
    struct spoil size = {which, WRECK_SIZE, 0};
    visit(cut, &size, any_control(cut), false);
}

static void spoil_some(struct cut *cut)
{
    unsigned writes = 0, other = stress_below(cut->chance, cut->pending_count + 1);
    for (unsigned i = cut->pending_count; i-- > 0;) {
        const struct disk_step *step = &cut->disk->steps[cut->pending[i]];
        if (step->what == DISK_WRITE && step->length > 0 && (writes++ < cut->limits->recent || i == other))
            spoil_write(cut, i);
        if (step->what == DISK_RENAME) {
            struct spoil both = {i, WRECK_BOTH, 0};
            set_all(cut, WRECK_KEPT);
            visit(cut, &both, any_control(cut), false);
        }
    }
}

static void begin(struct cut *cut, const struct disk *disk)
{
    wreck_start(&cut->safe, disk);
    wreck_start(&cut->built, disk);
    cut->disk = disk;
    cut->pending = calloc(disk->count + 1, sizeof *cut->pending);
    cut->fates = calloc(disk->count + 1, sizeof *cut->fates);
    if (cut->pending == NULL || cut->fates == NULL) {
        fprintf(stderr, "cut: out of memory\n");
        exit(2);
    }
}

static void end(struct cut *cut)
{
    wreck_free(&cut->safe);
    wreck_free(&cut->built);
    free(cut->pending);
    free(cut->fates);
}

void cut_all(const struct disk *disk, size_t from, const struct cut_limits *limits, uint64_t *chance, cut_visit visitor,
             void *context)
{
    struct cut cut = {.limits = limits, .chance = chance, .visit = visitor, .context = context};
    begin(&cut, disk);
    while (cut.at < from)
        advance(&cut);
    for (;;) {
        find_pending(&cut);
        if (cut.pending_count <= limits->all_subsets)
            few(&cut);
        else
            many(&cut);
        spoil_some(&cut);
        if (cut.at == disk->count)
            break;
        advance(&cut);
    }
    end(&cut);
}

void cut_one(const struct disk *disk, uint64_t *chance, cut_visit visitor, void *context)
{
    struct cut cut = {.chance = chance, .visit = visitor, .context = context};
    begin(&cut, disk);
    size_t at = stress_below(chance, (uint32_t)disk->count + 1);
    while (cut.at < at)
        advance(&cut);
    find_pending(&cut);
    uint32_t kind = stress_below(chance, 4);
    set_all(&cut, kind == 0 ? WRECK_DROPPED : WRECK_KEPT);
    if (kind == 1)
        set_by_chance(&cut);
    unsigned which = cut.pending_count == 0 ? 0 : stress_below(chance, cut.pending_count);
    struct spoil spoil = {which, WRECK_BEFORE + (int)stress_below(chance, WRECK_SIZE - WRECK_BEFORE + 1), 0};
    bool spoils = false;
    if (cut.pending_count > 0 && kind >= 2) {
        const struct disk_step *step = &disk->steps[cut.pending[which]];
        spoils = step->what == DISK_WRITE && step->length > 0;
        spoil.sector = step->offset / WRECK_SECTOR + stress_below(chance, (uint32_t)(step->length / WRECK_SECTOR + 1));
    }
    visit(&cut, spoils ? &spoil : NULL, any_control(&cut), false);
    end(&cut);
}
