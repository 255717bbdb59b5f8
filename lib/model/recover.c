/* recover: salvages a damaged file into a new one and says what was lost.
 *
 * The damaged file is only read.  Frames that are whole by their own CRC are
 * taken as they are; in the bytes between them every entry is tried, since each
 * has its own CRC.  An entry is kept when what it builds on was kept: a change
 * of a record whose earlier version is lost, and a new record whose id was given
 * relative to a lost one, are counted as lost and named.  Transactions are
 * numbered anew; record numbers stay, so references stay right.
 */
#include "model/db.h"
#include "model/moment.h"
#include "model/recover.h"
#include "model/table.h"
#include "model/uuid.h"
#include "sys/clock.h"
#include "sys/varint.h"

#include <stdio.h>
#include <string.h>

enum { FRAME_BYTES = 4 << 20, ENTRY_BYTES = 64 << 20, REPORT_ROWS = 1000 };

/* Where a record's newest kept version lies in the new file; 0: it has none. */
struct kept_kind {
    uint32_t kind;
    uint64_t *places;
    size_t capacity;
};

struct moved_pack {
    uint64_t from, to;
};

struct recovery {
    const struct memory *memory;
    struct log *from, *to;
    struct log_point end;      /* of the new file */
    crm_table *table;
    struct kept_kind *kinds;
    size_t kind_count, kind_capacity;
    struct moved_pack *packs;
    size_t pack_count, pack_capacity;
    struct buffer entries, body;
    crm_id read_base, write_base;
    uint32_t entry_count;
    bool base;                 /* writing base frames */
    uint64_t last_lsn;         /* in the old file, of the frame kept last */
    uint64_t frames, kept, lost, records;
    uint64_t rows;
};

static void report(struct recovery *r, uint64_t offset, const char *what, const char *why)
{
    if (r->rows++ >= REPORT_ROWS)
        return;
    table_add_row(r->table);
    table_put_text(r->table, 0, what, CRM_NUL);
    table_put_int(r->table, 1, (int64_t)offset);
    table_put_text(r->table, 2, why, CRM_NUL);
}

static void lose(struct recovery *r, uint64_t offset, const struct entry *entry, const char *why)
{
    char text[160];
    (void)snprintf(text, sizeof text, "kind %u, record %u, version %llu: %s", entry->kind, entry->number,
                   (unsigned long long)entry->version, why);
    r->lost++;
    report(r, offset, "lost", text);
}

/* ---- what was kept ---- */

static uint64_t *place_of(struct recovery *r, uint32_t kind, uint32_t number)
{
    size_t at = 0;
    while (at < r->kind_count && r->kinds[at].kind != kind)
        at++;
    if (at == r->kind_count) {
        if (!memory_grow(r->memory, (void **)&r->kinds, &r->kind_capacity, at + 1, sizeof *r->kinds))
            return NULL;
        r->kinds[r->kind_count++] = (struct kept_kind){.kind = kind};
    }
    struct kept_kind *kept = &r->kinds[at];
    size_t before = kept->capacity;
    if ((size_t)number >= before) {
        size_t wanted = before == 0 ? 1024 : before;
        while (wanted <= number)
            wanted *= 2;
        uint64_t *larger = memory_resize(r->memory, kept->places, wanted * sizeof *larger);
        if (larger == NULL)
            return NULL;
        memset(larger + before, 0, (wanted - before) * sizeof *larger);
        kept->places = larger;
        kept->capacity = wanted;
    }
    return &kept->places[number];
}

static uint64_t moved(const struct recovery *r, uint64_t place)
{
    uint64_t offset = (place & ~PLACE_PACKED) >> PLACE_POSITION_BITS;
    uint32_t position = (uint32_t)(place & ((UINT64_C(1) << PLACE_POSITION_BITS) - 1));
    for (size_t i = 0; i < r->pack_count; i++)
        if (r->packs[i].from == offset)
            return place_packed(r->packs[i].to, position);
    return 0;
}

/* ---- writing ---- */

static int32_t flush(struct recovery *r, const struct frame *meta, crm_error *error)
{
    if (r->entry_count == 0)
        return CRM_OK;
    struct frame_info info = {.time = meta->time, .entry_count = r->entry_count, .actor = meta->actor,
                              .reason = meta->reason, .batch = meta->batch, .actor_length = meta->actor_length,
                              .reason_length = meta->reason_length, .batch_length = meta->batch_length};
    if (r->base) {
        info.flags = LOG_FRAME_BASE;
        info.lsn = log_header(r->to)->base_lsn;
    }
    if (r->entries.failed)
        return error_nomem(error);
    int32_t status = log_append(r->to, &r->end, &info, r->entries.data, r->entries.length, &r->end, error);
    r->entries.length = 0;
    r->entry_count = 0;
    r->frames++;
    memset(&r->write_base, 0, sizeof r->write_base);
    return status;
}

