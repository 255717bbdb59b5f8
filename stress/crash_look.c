/* crash_look.c: what a power cut left, opened again and judged; see crash.h.
 *
 * A state of the disk is looked at once, however often it comes up, and what
 * was found is then judged by what had been promised each time.  To look means:
 * open for reading, which changes nothing; open; every answer as in one of the
 * states that the database was in; verify; close and open again: the same, and
 * no byte of the log another; a new transaction works and is there when opened
 * again.
 */
#include "crash.h"

#include "api/options.h"
#include "sys/checksum.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The dearer questions are asked of one in so many. */
enum { READ_ONLY_EACH = 3, COMMIT_EACH = 4 };
/* How many other states one with a torn tail is worth. */
enum { TORN_COUNTS = 4 };
/* Faults of one workload that are told, and from which on it is left alone. */
enum { TOLD_EACH = 4, FAULTS_MOST = 100 };

void crash_fault(struct crash *crash, const struct cut_state *state, const char *format, ...)
{
    char why[900];
    va_list arguments;
    crash->stress->failures++;
    if (++*crash->faults > TOLD_EACH) /* a workload that goes wrong does so many times */
        return;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    fprintf(stderr, "crash, seed %llu: %s%s: %s: %s\n", (unsigned long long)crash->stress->seed, crash->name,
            crash->level == 1 ? "" : ", recovery cut", state->text, why);
}

/* ---- the file as it is */

struct look {
    struct crash *crash;
    const struct cut_state *state;
    char folder[96], path[128];
    crm_db *db;
    bool torn;    /* the log hook was told of a torn tail */
    bool damaged; /* or of anything worse */
};

static void hear(void *context, int32_t status, const char *message)
{
    struct look *look = context;
    bool of_index = strstr(message, "index") != NULL;
    if (strstr(message, "were never committed and are dropped") != NULL)
        look->torn = true;
    else if (!of_index && status != CRM_OK)
        look->damaged = true;
}

static int32_t open_again(struct look *look, const char *path, int64_t create, bool read_only, crm_error *error)
{
    crm_options *options = crm_options_create();
    if (options == NULL)
        exit(2);
    options->now = CRASH_START;
    options->create = create;
    options->read_only = read_only;
    crm_options_set_log(options, hear, look);
    look->torn = look->damaged = false;
    int32_t status = crm_open(path, options, &look->db, error);
    crm_options_free(options);
    return status;
}

static void close_again(struct look *look)
{
    (void)crm_close(look->db);
    look->db = NULL;
}

/* The log but for its control page; 0: it cannot be read. */
static uint64_t log_sum(const char *path, uint64_t *size)
{
    uint32_t sum = 1;
    unsigned char bytes[65536];
    FILE *file = fopen(path, "rb");
    *size = 0;
    if (file == NULL)
        return 0;
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, file)) > 0; *size += got) {
        if (*size == 0 && got > DISK_CONTROL_AT)
            memset(bytes + DISK_CONTROL_AT, 0,
                   got - DISK_CONTROL_AT < DISK_CONTROL_SIZE ? got - DISK_CONTROL_AT : DISK_CONTROL_SIZE);
        sum = crc32c(sum, bytes, got);
    }
    (void)fclose(file);
    return (uint64_t)1 << 32 | sum;
}

/* ---- answers */

/* The number of the state whose answers these are; UINT32_MAX: of none. */
static uint32_t state_of(const struct crash *crash, uint64_t lsn, const char *answers)
{
    for (uint32_t i = 0; i < crash->state_count; i++)
        if (crash->states[i].lsn == lsn && strcmp(crash->states[i].answers, answers) == 0)
            return i;
    return UINT32_MAX;
}

static void tell_difference(struct look *look, const char *what, uint64_t lsn, const char *answers)
{
    const struct crash *crash = look->crash;
    for (uint32_t i = crash->state_count; i-- > 0;)
        if (crash->states[i].lsn == lsn) {
            crash_fault(look->crash, look->state, "%s after transaction %llu: %s", what, (unsigned long long)lsn,
                        answers_difference(crash->states[i].answers, answers));
            return;
        }
    crash_fault(look->crash, look->state, "%s: transaction %llu, which there never was", what, (unsigned long long)lsn);
}

static bool is_new(const struct look *look)
{
    struct answers answers = {.mask_ids = true};
    bool new = look->crash->new_answers != NULL &&crm_lsn(look->db) == 1 && answers_get(&answers, look->db, 1) &&
               strcmp(answers.text, look->crash->new_answers) == 0;
    answers_free(&answers);
    return new;
}

