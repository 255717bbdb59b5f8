/* rewrite: see rewrite.h.
 *
 * Order within the base frames: the table of earlier transactions; the
 * definitions of a user's kinds, fields and choices, so that a replay knows
 * them before it meets records that use them; then kind by kind, in order of
 * number.  A record whose newest version is a deletion or an erasure is written
 * as a create of the version before and that entry behind it.
 *
 * Entries keep their LSN and version; their order within the transaction, by
 * which a feed hands them out, goes along as their sequence: an eighth of the
 * entry's distance from the beginning of its first frame (an entry has at least
 * 11 bytes, so no two of a frame have the same).
 */
#include "model/rewrite.h"

#include "model/change.h"
#include "model/inspect.h"
#include "sys/varint.h"

#include <string.h>
enum {
    PACK_RAW = 64 << 10,
    HEADS_BYTES = 256 << 10,
    FRAME_BYTES = 16 << 20,
    FRAME_LEAST = 512,  /* entries before a frame ends for the sake of ids; its own bytes are then a quarter each */
    FRAMES_ENTRY = 512, /* transactions in one table; a look-up inflates and walks one */
    FRAMES_RAW = 32 << 10
};

static int32_t settle_buffers(const struct rewrite *rewrite, crm_error *error)
{
    return rewrite->frame.failed || rewrite->heads.failed || rewrite->pack.failed || rewrite->body.failed
               ? error_nomem(error)
               : CRM_OK;
}

/* ---- frames ---- */

static int32_t flush_frame(struct rewrite *rewrite, crm_error *error)
{
    const struct frame *last = &rewrite->last;
    struct frame_info info = {.time = last->time,
                              .flags = LOG_FRAME_BASE,
                              .entry_count = rewrite->frame_entries,
                              .actor = last->actor,
                              .reason = last->reason,
                              .batch = last->batch,
                              .actor_length = last->actor_length,
                              .reason_length = last->reason_length,
                              .batch_length = last->batch_length};
    int32_t status = settle_buffers(rewrite, error);
    if (status == CRM_OK)
        status = log_append(rewrite->to, &rewrite->end, &info, rewrite->frame.data, rewrite->frame.length,
                            &rewrite->end, error);
    rewrite->frame.length = 0;
    rewrite->frame_entries = 0;
    memset(&rewrite->id_base, 0, sizeof rewrite->id_base);
    return status;
}

static uint64_t frame_offset(const struct rewrite *rewrite)
{
    return rewrite->end.offset + LOG_FRAME_HEADER + rewrite->frame.length;
}

/* A deflated body: var raw length, then the zlib stream. */
static void put_deflated(struct rewrite *rewrite, struct entry *entry, const struct buffer *raw)
{
    struct buffer *body = &rewrite->body;
    uint8_t number[VARINT_MAX];
    body->length = 0;
    buffer_append(body, number, varint_put(number, raw->length));
    if (!deflate_append(body, raw->data, raw->length))
        return;
    entry->body = body->data;
    entry->body_length = body->length;
    entry_put(&rewrite->frame, frame_offset(rewrite), entry);
    rewrite->frame_entries++;
}

/* The pack, then the heads that were gathered beside it, into the frame. */
static int32_t flush_chunk(struct rewrite *rewrite, crm_error *error)
{
    if (rewrite->pack.length > 0) {
        struct entry entry = {
            .operation = ENTRY_PACK, .number = rewrite->packs++, .lsn = log_header(rewrite->to)->base_lsn};
        put_deflated(rewrite, &entry, &rewrite->pack);
        rewrite->pack.length = 0;
    }
    buffer_append(&rewrite->frame, rewrite->heads.data, rewrite->heads.length);
    rewrite->frame_entries += rewrite->head_entries;
    rewrite->heads.length = 0;
    rewrite->head_entries = 0;
    if (rewrite->frame.length >= FRAME_BYTES)
        return flush_frame(rewrite, error);
    return settle_buffers(rewrite, error);
}

/* ---- transactions that were ---- */

static int32_t write_table(struct rewrite *rewrite, uint64_t first, uint64_t count, struct buffer *raw,
                           crm_error *error)
{
    struct entry entry = {.operation = ENTRY_FRAMES, .lsn = first, .version = count};
    if (raw->failed)
        return error_nomem(error);
    put_deflated(rewrite, &entry, raw);
    raw->length = 0;
    return flush_chunk(rewrite, error);
}