static uint64_t next_offset(const struct recovery *r)
{
    return r->end.offset + LOG_FRAME_HEADER + r->entries.length;
}

static uint64_t current_lsn(const struct recovery *r)
{
    return r->base ? 0 : r->end.lsn + 1;
}

/* A created record's body starts with its id relative to the old frame's first. */
static bool move_create(struct recovery *r, struct entry *entry)
{
    crm_id id;
    const uint8_t *end = entry->body + entry->body_length;
    const uint8_t *fields = id_get(entry->body, end, &r->read_base, &id);
    if (fields == NULL)
        return false;
    r->body.length = 0;
    id_put(&r->body, &r->write_base, &id);
    buffer_append(&r->body, fields, (size_t)(end - fields));
    entry->body = r->body.data;
    entry->body_length = r->body.length;
    return !r->body.failed;
}

static void keep_record(struct recovery *r, uint64_t offset, struct entry entry)
{
    uint64_t *place = place_of(r, entry.kind, entry.number);
    if (place == NULL) {
        r->entries.failed = true;
        return;
    }
    bool create = entry.operation == ENTRY_CREATE;
    if (create ? *place != 0 : *place == 0) {
        lose(r, offset, &entry, create ? "there are two of it" : "the version before it is lost");
        return;
    }
    if (create && !move_create(r, &entry)) {
        lose(r, offset, &entry, "its id was lost with the start of its transaction");
        return;
    }
    if (!create) {
        entry.previous = *place;
        entry.flags &= (uint8_t)~ENTRY_PACKED;
    } else if (entry.flags & ENTRY_PACKED) {
        entry.previous = moved(r, entry.previous);
        if (entry.previous == 0) {
            entry.flags &= (uint8_t)~ENTRY_PACKED;
            report(r, offset, "history lost", "the pack of a record's older versions is damaged");
        }
    }
    if (!r->base || entry.lsn > log_header(r->to)->base_lsn)
        entry.lsn = current_lsn(r);
    uint64_t at = next_offset(r);
    entry_put(&r->entries, at, &entry);
    *place = at;
    r->entry_count++;
    r->kept++;
    r->records += create;
}

/* A pack is written anew, because the places in it name where it lies. */
static void keep_pack(struct recovery *r, uint64_t offset, const struct entry *pack)
{
    const uint8_t *end = pack->body + pack->body_length;
    uint64_t length;
    const uint8_t *at = varint_get(pack->body, end, &length);
    struct buffer old, new;
    if (at == NULL || length > ENTRY_BYTES) {
        lose(r, offset, pack, "a pack of old versions cannot be read");
        return;
    }
    buffer_init(&old, r->memory);
    buffer_init(&new, r->memory);
    struct value value = {.what = VALUE_DEFLATED, .integer = (int64_t)length, .bytes = at, .length = (size_t)(end - at)};
    bool fine = buffer_reserve(&old, (size_t)length + 1) && value_inflate(&value, old.data) &&
                memory_grow(r->memory, (void **)&r->packs, &r->pack_capacity, r->pack_count + 1, sizeof *r->packs);
    if (fine)
        r->packs[r->pack_count++] = (struct moved_pack){offset, next_offset(r)};
    for (size_t position = 0; fine && position < length;) {
        struct entry entry;
        fine = entry_get(old.data + position, (size_t)length - position, 0, &entry) == CRM_OK;
        if (fine && entry.previous != 0)
            entry.previous = moved(r, entry.previous);
        size_t size = entry.size;
        if (fine)
            entry_put(&new, 0, &entry);
        fine = fine && !new.failed && new.length == position + size; /* places keep their length */
        position += size;
    }
    r->body.length = 0;
    uint8_t number[VARINT_MAX];
    buffer_append(&r->body, number, varint_put(number, length));
    if (fine && value_deflate(&r->body, new.data, new.length)) {
        struct entry entry = *pack;
        entry.body = r->body.data;
        entry.body_length = r->body.length;
        entry_put(&r->entries, next_offset(r), &entry);
        r->entry_count++;
    } else {
        if (fine)
            r->pack_count--;
        lose(r, offset, pack, "a pack of old versions cannot be read");
    }
    buffer_free(&old);
    buffer_free(&new);
}

