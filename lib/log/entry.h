/* entry: one version of one record as it lies in the log.
 *
 *   u32  CRC-32C of everything after it (little endian, like all fixed numbers)
 *   var  length of everything after this number
 *   u8   operation, flags in the high four bits
 *   var  kind
 *   var  number       the record's dense number in its kind, from 0
 *   var  lsn          of the transaction that wrote this version
 *   var  version      1 for the first, then one more each time
 *   var  back         distance from this entry's offset to the previous
 *                     version's; 0: there is none; with ENTRY_PACKED the number
 *                     `previous` itself, which the packer gives its meaning
 *   var  sequence     only with ENTRY_SEQUENCE: ordinal in its first frame
 *   ...  body         fields, see lib/model/value.h; deflated by field, not here
 *
 * An entry can be read alone: it is checked by its own CRC each time, so damage
 * is never taken for data (P3), and it says which record and version it is, so
 * that a wrong offset is found out.
 */
#ifndef LOG_ENTRY_H
#define LOG_ENTRY_H

#include "sys/memory.h"

enum {
    ENTRY_CREATE = 1, /* first version: every field that is set */
    ENTRY_UPDATE = 2, /* the fields that changed, or all with ENTRY_FULL */
    ENTRY_DELETE = 3,
    ENTRY_RESTORE = 4,
    ENTRY_ERASE = 5, /* personal fields of every earlier version are void */
    ENTRY_PACK = 6,  /* a deflated block of old versions (compacted files) */
    ENTRY_FRAMES = 7 /* a deflated table of old frames (compacted files) */
};
enum { ENTRY_FULL = 1, ENTRY_SEQUENCE = 2, ENTRY_PACKED = 4 /* `previous` is as the packer wrote it */ };

struct entry {
    uint8_t operation;
    uint8_t flags;
    uint32_t kind;
    uint32_t number;
    uint32_t sequence;
    uint64_t lsn;
    uint64_t version;
    uint64_t previous; /* absolute offset, 0: none */
    const uint8_t *body;
    size_t body_length;
    size_t size; /* of the whole entry; set by both calls */
};

/* Appends the entry, whose first byte will lie at `offset` of the file.  What
 * could not be read back (an operation or flag not of this list, a previous
 * version that does not lie before) sets `failed` like a failed growth. */
void entry_put(struct buffer *buffer, uint64_t offset, struct entry *entry);
/* Reads and checks the entry at `bytes`, which lies at `offset`.  CRM_OK or
 * CRM_CORRUPT; never reads past `available`. */
int32_t entry_get(const uint8_t *bytes, size_t available, uint64_t offset, struct entry *out);

#endif