/* All but the newest, whom the base frames themselves name. */
static int32_t write_tables(struct rewrite *rewrite, crm_error *error)
{
    struct generation *from = rewrite->from;
    struct buffer raw;
    uint64_t base = log_header(rewrite->to)->base_lsn, first = 1;
    int64_t time = 0, known = 0;
    int32_t status = CRM_OK;
    buffer_init(&raw, from->db->memory);
    for (uint64_t lsn = 1; status == CRM_OK && lsn < base; lsn++) {
        struct frame meta;
        status = frame_meta(from, lsn, &meta, error);
        if (status != CRM_OK) {
            if (!rewrite->salvage || status == CRM_NOMEM)
                break;
            status = CRM_OK;
            meta = (struct frame){.time = known, .reason = "lost", .reason_length = 4};
        }
        known = meta.time;
        frames_put(&raw, &time, &meta);
        if (lsn + 1 - first == FRAMES_ENTRY || raw.length >= FRAMES_RAW) {
            status = write_table(rewrite, first, lsn + 1 - first, &raw, error);
            first = lsn + 1;
            time = 0;
            reader_relax(&rewrite->reader);
        }
    }
    if (status == CRM_OK && first < base)
        status = write_table(rewrite, first, base - first, &raw, error);
    buffer_free(&raw);
    return status;
}

/* ---- a record's chain ---- */

static uint32_t sequence_of(struct rewrite *rewrite, const struct entry *entry, uint64_t place)
{
    struct generation *from = rewrite->from;
    if (entry->flags & ENTRY_SEQUENCE)
        return entry->sequence;
    if (place & PLACE_PACKED || entry->lsn <= log_header(from->log)->base_lsn)
        return 0;
    const struct frame_cell *cell = frame_cell(from, entry->lsn);
    if (cell == NULL || cell->offset == 0 || place < cell->offset + LOG_FRAME_HEADER)
        return 0;
    uint64_t sequence = (place - cell->offset - LOG_FRAME_HEADER) / 8;
    return sequence > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)sequence;
}

/* Whether the entry is what the one after it in the chain, the last that was read, changed. */
static bool comes_before(const struct rewrite *rewrite, const struct entry *entry)
{
    const struct rewrite_link *after = rewrite->links + rewrite->link_count;
    return rewrite->link_count == 0 ||
           (entry->version + 1 == after[-1].version && entry->lsn <= after[-1].lsn && entry->lsn != 0);
}

int32_t rewrite_chain(struct rewrite *rewrite, const struct kind *kind, uint32_t number, uint64_t head,
                      crm_error *error)
{
    struct entry entry;
    rewrite->link_count = 0;
    int32_t status = entry_load(&rewrite->reader, NULL, head, &entry);
    for (uint64_t place = head; place != 0;) {
        struct version version;
        if (status == CRM_OK && rewrite->salvage)
            status = version_load(&rewrite->reader, NULL, place, &version);
        if (status == CRM_OK && rewrite->salvage &&
            (inspect_entry(&rewrite->from->schema, &entry, NULL, true, &rewrite->body) != NULL ||
             !inspect_version(kind, &version, &rewrite->body)))
            status = rewrite->body.failed ? CRM_NOMEM : CRM_CORRUPT;
        if (status != CRM_OK || entry.kind != kind->number || entry.number != number ||
            !comes_before(rewrite, &entry)) {
            if (rewrite->salvage && rewrite->link_count > 0 && status != CRM_NOMEM) {
                rewrite->cut++;
                return CRM_OK;
            }
            return error_unread(error, status, "%s: a version of %s number %u at byte %llu",
                                log_path(rewrite->from->log), kind->name, number, (unsigned long long)place);
        }
        if (!memory_grow(rewrite->from->db->memory, (void **)&rewrite->links, &rewrite->link_capacity,
                         rewrite->link_count + 1, sizeof *rewrite->links))
            return error_nomem(error);
        rewrite->links[rewrite->link_count++] = (struct rewrite_link){.place = place,
                                                                      .lsn = entry.lsn,
                                                                      .version = entry.version,
                                                                      .sequence = sequence_of(rewrite, &entry, place),
                                                                      .operation = entry.operation,
                                                                      .flags = entry.flags};
        place = entry.previous;
        if (place != 0)
            status = entry_before(&rewrite->reader, NULL, &entry);
    }
    return CRM_OK;
}

/* How many of the newest versions stay.  The content of a deleted record does. */
static size_t kept(struct rewrite *rewrite)
{
    size_t keep = 1;
    for (; keep < rewrite->link_count; keep++) {
        int64_t superseded;
        if (keep == 1 && rewrite->links[0].operation == ENTRY_DELETE)
            continue;
        if (frame_time(rewrite->from, rewrite->links[keep - 1].lsn, &superseded) && superseded < rewrite->drop_before)
            break;
    }
    return keep;
}

