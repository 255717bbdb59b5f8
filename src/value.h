/* value: a record's fields as text for programs, as JSON, and for people. */
#ifndef CRM_TOOL_VALUE_H
#define CRM_TOOL_VALUE_H

#include "tool.h"

/* Text for CSV: references by name. */
void value_text(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field);
/* A JSON literal: numbers, true, false, null, strings; a reference as {"kind",
 * "id", "name"}; a list as an array. */
void value_json(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field);
/* For people: money grouped and with its currency, times to the minute. */
void value_shown(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field);
/* Item `item` of a list, for people: "+49 30 901820 (work, primary)". */
void value_item_shown(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field, uint32_t item);
/* One cell of a sheet. */
void value_cell(struct tool *tool, struct sheet *sheet, const crm_record *record, uint32_t field);
/* The whole record: {"kind":…, "id":…, fields that are set…}, without the last brace. */
void value_record_json(struct tool *tool, struct buffer *out, const crm_record *record);
/* COLUMN_ flags that suit a type. */
unsigned type_column_flags(int32_t type);
bool type_is_list(int32_t type);

/* An instant for people: "2017-03-01 10:00", the date alone at midnight. */
void buffer_moment(struct buffer *out, int64_t time);
/* A span of time for people: "43 days", "5 months". */
void buffer_span(struct buffer *out, int64_t microseconds);
void buffer_id(struct buffer *out, const crm_id *id);

#endif