static void keep_entry(struct recovery *r, uint64_t offset, const struct entry *entry)
{
    if (entry->operation == ENTRY_PACK) {
        keep_pack(r, offset, entry);
    } else if (entry->operation == ENTRY_FRAMES) {
        struct entry copy = *entry;
        entry_put(&r->entries, next_offset(r), &copy);
        r->entry_count++;
    } else {
        keep_record(r, offset, *entry);
    }
}

static int32_t keep_frame(struct recovery *r, const struct frame *frame, crm_error *error)
{
    size_t at = 0;
    int32_t status = CRM_OK;
    memset(&r->read_base, 0, sizeof r->read_base);
    r->base = (frame->flags & LOG_FRAME_BASE) != 0;
    while (status == CRM_OK && at < frame->entries_length) {
        struct entry entry;
        if (entry_get(frame->entries + at, frame->entries_length - at, frame->entries_offset + at, &entry) != CRM_OK) {
            report(r, frame->entries_offset + at, "lost", "the rest of this transaction cannot be read");
            r->lost++;
            break;
        }
        keep_entry(r, frame->entries_offset + at, &entry);
        at += entry.size;
        if (r->base && r->entries.length > FRAME_BYTES)
            status = flush(r, frame, error);
    }
    if (status == CRM_OK)
        status = flush(r, frame, error);
    r->last_lsn = frame->lsn;
    return status;
}

/* ---- the bytes between whole frames ---- */

/* Whether an entry could start here, told from its first numbers, so that a
 * checksum is only reckoned where one might be. */
static bool looks_like_entry(const uint8_t *at, const uint8_t *end, uint64_t least_lsn, uint64_t most_lsn)
{
    uint64_t length, kind, number, lsn;
    if (end - at < 12)
        return false;
    const uint8_t *next = varint_get(at + 4, end, &length);
    if (next == NULL || length < 6 || length > (uint64_t)(end - next) || length > ENTRY_BYTES)
        return false;
    unsigned operation = *next & 15;
    if (operation < ENTRY_CREATE || operation > ENTRY_ERASE || (*next >> 4) > 7)
        return false;
    next = varint_get(next + 1, end, &kind);
    next = next == NULL ? NULL : varint_get(next, end, &number);
    next = next == NULL ? NULL : varint_get(next, end, &lsn);
    return next != NULL && kind > 0 && kind <= UINT16_MAX && number <= UINT32_MAX && lsn >= least_lsn && lsn <= most_lsn;
}

/* One frame of the new file for each old transaction that left something. */
static int32_t keep_pieces(struct recovery *r, uint64_t from, uint64_t to, uint64_t most_lsn, crm_error *error)
{
    static const char reason[] = "salvaged from a damaged transaction";
    struct frame meta = {.time = r->end.time, .reason = reason, .reason_length = sizeof reason - 1};
    const uint8_t *bytes = log_bytes(r->from, from, (size_t)(to - from));
    uint64_t lsn = 0, kept = r->kept;
    int32_t status = CRM_OK;
    char text[96];
    if (bytes == NULL || from >= to)
        return CRM_OK;
    r->base = false;
    for (size_t at = 0; status == CRM_OK && at < to - from;) {
        struct entry entry;
        if (!looks_like_entry(bytes + at, bytes + (to - from), r->last_lsn + 1, most_lsn) ||
            entry_get(bytes + at, (size_t)(to - from - at), from + at, &entry) != CRM_OK) {
            at++;
            continue;
        }
        if (entry.lsn != lsn) {
            status = flush(r, &meta, error);
            memset(&r->read_base, 0, sizeof r->read_base);
            lsn = entry.lsn;
        }
        keep_entry(r, from + at, &entry);
        at += entry.size;
    }
    if (status == CRM_OK)
        status = flush(r, &meta, error);
    (void)snprintf(text, sizeof text, "%llu bytes; %llu versions in them could be read",
                   (unsigned long long)(to - from), (unsigned long long)(r->kept - kept));
    report(r, from, "damaged", text);
    return status;
}