/* ---- bodies ---- */

/* What is told of a record's first version when that itself is left out. */
struct created {
    bool tell;
    struct value at, by;
};

struct content {
    const struct kind *kind;
    bool strip; /* erased later: without the personal fields */
    struct created created;
};

static bool is_personal(const struct kind *kind, uint32_t number)
{
    const struct field *field = schema_field(kind, number);
    return field != NULL && (field->flags & CRM_FLAG_PERSONAL) != 0;
}

/* All fields of the version at `place`. */
static int32_t put_all(struct rewrite *rewrite, const struct content *content, uint64_t place)
{
    struct version version;
    struct version_cursor cursor;
    struct value value;
    uint32_t field, previous = 0;
    int got;
    int32_t status = version_load(&rewrite->reader, NULL, place, &version);
    if (status != CRM_OK)
        return status;
    struct buffer *body = &rewrite->body;
    if (content->created.tell && version_get(&version, CRM_FIELD_CREATED_AT, &value) != 1) {
        body_put(body, &previous, CRM_FIELD_CREATED_AT, &content->created.at);
        if (content->created.by.length > 0)
            body_put(body, &previous, CRM_FIELD_CREATED_BY, &content->created.by);
    }
    version_fields(&version, &cursor);
    while ((got = version_next(&cursor, &field, &value)) == 1)
        if (!(content->strip && is_personal(content->kind, field)))
            body_put(body, &previous, field, &value);
    return got == 0 ? CRM_OK : CRM_CORRUPT;
}

/* The entry's own fields. */
static int32_t put_own(struct rewrite *rewrite, const struct content *content, const struct entry *entry)
{
    const uint8_t *end = entry->body + entry->body_length;
    const uint8_t *at = entry->body;
    crm_id base = {{1}}, id;
    struct value value;
    uint32_t previous = 0;
    int got;
    if (entry->operation == ENTRY_CREATE && (at = id_get(entry->body, end, &base, &id)) == NULL)
        return CRM_CORRUPT;
    struct body fields = body_open(at, (size_t)(end - at));
    while ((got = body_next(&fields, &value)) == 1)
        if (!(content->strip && is_personal(content->kind, fields.field)))
            body_put(&rewrite->body, &previous, fields.field, &value);
    return got == 0 ? CRM_OK : CRM_CORRUPT;
}

static struct entry entry_of(const struct kind *kind, uint32_t number, const struct rewrite_link *link)
{
    return (struct entry){.operation = link->operation,
                          .kind = kind->number,
                          .number = number,
                          .lsn = link->lsn,
                          .version = link->version,
                          .sequence = link->sequence,
                          .flags = link->sequence != 0 ? ENTRY_SEQUENCE : 0};
}

/* What the version was before an earlier compaction wrote it as a create. */
static uint8_t true_operation(const struct rewrite *rewrite, size_t at)
{
    struct entry entry = {.operation = rewrite->links[at].operation, .version = rewrite->links[at].version};
    struct entry before = {.operation = at + 1 < rewrite->link_count ? rewrite->links[at + 1].operation : ENTRY_CREATE};
    return (uint8_t)change_operation(&entry, &before);
}

/* ---- a record ---- */

struct record_plan {
    const struct kind *kind;
    uint32_t number;
    crm_id id;
    size_t keep, erased; /* links behind `erased` are void of personal fields */
    struct created created;
};

static int32_t damaged(const struct rewrite *rewrite, const struct record_plan *plan, int32_t status, crm_error *error)
{
    return error_unread(error, status, "%s: a version of %s number %u", log_path(rewrite->from->log), plan->kind->name,
                        plan->number);
}

/* An old version into the pack; *previous is the place of the one before, then its own. */
static int32_t put_packed(struct rewrite *rewrite, const struct record_plan *plan, size_t at, uint64_t *previous,
                          crm_error *error)
{
    struct content content = {plan->kind, at > plan->erased, plan->created};
    struct entry entry = entry_of(plan->kind, plan->number, &rewrite->links[at]), source;
    int32_t status = rewrite->pack.length >= PACK_RAW ? flush_chunk(rewrite, error) : CRM_OK;
    if (status != CRM_OK)
        return status;
    status = entry_load(&rewrite->reader, NULL, rewrite->links[at].place, &source);
    if (status != CRM_OK)
        return damaged(rewrite, plan, status, error);
    rewrite->body.length = 0;
    entry.operation = true_operation(rewrite, at);
    bool full = entry.operation != ENTRY_CREATE &&
                (source.operation == ENTRY_CREATE || (source.flags & ENTRY_FULL) || at + 1 == plan->keep);
    if (full)
        entry.flags |= ENTRY_FULL;
    if (entry.operation == ENTRY_CREATE)
        buffer_byte(&rewrite->body, 1); /* in the place of the id, which the newest version has */
    status = full ? put_all(rewrite, &content, rewrite->links[at].place) : put_own(rewrite, &content, &source);
    if (status != CRM_OK)
        return damaged(rewrite, plan, status, error);
    if (*previous != 0) {
        entry.flags |= ENTRY_PACKED;
        entry.previous = *previous;
    }
    entry.body = rewrite->body.data;
    entry.body_length = rewrite->body.length;
    *previous = place_packed(frame_offset(rewrite), (uint32_t)rewrite->pack.length);
    entry_put(&rewrite->pack, 0, &entry);
    return settle_buffers(rewrite, error);
}

