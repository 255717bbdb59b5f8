/* moment_format: dates, instants, periods and durations as text.  Years outside
 * 0000 to 9999 get a sign, as ISO 8601 has it, and read back. */
#include "model/moment.h"

#include <stdio.h>

static size_t clip(int written)
{
    return written < 0 ? 0 : written < MOMENT_TEXT_SIZE ? (size_t)written : MOMENT_TEXT_SIZE - 1;
}

static size_t put_year(int32_t year, char out[MOMENT_TEXT_SIZE])
{
    return clip(snprintf(out, MOMENT_TEXT_SIZE, year >= 0 && year <= 9999 ? "%04d" : "%+05d", year));
}

static size_t put_date(const struct civil *civil, char out[MOMENT_TEXT_SIZE])
{
    size_t n = put_year(civil->year, out);

    return n + clip(snprintf(out + n, MOMENT_TEXT_SIZE - n, "-%02d-%02d", civil->month, civil->day));
}

size_t date_format(int32_t days, char out[MOMENT_TEXT_SIZE])
{
    struct civil civil;

    date_to_civil(days, &civil);
    return put_date(&civil, out);
}

size_t instant_format(int64_t us, char out[MOMENT_TEXT_SIZE])
{
    struct civil civil;

    instant_to_civil(us, &civil);
    size_t n = put_date(&civil, out);
    n += clip(snprintf(out + n, MOMENT_TEXT_SIZE - n, "T%02d:%02d:%02d", civil.hour, civil.minute, civil.second));
    if (civil.microsecond > 0) {
        n += clip(snprintf(out + n, MOMENT_TEXT_SIZE - n, ".%06d", civil.microsecond));
        while (out[n - 1] == '0')
            n--;
    }
    return n + clip(snprintf(out + n, MOMENT_TEXT_SIZE - n, "Z"));
}

size_t instant_format_minute(int64_t us, char out[MOMENT_TEXT_SIZE])
{
    struct civil civil;

    instant_to_civil(us, &civil);
    size_t n = put_date(&civil, out);
    return n + clip(snprintf(out + n, MOMENT_TEXT_SIZE - n, " %02d:%02d", civil.hour, civil.minute));
}

size_t period_name(int32_t days, int period, char out[MOMENT_TEXT_SIZE])
{
    struct civil civil;
    int32_t year, week;

    date_to_civil(days, &civil);
    if (period == PERIOD_DAY)
        return put_date(&civil, out);
    if (period == PERIOD_WEEK) {
        date_iso_week(days, &year, &week);
        size_t n = put_year(year, out);
        return n + clip(snprintf(out + n, MOMENT_TEXT_SIZE - n, "-W%02d", week));
    }
    size_t n = put_year(civil.year, out);
    if (period == PERIOD_MONTH)
        n += clip(snprintf(out + n, MOMENT_TEXT_SIZE - n, "-%02d", civil.month));
    else if (period == PERIOD_QUARTER)
        n += clip(snprintf(out + n, MOMENT_TEXT_SIZE - n, "-Q%d", (civil.month - 1) / 3 + 1));
    return n;
}

/* Each unit is used up to the size at which the next says as much. */
size_t duration_format(int64_t duration_us, char out[MOMENT_TEXT_SIZE])
{
    /* A mean Gregorian year has 365.2425 days: 31,556,952 s; a month a twelfth. */
    static const struct {
        uint64_t below_s, unit_s;
        const char *one, *many;
    } units[] = {
        {60, 1, "s", "s"},
        {60 * 60, 60, "min", "min"},
        {48 * 3600, 3600, "h", "h"},
        {60 * 86400, 86400, "d", "d"},
        {24 * 2629746, 2629746, "month", "months"},
        {UINT64_MAX, 31556952, "year", "years"},
    };
    uint64_t magnitude = duration_us < 0 ? 0 - (uint64_t)duration_us : (uint64_t)duration_us;
    uint64_t seconds = magnitude / MOMENT_SECOND_US;
    size_t i = 0;

    while (seconds >= units[i].below_s)
        i++;
    unsigned long long count = seconds / units[i].unit_s;
    return clip(snprintf(out, MOMENT_TEXT_SIZE, "%s%llu %s", duration_us < 0 && count > 0 ? "-" : "", count,
                         count == 1 ? units[i].one : units[i].many));
}
