/* reading: all that a database says, as text, so that two can be compared. */
#ifndef FUZZ_READING_H
#define FUZZ_READING_H

#include "fuzz.h"

enum { READING_RECORDS = 60, READING_CHANGES = 400 };

/* Every kind, field, record with its history, the feed, some views of the past,
 * settings and figures; the first READING_RECORDS of each kind.  Whatever fails
 * says so in the text.  True when nothing did. */
bool reading_all(crm_db *db, struct dump *out);
/* The records alone: what an index has a part in. */
bool reading_records(crm_db *db, crm_view *view, struct dump *out);

#endif