/* The create that replaces what led to the version at `at`; returns by *offset
 * where it lies among the heads. */
static int32_t put_head(struct rewrite *rewrite, const struct record_plan *plan, size_t at, uint64_t previous,
                        uint64_t *offset, crm_error *error)
{
    struct content content = {plan->kind, at > plan->erased, plan->created};
    struct entry entry = entry_of(plan->kind, plan->number, &rewrite->links[at]);
    entry.operation = ENTRY_CREATE;
    rewrite->body.length = 0;
    id_put(&rewrite->body, &rewrite->id_base, &plan->id);
    int32_t status = put_all(rewrite, &content, rewrite->links[at].place);
    if (status != CRM_OK)
        return damaged(rewrite, plan, status, error);
    if (previous != 0) {
        entry.flags |= ENTRY_PACKED;
        entry.previous = previous;
    }
    if (rewrite->links[at].operation == ENTRY_DELETE && entry.version > 1)
        entry.version--; /* the version before is not kept: the deletion's content stands for it */
    entry.body = rewrite->body.data;
    entry.body_length = rewrite->body.length;
    *offset = LOG_FRAMES_START + rewrite->heads.length;
    entry_put(&rewrite->heads, *offset, &entry);
    rewrite->head_entries++;
    return settle_buffers(rewrite, error);
}

/* A deletion or erasure as it was, behind what it follows, which lies at *offset. */
static int32_t put_last(struct rewrite *rewrite, const struct record_plan *plan, size_t at, uint64_t *offset,
                        crm_error *error)
{
    struct content content = {plan->kind, at > plan->erased, plan->created};
    struct entry entry = entry_of(plan->kind, plan->number, &rewrite->links[at]), source;
    int32_t status = entry_load(&rewrite->reader, NULL, rewrite->links[at].place, &source);
    if (status != CRM_OK)
        return damaged(rewrite, plan, status, error);
    rewrite->body.length = 0;
    bool full = (source.flags & ENTRY_FULL) != 0;
    if (full)
        entry.flags |= ENTRY_FULL;
    status = full ? put_all(rewrite, &content, rewrite->links[at].place) : put_own(rewrite, &content, &source);
    if (status != CRM_OK)
        return damaged(rewrite, plan, status, error);
    entry.previous = *offset;
    entry.body = rewrite->body.data;
    entry.body_length = rewrite->body.length;
    *offset = LOG_FRAMES_START + rewrite->heads.length;
    entry_put(&rewrite->heads, *offset, &entry);
    rewrite->head_entries++;
    return settle_buffers(rewrite, error);
}

static int32_t plan_record(struct rewrite *rewrite, struct record_plan *plan, crm_error *error)
{
    struct frame first;
    int32_t status = CRM_OK;
    plan->keep = kept(rewrite);
    plan->erased = SIZE_MAX;
    for (size_t i = rewrite->link_count; i > 0; i--)
        if (rewrite->links[i - 1].operation == ENTRY_ERASE)
            plan->erased = i - 1;
    plan->created.tell = plan->keep < rewrite->link_count;
    if (plan->created.tell) {
        status = frame_meta(rewrite->from, rewrite->links[rewrite->link_count - 1].lsn, &first, error);
        plan->created.tell = status == CRM_OK;
        plan->created.at = value_int(first.time);
        plan->created.by = value_bytes(first.actor, first.actor_length);
    }
    return status == CRM_NOMEM ? status : CRM_OK;
}

/* Ids are told by their distance to the frame's first, and those of one
 * transaction follow each other: where another's begin, so does a frame. */
static int32_t frame_for(struct rewrite *rewrite, const crm_id *id, crm_error *error)
{
    if (id_follows(&rewrite->id_base, id) || rewrite->frame_entries + rewrite->head_entries < FRAME_LEAST)
        return CRM_OK;
    int32_t status = flush_chunk(rewrite, error);
    if (status == CRM_OK && rewrite->frame.length > 0)
        status = flush_frame(rewrite, error);
    return status;
}