/* Every answer as in some state: which one.  UINT32_MAX: told, unless a file that was made anew will do. */
static uint32_t recognise(struct look *look, const char *what, bool *new)
{
    struct answers answers = {0};
    uint64_t lsn = crm_lsn(look->db);
    uint32_t found = UINT32_MAX;
    if (!answers_get(&answers, look->db, lsn)) {
        crash_fault(look->crash, look->state, "%s: a call failed: %s", what, answers_end(&answers));
    } else if ((found = state_of(look->crash, lsn, answers.text)) == UINT32_MAX) {
        if (new != NULL && !look->crash->begun && is_new(look))
            *new = true;
        else
            tell_difference(look, what, lsn, answers.text);
    }
    answers_free(&answers);
    return found;
}

static bool agrees_with_models(struct look *look, const struct crash_state *is)
{
    crm_view *view = NULL;
    crm_error error = {0};
    const char *why = NULL;
    if (crm_view_open(look->db, &view, &error) != CRM_OK)
        why = error.message;
    if (why == NULL && is->plain != NULL)
        why = plain_check(is->plain, view);
    if (why == NULL && is->oracle != NULL)
        why = oracle_check(is->oracle, view);
    if (why != NULL)
        crash_fault(look->crash, look->state, "after transaction %llu: %s", (unsigned long long)is->lsn, why);
    crm_view_close(view);
    return why == NULL;
}

static bool is_sound(struct look *look)
{
    crm_error error = {0};
    crm_table *table = NULL;
    int32_t status = crm_verify(look->db, &table, &error);
    if (status != CRM_OK)
        crash_fault(look->crash, look->state, "verify: %s; %s", error.message,
                    table == NULL ? "" : crm_table_text(table, 0, 1, NULL));
    crm_table_free(table);
    return status == CRM_OK;
}

/* ---- the looks */

/* Reading alone tells the same and changes nothing; what it cannot read, an
 * opening for writing will judge. */
static bool look_only(struct look *look, uint32_t *found)
{
    crm_error error = {0};
    uint64_t size = 0, size_after = 0;
    uint64_t before = log_sum(look->path, &size);
    *found = UINT32_MAX;
    if (open_again(look, look->path, 0, true, &error) != CRM_OK || crm_lsn(look->db) == 0) {
        close_again(look);
        return true;
    }
    bool new = false;
    *found = recognise(look, "read only", &new);
    close_again(look);
    if ((new || *found != UINT32_MAX) && (log_sum(look->path, &size_after) != before || size_after != size)) {
        crash_fault(look->crash, look->state, "an opening for reading changed the log");
        return false;
    }
    return new || *found != UINT32_MAX;
}

static bool look_first(struct look *look, struct crash_seen *seen)
{
    crm_error error = {0};
    struct crash *crash = look->crash;
    int32_t status = open_again(look, look->path, 1, false, &error);
    if (status != CRM_OK) {
        seen->what = CRASH_REFUSED;
        if (crash->begun || (status != CRM_NOT_A_DATABASE && status != CRM_CORRUPT))
            crash_fault(crash, look->state, "crm_open: %s: %s", crm_status_name(status), error.message);
        return false;
    }
    if (look->damaged || (look->torn && look->state->idle && look->state->at >= crash->clean_from))
        crash_fault(crash, look->state, "crm_open reports %s",
                    look->damaged ? "damage" : "a torn tail; nothing was on its way");
    bool new = false;
    seen->torn = look->torn;
    seen->state = recognise(look, "reopened", &new);
    seen->what = new ? CRASH_FOUND_NEW : seen->state == UINT32_MAX ? CRASH_FAULT : CRASH_FOUND_STATE;
    if (new)
        return is_sound(look);
    return seen->what == CRASH_FOUND_STATE && agrees_with_models(look, &crash->states[seen->state]) && is_sound(look);
}

/* Recovering a second time changes nothing. */
static bool look_second(struct look *look, const struct crash_seen *seen)
{
    crm_error error = {0};
    uint64_t size = 0, size_after = 0;
    uint64_t before = log_sum(look->path, &size);
    bool good = open_again(look, look->path, 0, false, &error) == CRM_OK;
    if (!good)
        crash_fault(look->crash, look->state, "opened again: %s", error.message);
    else if (look->torn || look->damaged)
        crash_fault(look->crash, look->state, "opened again: reports %s", look->torn ? "a torn tail" : "damage");
    else if (seen->what == CRASH_FOUND_STATE)
        good = recognise(look, "opened again", NULL) == seen->state;
    close_again(look);
    if (good && (log_sum(look->path, &size_after) != before || size_after != size))
        crash_fault(look->crash, look->state, "opening and closing again changed the log");
    return good;
}

static bool has_customer(struct look *look, const char *name)
{
    crm_view *view = NULL;
    crm_record *record = NULL;
    bool has = crm_view_open(look->db, &view, NULL) == CRM_OK &&
               crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, name, CRM_NUL, &record, NULL) == CRM_OK;
    crm_record_free(record);
    crm_view_close(view);
    return has;
}

