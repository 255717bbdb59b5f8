/* index_file: when the index file is written.  That it fails costs time at the
 * next opening, nothing else.
 */
#include "model/db.h"

#include "model/txn.h"
#include "store/image.h"

/* Opening replays the tail behind the image at some million entries a second;
 * a tail as long as what the image stands for, but at least this, is worth a new image. */
enum { IMAGE_TAIL_MIN = 8 << 20 };

int32_t db_write_image(struct generation *generation, crm_error *error)
{
    crm_db *db = generation->db;
    struct image_point point = {.file = log_header(generation->log)->file,
                                .generation = log_header(generation->log)->generation,
                                .layout = MODEL_LAYOUT};
    /* What a replaced file's indexes hold may have been erased since. */
    bool replaced = log_superseded(generation->log) != 0;
    db_flush(generation);
    rwlock_read(&generation->lock);
    point.at = generation->applied;
    bool staged = generation->txn != NULL && generation->txn->applied;
    int32_t status = generation->bad || staged || replaced || generation->arena->damaged
                         ? error_set(error, CRM_BUSY, "%s: the index file cannot be written now", db->path)
                         : image_write(db->files, db->image_path, generation->arena, &point, error);
    rwlock_unlock(&generation->lock);
    if (status == CRM_OK)
        generation->image_end = point.at.offset;
    return status;
}

/* After a commit, under the writer lock. */
void db_maybe_write_image(struct generation *generation)
{
    uint64_t tail = generation->applied.offset - generation->image_end;
    uint64_t enough = generation->image_end < IMAGE_TAIL_MIN ? IMAGE_TAIL_MIN : generation->image_end;
    crm_error error;
    if (!generation->db->options.image || tail < enough)
        return;
    if (db_write_image(generation, &error) != CRM_OK) {
        generation->image_end = generation->applied.offset; /* try again when it has grown as much again */
        db_tell(generation->db, CRM_IO, "%s: the index file could not be written: %s", generation->db->path,
                error.message);
    }
}