static bool is_last(uint8_t operation)
{
    return operation == ENTRY_DELETE || operation == ENTRY_ERASE;
}

static int32_t write_record(struct rewrite *rewrite, const struct kind *kind, uint32_t number, crm_error *error)
{
    const struct row *row = row_at(rewrite->from, kind, number);
    uint64_t previous = 0, offset = 0;
    if (row == NULL || row->head == 0)
        return CRM_OK;
    struct record_plan plan = {.kind = kind, .number = number, .id = *id_at(rewrite->from, kind, number)};
    int32_t status = rewrite_chain(rewrite, kind, number, row->head, error);
    if (status == CRM_OK)
        status = plan_record(rewrite, &plan, error);
    if (status != CRM_OK)
        return status;
    size_t head = 0; /* newer ones are deletions and erasures, which stay what they are */
    while (head + 1 < plan.keep && is_last(rewrite->links[head].operation))
        head++;
    size_t last = rewrite->links[head].operation == ENTRY_DELETE ? head + 1 : head;
    status = frame_for(rewrite, &plan.id, error);
    for (size_t i = plan.keep; status == CRM_OK && i-- > head + 1;)
        status = put_packed(rewrite, &plan, i, &previous, error);
    if (status == CRM_OK)
        status = put_head(rewrite, &plan, head, previous, &offset, error);
    while (status == CRM_OK && last-- > 0)
        status = put_last(rewrite, &plan, last, &offset, error);
    reader_relax(&rewrite->reader);
    if (status == CRM_OK && (rewrite->heads.length >= HEADS_BYTES || rewrite->pack.length >= PACK_RAW))
        status = flush_chunk(rewrite, error);
    return status;
}

static int32_t write_kind(struct rewrite *rewrite, uint32_t position, crm_error *error)
{
    struct generation *from = rewrite->from;
    const struct kind *kind = from->schema.kinds[position];
    int32_t status = CRM_OK;
    uint32_t rows = kind_rows(from, kind);
    for (uint32_t number = 0; status == CRM_OK && number < rows; number++)
        if (!rewrite_dropped(rewrite, position, number))
            status = write_record(rewrite, kind, number, error);
    return status;
}

static bool defines(const struct kind *kind)
{
    return kind->number >= CRM_KIND_KIND && kind->number <= CRM_KIND_CHOICE;
}

static int32_t write_kinds(struct rewrite *rewrite, crm_error *error)
{
    const struct schema *schema = &rewrite->from->schema;
    int32_t status = CRM_OK;
    for (int definitions = 1; definitions >= 0; definitions--)
        for (uint32_t k = 0; status == CRM_OK && k < schema->kind_count; k++)
            if (defines(schema->kinds[k]) == (definitions != 0))
                status = write_kind(rewrite, k, error);
    return status;
}

int32_t rewrite_all(struct rewrite *rewrite, crm_error *error)
{
    struct generation *from = rewrite->from;
    const struct memory *memory = from->db->memory;
    buffer_init(&rewrite->frame, memory);
    buffer_init(&rewrite->heads, memory);
    buffer_init(&rewrite->pack, memory);
    buffer_init(&rewrite->body, memory);
    reader_init(&rewrite->reader, from);
    int32_t status = frame_meta(from, from->applied.lsn, &rewrite->last, error);
    if (status != CRM_OK && status != CRM_NOMEM && rewrite->salvage) {
        rewrite->last = (struct frame){.time = from->applied.time, .reason = "lost", .reason_length = 4};
        status = CRM_OK;
    }
    if (status == CRM_OK)
        status = retain_mark(rewrite, error);
    if (status == CRM_OK)
        status = write_tables(rewrite, error);
    if (status == CRM_OK)
        status = write_kinds(rewrite, error);
    if (status == CRM_OK)
        status = flush_chunk(rewrite, error);
    if (status == CRM_OK && (rewrite->frame.length > 0 || rewrite->end.offset == LOG_FRAMES_START))
        status = flush_frame(rewrite, error);
    return status;
}

void rewrite_free(struct rewrite *rewrite)
{
    if (rewrite->from == NULL)
        return;
    retain_free(rewrite);
    reader_free(&rewrite->reader);
    buffer_free(&rewrite->frame);
    buffer_free(&rewrite->heads);
    buffer_free(&rewrite->pack);
    buffer_free(&rewrite->body);
    memory_free(rewrite->from->db->memory, rewrite->links);
}