/* A new transaction works, and is there with everything else when opened again. */
static bool look_onward(struct look *look)
{
    static const char name[] = "Nach dem Stromausfall";
    crm_error error = {0};
    crm_txn *txn = NULL;
    struct answers wanted = {0}, found = {0};
    uint64_t lsn = 0;
    bool good = open_again(look, look->path, 0, false, &error) == CRM_OK && crm_begin(look->db, &txn, &error) == CRM_OK;
    if (good) {
        crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, name, CRM_NUL);
        good = crm_commit(txn, &lsn, &error) == CRM_OK && answers_get(&wanted, look->db, lsn);
    }
    close_again(look);
    good = good && open_again(look, look->path, 0, false, &error) == CRM_OK;
    if (!good)
        crash_fault(look->crash, look->state, "a new transaction: %s", error.message);
    else if (!answers_get(&found, look->db, crm_lsn(look->db)) || strcmp(wanted.text, found.text) != 0)
        crash_fault(look->crash, look->state, "with a new transaction: %s",
                    answers_difference(wanted.text, found.text));
    else if (!has_customer(look, name))
        crash_fault(look->crash, look->state, "a new transaction is not there");
    else
        good = is_sound(look);
    close_again(look);
    answers_free(&wanted);
    answers_free(&found);
    return good;
}

/* A backup or salvaged file: whole, or it does not open. */
static void look_file(struct look *look, const struct crash_file *file, struct crash_seen *seen)
{
    char path[160];
    crm_error error = {0};
    struct answers answers = {0};
    const struct crash_state *is = &look->crash->states[file->state];
    snprintf(path, sizeof path, "%s/%s", look->folder, file->name);
    if (access(path, F_OK) != 0)
        return;
    if (open_again(look, path, 0, false, &error) == CRM_OK) {
        if (!answers_get(&answers, look->db, crm_lsn(look->db)) || strcmp(answers.text, is->answers) != 0)
            crash_fault(look->crash, look->state, "%s passes for whole and is not: %s", file->name,
                        answers_difference(is->answers, answers.text));
        else if (is_sound(look))
            seen->files |= file->flag;
        answers_free(&answers);
    }
    close_again(look);
}

static bool holds(const struct wreck_node *node, const char *secret)
{
    return node->length > 0 && memmem(node->bytes, node->length, secret, strlen(secret)) != NULL;
}

static struct crash_seen look_at(struct crash *crash, const struct cut_state *state, int control)
{
    struct look look = {.crash = crash, .state = state};
    struct crash_seen seen = {.what = CRASH_FAULT};
    uint32_t read_only = UINT32_MAX;
    stress_path(crash->stress, crash->level == 1 ? "cut" : "cut-again", look.folder, sizeof look.folder);
    snprintf(look.path, sizeof look.path, "%s/" CRASH_FILE, look.folder);
    for (int name = 0; crash->secret != NULL && name < state->disk->name_count; name++)
        seen.secret |= state->wreck->names[name] != DISK_NONE &&
                       holds(&state->wreck->nodes[state->wreck->names[name]], crash->secret);
    wreck_lay(state->wreck, look.folder, control, &crash->chance);
    uint64_t turn = ++*crash->tried;
    for (uint32_t i = 0; i < crash->file_count; i++)
        look_file(&look, &crash->files[i], &seen);
    bool good = turn % READ_ONLY_EACH != 0 || look_only(&look, &read_only);
    good = good && look_first(&look, &seen);
    if (good && read_only != UINT32_MAX && (seen.what != CRASH_FOUND_STATE || seen.state != read_only))
        crash_fault(crash, state, "an opening for reading showed another state than one for writing");
    close_again(&look);
    good = good && look_second(&look, &seen);
    if (good && turn % COMMIT_EACH == 0)
        (void)look_onward(&look);
    return seen;
}

/* ---- judgement */

static void judge(struct crash *crash, const struct cut_state *state, const struct crash_seen *seen)
{
    const struct disk_promise *promise = state->promise;
    bool nothing_said = !crash->begun && promise->lsn == 0;
    if (seen->what == CRASH_REFUSED && !(nothing_said && state->spoilt) && !crash->begun)
        crash_fault(crash, state, "what a creation left cannot be opened");
    if (seen->what == CRASH_FOUND_NEW && !nothing_said)
        crash_fault(crash, state, "a new file where transaction %llu was promised", (unsigned long long)promise->lsn);
    if (seen->what == CRASH_FOUND_STATE && crash->states[seen->state].lsn < promise->lsn)
        crash_fault(crash, state, "transaction %llu was promised, %llu is the last", (unsigned long long)promise->lsn,
                    (unsigned long long)crash->states[seen->state].lsn);
    if (seen->what == CRASH_FOUND_STATE && seen->state < promise->state)
        crash_fault(crash, state, "went back to state %u from %u", seen->state, promise->state);
    for (uint32_t i = 0; i < crash->file_count; i++)
        if ((promise->flags & crash->files[i].flag) && !(seen->files & crash->files[i].flag))
            crash_fault(crash, state, "%s, which was finished, is not there", crash->files[i].name);
    if (seen->secret && (promise->flags & CRASH_ERASED))
        crash_fault(crash, state, "what was erased and compacted away is in a file");
}