static bool is_zero(struct recovery *r, uint64_t from, uint64_t to)
{
    const uint8_t *bytes = log_bytes(r->from, from, (size_t)(to - from));
    for (size_t i = 0; bytes != NULL && i < to - from; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static int32_t keep_all(struct recovery *r, crm_error *error)
{
    uint64_t offset = LOG_FRAMES_START, size = log_map(r->from)->length;
    int32_t status = CRM_OK;
    while (status == CRM_OK) {
        struct frame frame;
        if (log_scan(r->from, offset, &frame, NULL) != CRM_OK)
            break;
        if (frame.offset > offset)
            status = keep_pieces(r, offset, frame.offset, frame.lsn == 0 ? 0 : frame.lsn - 1, error);
        if (status == CRM_OK)
            status = keep_frame(r, &frame, error);
        offset = frame.after.offset;
    }
    if (status == CRM_OK && offset < size && !is_zero(r, offset, size))
        status = keep_pieces(r, offset, size, r->last_lsn + 1000000, error);
    return status;
}

/* ---- the call ---- */

static uint64_t base_lsn(struct log *log)
{
    struct frame frame;
    if (log_scan(log, LOG_FRAMES_START, &frame, NULL) == CRM_OK && (frame.flags & LOG_FRAME_BASE))
        return frame.lsn;
    return 0;
}

static int32_t open_new(const char *to, const crm_options *options, struct log *from, struct log **out, crm_error *error)
{
    struct log_header header = {.created = clock_wall_us(), .base_lsn = base_lsn(from), .format = LOG_FORMAT};
    uint8_t random[UUID_RANDOM_SIZE];
    random_bytes(random, sizeof random);
    random_bytes(&header.seed, sizeof header.seed);
    header.file = uuid_v7(header.created / 1000, random);
    struct log_options how = {.files = options->files, .memory = &options->memory, .create = true, .exclusive = true,
                              .deferred = true, .busy_ms = options->busy_ms, .header = &header, .now = header.created};
    return log_open(to, &how, out, error);
}

static void summary(struct recovery *r)
{
    char text[160];
    (void)snprintf(text, sizeof text, "%llu records, %llu versions in %llu transactions",
                   (unsigned long long)r->records, (unsigned long long)r->kept, (unsigned long long)r->frames);
    table_add_row(r->table);
    table_put_text(r->table, 0, "kept", CRM_NUL);
    table_put_text(r->table, 2, text, CRM_NUL);
    (void)snprintf(text, sizeof text, "%llu versions%s", (unsigned long long)r->lost,
                   r->rows > REPORT_ROWS ? " (not all are listed)" : "");
    table_add_row(r->table);
    table_put_text(r->table, 0, "lost", CRM_NUL);
    table_put_text(r->table, 2, text, CRM_NUL);
}

static int32_t run(struct recovery *r, const char *to, crm_error *error)
{
    r->table = table_create(r->memory);
    table_add_column(r->table, "what", CRM_TYPE_TEXT);
    table_add_column(r->table, "byte", CRM_TYPE_INT);
    table_add_column(r->table, "why", CRM_TYPE_TEXT);
    buffer_init(&r->entries, r->memory);
    buffer_init(&r->body, r->memory);
    int32_t status = log_lock(r->to, 0, error);
    r->end = log_start(r->to);
    if (status == CRM_OK)
        status = keep_all(r, error);
    if (status == CRM_OK && r->frames == 0)
        status = error_set(error, CRM_NOT_FOUND, "%s: no transaction could be read; nothing was salvaged into %s",
                           log_path(r->from), to);
    if (status == CRM_OK)
        status = log_sync(r->to, &r->end, error);
    log_unlock(r->to);
    summary(r);
    return status;
}

int32_t recover_file(const char *from, const char *to, const crm_options *options, crm_table **out, crm_error *error)
{
    struct recovery r = {.memory = &options->memory};
    struct log_options how = {.files = options->files, .memory = r.memory, .read_only = true, .salvage = true,
                              .busy_ms = options->busy_ms};
    int ignored;
    int32_t status = log_open(from, &how, &r.from, error);
    if (status != CRM_OK)
        return status;
    status = open_new(to, options, r.from, &r.to, error);
    if (status == CRM_OK) {
        status = run(&r, to, error);
        log_close(r.to);
        if (status != CRM_OK)
            (void)options->files->unlink(options->files->context, to, &ignored);
    }
    log_close(r.from);
    for (size_t i = 0; i < r.kind_count; i++)
        memory_free(r.memory, r.kinds[i].places);
    memory_free(r.memory, r.kinds);
    memory_free(r.memory, r.packs);
    buffer_free(&r.entries);
    buffer_free(&r.body);
    if (status == CRM_OK)
        return table_finish(r.table, out, error);
    crm_table_free(r.table);
    return status;
}
