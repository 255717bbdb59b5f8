/* fuzz_api: bytes as a program that uses the public interface.
 *
 * The bytes choose what is done (stress/oracle.h): transactions of changes good
 * and bad, on two handles, views held open, views of the past, closing and
 * opening, rebuilding, compacting.  A plain model is changed with the file;
 * after each transaction a part of the answers is held against it, at the end
 * all of them, and the file is verified.
 */
#include "fuzz.h"

#include "../stress/oracle.h"

enum { STEPS_MAX = 60, CHANGES = 12, INTERACTIONS = 60, PAST = 4 };

struct api {
    struct choices choices; /* of the bytes */
    struct choices asked;   /* which answers are asked for: by chance, so that no byte is spent on it */
    const char *path;
    bool image;
    int64_t now;
    crm_db *db, *second; /* second: NULL while nobody else has the file open */
    struct oracle *oracle, *held;
    crm_view *view; /* NULL, or one of when `held` was */
    struct oracle *past[PAST];
    uint32_t past_count;
};

static void must(const char *wrong)
{
    if (wrong != NULL)
        fuzz_fail(__FILE__, __LINE__, wrong);
}

static crm_db *open_handle(const struct api *api)
{
    crm_error error;
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    MUST(options != NULL);
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    crm_options_set_int(options, CRM_OPTION_NOW, api->now);
    crm_options_set_int(options, CRM_OPTION_IMAGE, api->image);
    MUST_OK(crm_open(api->path, options, &db, &error), &error);
    crm_options_free(options);
    return db;
}

/* ---- steps ---- */

static void check_some(struct api *api)
{
    crm_error error;
    crm_view *view = NULL;
    MUST_OK(crm_view_open(api->second != NULL ? api->second : api->db, &view, &error), &error);
    must(oracle_check_some(api->oracle, view, &api->asked));
    crm_view_close(view);
}

static void transaction(struct api *api)
{
    uint64_t lsn = 0;
    int32_t status = CRM_OK;
    crm_db *db = api->second != NULL && choose(&api->choices, 3) == 2 ? api->second : api->db;
    must(oracle_transaction(api->oracle, db, &api->choices, &lsn, &status));
    MUST(status == CRM_OK);
    check_some(api);
    if (lsn == 0 || lsn % 3 != 0)
        return;
    struct oracle **place = &api->past[api->past_count++ % PAST];
    oracle_free(*place);
    *place = oracle_copy(api->oracle);
}

static void hold_view(struct api *api)
{
    crm_error error;
    if (api->view == NULL) {
        MUST_OK(crm_view_open(api->db, &api->view, &error), &error);
        oracle_free(api->held);
        api->held = oracle_copy(api->oracle);
        return;
    }
    must(choose(&api->choices, 2) == 0 ? oracle_check_some(api->held, api->view, &api->asked)
                                       : oracle_check(api->held, api->view));
    if (choose(&api->choices, 2) != 0) {
        crm_view_close(api->view);
        api->view = NULL;
    }
}

static void check_past(struct api *api)
{
    crm_error error;
    crm_view *view = NULL;
    if (api->past_count == 0)
        return;
    struct oracle *past = api->past[choose(&api->choices, api->past_count < PAST ? api->past_count : PAST)];
    oracle_forget(past, api->oracle);
    MUST_OK(crm_view_open_lsn(api->db, oracle_lsn(past), &view, &error), &error);
    must(choose(&api->choices, 2) == 0 ? oracle_check_some(past, view, &api->asked) : oracle_check(past, view));
    crm_view_close(view);
}

static void close_view(struct api *api)
{
    crm_view_close(api->view);
    api->view = NULL;
}

static void reopen(struct api *api)
{
    close_view(api);
    MUST(crm_close(api->db) == CRM_OK);
    api->db = open_handle(api);
}

static void second_handle(struct api *api)
{
    if (api->second == NULL) {
        api->second = open_handle(api);
        return;
    }
    MUST(crm_close(api->second) == CRM_OK);
    api->second = NULL;
}

static void step(struct api *api)
{
    crm_error error;
    switch (choose(&api->choices, 20)) {
    case 11: hold_view(api); break;
    case 12: reopen(api); break;
    case 13: MUST_OK(crm_rebuild(api->db, &error), &error); break;
    case 14: MUST_OK(crm_compact(api->db, &error), &error); break;
    case 15: check_past(api); break;
    case 16: second_handle(api); break;
    case 17: MUST_OK(crm_verify(api->db, NULL, &error), &error); break;
    case 18:
        api->now += (int64_t)choose(&api->choices, 256) * ORACLE_DAY / 16;
        crm_set_now(api->db, api->now);
        if (api->second != NULL)
            crm_set_now(api->second, api->now);
        break;
    case 19: must(oracle_check_db(api->oracle, api->db)); break;
    default: transaction(api);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    crm_error error;
    static const uint8_t nothing[1];
    struct api api = {.path = fuzz_path("api.crm"), .now = ORACLE_NOW};
    api.choices = (struct choices){.bytes = length == 0 ? nothing : bytes, .length = length};
    api.asked = (struct choices){.state = length};
    api.image = choose(&api.choices, 4) == 3;
    fuzz_unlink(api.path);
    api.oracle = oracle_create();
    MUST(api.oracle != NULL);
    oracle_limit(api.oracle, CHANGES, INTERACTIONS);
    api.db = open_handle(&api);
    for (int i = 0; i < STEPS_MAX && !choices_over(&api.choices); i++)
        step(&api);
    close_view(&api);
    if (api.second != NULL)
        second_handle(&api);
    if (length % 4 == 0) /* each costs as much as the rest of a short run */
        reopen(&api);
    if (length % 4 == 1)
        MUST_OK(crm_verify(api.db, NULL, &error), &error);
    must(oracle_check_db(api.oracle, api.db));
    MUST(crm_close(api.db) == CRM_OK);
    for (int i = 0; i < PAST; i++)
        oracle_free(api.past[i]);
    oracle_free(api.held);
    oracle_free(api.oracle);
    return 0;
}