/* ---- the recovery, cut as well */

static void deepen(struct crash *crash, const struct cut_state *state, const struct crash_seen *seen)
{
    static const struct cut_limits limits = {.all_subsets = 3, .subsets = 2, .sectors = 2, .recent = 1};
    struct crash *again = calloc(1, sizeof *again);
    crm_db *reader = NULL;
    char folder[96];
    if (again == NULL)
        exit(2);
    stress_path(crash->stress, "again", folder, sizeof folder);
    wreck_lay(state->wreck, folder, state->control, &crash->chance);
    crash_resume(again, crash->stress, crash->name, "again", crash->tried);
    again->level = 2;
    again->faults = crash->faults;
    again->chance = crash->chance;
    if (seen->what == CRASH_FOUND_STATE)
        crash_found(again, &crash->states[seen->state]);
    crm_options *options = crash_options(again);
    options->read_only = 1;
    if (again->begun && stress_below(&again->chance, 2)) /* somebody looks on: nothing may be cut off */
        (void)crm_open(again->path, options, &reader, NULL);
    crm_options_free(options);
    bool good = crash_open(again);
    size_t opened = again->disk.count;
    crm_txn *txn = good ? crash_begin(again, "mia", NULL) : NULL;
    if (txn != NULL) {
        crm_set_text(crm_create(txn, CRM_KIND_PRODUCT), CRM_PRODUCT_NAME, "Neustart", CRM_NUL);
        (void)crash_commit(again, txn);
    }
    again->clean_from = opened;
    (void)crm_close(reader);
    (void)crash_close(again);
    crash_cut(again, 0, &limits);
    crash_end(again);
    free(again);
}

/* ---- visits */

static struct crash_seen *place(struct crash *crash, uint64_t hash)
{
    if ((crash->seen_count + 1) * 2 > crash->seen_capacity) {
        struct crash_seen *old = crash->seen;
        size_t count = crash->seen_capacity;
        crash->seen_capacity = count == 0 ? 1024 : count * 2;
        crash->seen = calloc(crash->seen_capacity, sizeof *crash->seen);
        if (crash->seen == NULL)
            exit(2);
        for (size_t i = 0; i < count; i++)
            if (old[i].hash != 0)
                *place(crash, old[i].hash) = old[i];
        free(old);
    }
    size_t at = hash % crash->seen_capacity;
    while (crash->seen[at].hash != 0 && crash->seen[at].hash != hash)
        at = (at + 1) % crash->seen_capacity;
    return &crash->seen[at];
}

static const struct crash_seen *judge_with(struct crash *crash, const struct cut_state *state, uint64_t hash,
                                           int control)
{
    struct crash_seen *seen = place(crash, hash == 0 ? 1 : hash);
    if (seen->hash == 0) {
        *seen = look_at(crash, state, control);
        seen->hash = hash == 0 ? 1 : hash;
        crash->seen_count++;
        bool sound = seen->what == CRASH_FOUND_STATE || seen->what == CRASH_FOUND_NEW;
        crash->since += seen->torn ? TORN_COUNTS : 1; /* where there is something to recover, more often */
        if (sound && crash->deepen != 0 && crash->since >= crash->deepen) {
            crash->since = 0;
            deepen(crash, state, seen);
        }
    }
    judge(crash, state, seen);
    return seen;
}

const struct crash_seen *crash_judge(struct crash *crash, const struct cut_state *state)
{
    return judge_with(crash, state, wreck_hash(state->wreck), state->control);
}

static void visit(void *context, const struct cut_state *state)
{
    struct crash *crash = context;
    if (*crash->faults >= FAULTS_MOST)
        return;
    uint64_t hash = wreck_hash(state->wreck);
    if (!state->each_control)
        (void)judge_with(crash, state, hash, state->control);
    for (int control = 0; state->each_control && control < WRECK_CONTROLS; control++)
        (void)judge_with(crash, state, hash + (uint64_t)control * 2, control);
}

void crash_cut(struct crash *crash, size_t from, const struct cut_limits *limits)
{
    cut_all(&crash->disk, from, limits, &crash->chance, visit, crash);
}
