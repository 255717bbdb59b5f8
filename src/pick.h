/* pick: the kind, the field or the record that a word of the command means. */
#ifndef CRM_TOOL_PICK_H
#define CRM_TOOL_PICK_H

#include "tool.h"

/* "customer", also "customers". 0: no such kind, and nothing is said. */
uint32_t kind_named(const struct tool *tool, const char *word);
int pick_kind(struct tool *tool, const char *word, uint32_t *kind);
/* "close_date", also "close-date". */
int pick_field(struct tool *tool, uint32_t kind, const char *name, size_t length, uint32_t *field);
/* The field that names records of a kind for people: name, subject; 0: none. */
uint32_t kind_title_field(const struct tool *tool, uint32_t kind);
/* Kinds that only the library makes records of. */
bool kind_internal(uint32_t kind);
/* "3 customers", "1 opportunity": for messages, in `buffer`. */
void buffer_counted(struct buffer *buffer, uint64_t count, const char *noun);

struct picked {
    uint32_t kind;
    crm_id id;
};

/* A record by id, external id, e-mail, phone number or exact name, where
 * exactly one live record has it; KIND:NAME narrows it down.  `kind` 0: of any
 * kind.  With `deleted` the name of a deleted record. */
int pick_record(struct tool *tool, crm_view *view, uint32_t kind, const char *text, bool deleted,
                struct picked *picked);
/* The record that words of the command from `position` on name, as "ID" or as
 * "KIND ID"; *next is the position behind it.  `most`: how many words may
 * belong to it. */
int pick_words(struct tool *tool, crm_view *view, size_t position, size_t words, bool deleted, struct picked *picked,
               size_t *next);

#endif
