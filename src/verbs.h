/* verbs: the functions behind the verb table, one source a topic. */
#ifndef CRM_TOOL_VERBS_H
#define CRM_TOOL_VERBS_H

#include "tool.h"

/* verb_file.c */
int verb_init(struct tool *tool);
int verb_verify(struct tool *tool);
int verb_recover(struct tool *tool);
int verb_compact(struct tool *tool);
int verb_backup(struct tool *tool);
int verb_stat(struct tool *tool);
int verb_rebuild(struct tool *tool);
int verb_setting(struct tool *tool);

/* verb_record.c */
int verb_add(struct tool *tool);
int verb_set(struct tool *tool);
int verb_delete(struct tool *tool);
int verb_restore(struct tool *tool);
int verb_erase(struct tool *tool);
int verb_stage(struct tool *tool);

/* verb_show.c */
int verb_show(struct tool *tool);

/* verb_list.c */
int verb_list(struct tool *tool);
int verb_count(struct tool *tool);
int verb_timeline(struct tool *tool);

/* verb_find.c */
int verb_find_text(struct tool *tool);

/* verb_history.c */
int verb_history(struct tool *tool);
int verb_changes(struct tool *tool);

/* verb_undo.c */
int verb_undo(struct tool *tool);

/* verb_report.c */
int verb_report_pipeline(struct tool *tool);
int verb_lifecycle_report(struct tool *tool);
int verb_lifecycle_evaluate(struct tool *tool);
int verb_lifecycle_transitions(struct tool *tool);
int verb_lifecycle_backtest(struct tool *tool);

/* verb_import.c, verb_export.c */
int verb_import(struct tool *tool);
int verb_export(struct tool *tool);

/* verb_schema.c */
int verb_schema(struct tool *tool);
int verb_kind_add(struct tool *tool);
int verb_kind_list(struct tool *tool);
int verb_field_add(struct tool *tool);
int verb_field_list(struct tool *tool);
int verb_choice_add(struct tool *tool);

/* help.c, shell.c */
int verb_help(struct tool *tool);
int verb_shell(struct tool *tool);
/* The words that may stand at this place of a command, for the shell's
 * completion: calls `offer` for each. */
int help_verb(struct tool *tool, const struct verb *verb);

#endif
