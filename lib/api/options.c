/* options: how a file is to be opened, set by key, so that a later version adds
 * a key and breaks nobody.
 *
 * A value is checked when it is set, where the caller still knows what it
 * meant; crm_open takes a copy, so the options can be freed at once.
 */
#include "api/options.h"

#include "model/currency.h"
#include "sys/file.h"

#include <string.h>

enum { BUSY_MS_DEFAULT = 5000 };
#define BUSY_MS_MAX INT64_C(31622400000) /* a year: more is a mistake, and sums with a clock must not overflow */

void options_default(crm_options *options)
{
    memset(options, 0, sizeof *options);
    options->memory = *memory_default();
    options->create = 1;
    options->durability = CRM_DURABLE_FULL;
    options->busy_ms = BUSY_MS_DEFAULT;
    options->image = 1;
    options->now = INT64_MIN;
    memcpy(options->currency, "EUR", sizeof "EUR");
    options->files = file_ops_default();
}

crm_options *crm_options_create(void)
{
    crm_options *options = memory_alloc(memory_default(), sizeof *options);
    if (options != NULL)
        options_default(options);
    return options;
}

/* Options come from the C library's allocator whatever allocator they name:
 * when they are made, that one is not known yet. */
void crm_options_free(crm_options *options)
{
    memory_free(memory_default(), options);
}

static int32_t set_within(int64_t *place, int64_t value, int64_t low, int64_t high)
{
    if (value < low || value > high)
        return CRM_INVALID;
    *place = value;
    return CRM_OK;
}

int32_t crm_options_set_int(crm_options *options, int32_t key, int64_t value)
{
    if (options == NULL)
        return CRM_MISUSE;
    switch (key) {
    case CRM_OPTION_CREATE: return set_within(&options->create, value, 0, 2);
    case CRM_OPTION_READ_ONLY: return set_within(&options->read_only, value, 0, 1);
    case CRM_OPTION_DURABILITY: return set_within(&options->durability, value, CRM_DURABLE_FULL, CRM_DURABLE_DEFERRED);
    case CRM_OPTION_BUSY_MS: return set_within(&options->busy_ms, value, -1, BUSY_MS_MAX);
    case CRM_OPTION_IMAGE: return set_within(&options->image, value, 0, 1);
    case CRM_OPTION_NOW: return set_within(&options->now, value, INT64_MIN, INT64_MAX);
    default: return CRM_INVALID;
    }
}

int32_t crm_options_set_text(crm_options *options, int32_t key, const char *text, size_t length)
{
    if (options == NULL || text == NULL)
        return CRM_MISUSE;
    if (length == CRM_NUL)
        length = strlen(text);
    const struct currency *currency = key == CRM_OPTION_CURRENCY ? currency_find(text, length) : NULL;
    if (currency == NULL)
        return CRM_INVALID;
    memcpy(options->currency, currency->code, sizeof options->currency);
    return CRM_OK;
}

void crm_options_set_allocator(crm_options *options, crm_resize_function resize, void *context)
{
    if (options == NULL)
        return;
    options->memory = *memory_default();
    if (resize != NULL)
        options->memory = (struct memory){resize, context};
}

void crm_options_set_log(crm_options *options, crm_log_function log, void *context)
{
    if (options == NULL)
        return;
    options->log = log;
    options->log_context = context;
}

void crm_options_set_clock(crm_options *options, crm_clock_function clock, void *context)
{
    if (options == NULL)
        return;
    options->clock = clock;
    options->clock_context = context;
}
