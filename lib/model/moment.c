/* moment: the proleptic Gregorian calendar over int32 days and int64 us.
 *
 * The conversions count days in eras of 400 years that begin on the first of
 * March: then the leap day is the last of its year, the lengths of months
 * follow one formula, and no table or loop is needed.  All arithmetic that a
 * caller can push out of range is checked; text is in moment_parse.c and
 * moment_format.c.
 */
#include "model/moment.h"

#include <string.h>

/* From 0000-03-01, where the eras begin, to 1970-01-01. */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, EPOCH_SHIFT = 719468 };

/* Division that rounds down also below zero. */
static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t date_month_days(int32_t year, int32_t month)
{
    if (month < 1 || month > 12)
        return 0;
    if (month == 2)
        return is_leap(year) ? 29 : 28;
    return 30 + ((month + month / 8) & 1); /* odd months up to July, even ones from August on have 31 */
}

static int64_t wide_days(int64_t year, int32_t month, int32_t day)
{
    year -= month <= 2;
    int64_t era = floor_divide(year, ERA_YEARS);
    int64_t year_of_era = year - era * ERA_YEARS;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1; /* from March on */
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * ERA_DAYS + day_of_era - EPOCH_SHIFT;
}

bool date_valid(int32_t year, int32_t month, int32_t day)
{
    if (day < 1 || day > date_month_days(year, month))
        return false;
    int64_t days = wide_days(year, month, day);
    return days >= INT32_MIN && days <= INT32_MAX;
}

int32_t date_from_civil(int32_t year, int32_t month, int32_t day)
{
    return (int32_t)wide_days(year, month, day);
}

void date_to_civil(int32_t days, struct civil *out)
{
    int64_t shifted = (int64_t)days + EPOCH_SHIFT;
    int64_t era = floor_divide(shifted, ERA_DAYS);
    int64_t day_of_era = shifted - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;

    memset(out, 0, sizeof *out);
    out->day = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    out->month = (int32_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    out->year = (int32_t)(year_of_era + era * ERA_YEARS + (out->month <= 2));
}

int32_t date_weekday(int32_t days)
{
    int64_t monday = (int64_t)days + 3; /* 1970-01-01 was a Thursday */

    return (int32_t)(monday - floor_divide(monday, 7) * 7) + 1;
}

int32_t date_quarter(int32_t days)
{
    struct civil civil;

    date_to_civil(days, &civil);
    return (civil.month - 1) / 3 + 1;
}

void date_iso_week(int32_t days, int32_t *year, int32_t *week)
{
    struct civil civil;
    /* Its year is the week's year.  INT32_MIN is a Tuesday and INT32_MAX a Friday: there is one in each week. */
    int64_t thursday = (int64_t)days - date_weekday(days) + 4;

    date_to_civil((int32_t)thursday, &civil);
    *year = civil.year;
    *week = (int32_t)((thursday - wide_days(civil.year, 1, 1)) / 7) + 1;
}

/* Moves a civil date by months; the day is kept or becomes the last. */
static bool add_months(struct civil *civil, int64_t months)
{
    int64_t count = (int64_t)civil->year * 12 + civil->month - 1;

    if (__builtin_add_overflow(count, months, &count))
        return false;
    int64_t year = floor_divide(count, 12);
    if (year < INT32_MIN || year > INT32_MAX)
        return false;
    civil->year = (int32_t)year;
    civil->month = (int32_t)(count - year * 12) + 1;
    int32_t last = date_month_days(civil->year, civil->month);
    if (civil->day > last)
        civil->day = last;
    return true;
}

bool date_add_months(int32_t days, int64_t months, int32_t *out)
{
    struct civil civil;

    date_to_civil(days, &civil);
    if (!add_months(&civil, months) || !date_valid(civil.year, civil.month, civil.day))
        return false;
    *out = date_from_civil(civil.year, civil.month, civil.day);
    return true;
}

bool date_add_days(int32_t days, int64_t count, int32_t *out)
{
    int64_t sum;

    if (__builtin_add_overflow((int64_t)days, count, &sum) || sum < INT32_MIN || sum > INT32_MAX)
        return false;
    *out = (int32_t)sum;
    return true;
}

bool instant_from_civil(const struct civil *civil, int64_t *us)
{
    if (!date_valid(civil->year, civil->month, civil->day) || civil->hour < 0 || civil->hour > 23 ||
        civil->minute < 0 || civil->minute > 59 || civil->second < 0 || civil->second > 59 || civil->microsecond < 0 ||
        civil->microsecond > 999999)
        return false;
    int64_t of_day = civil->hour * MOMENT_HOUR_US + civil->minute * MOMENT_MINUTE_US +
                     civil->second * MOMENT_SECOND_US + civil->microsecond;
    int64_t days = wide_days(civil->year, civil->month, civil->day);
    /* The first day of int64 is only half there: count it from its end. */
    if (days < 0) {
        days++;
        of_day -= MOMENT_DAY_US;
    }
    return !__builtin_mul_overflow(days, MOMENT_DAY_US, us) && !__builtin_add_overflow(*us, of_day, us);
}

int32_t instant_date(int64_t us)
{
    return (int32_t)floor_divide(us, MOMENT_DAY_US);
}

int64_t date_instant(int32_t days)
{
    int64_t us;

    if (__builtin_mul_overflow((int64_t)days, MOMENT_DAY_US, &us))
        return days < 0 ? INT64_MIN : INT64_MAX;
    return us;
}

void instant_to_civil(int64_t us, struct civil *out)
{
    int64_t of_day = us % MOMENT_DAY_US;

    if (of_day < 0)
        of_day += MOMENT_DAY_US;
    date_to_civil(instant_date(us), out);
    out->hour = (int32_t)(of_day / MOMENT_HOUR_US);
    out->minute = (int32_t)(of_day / MOMENT_MINUTE_US % 60);
    out->second = (int32_t)(of_day / MOMENT_SECOND_US % 60);
    out->microsecond = (int32_t)(of_day % MOMENT_SECOND_US);
}

bool instant_add_months(int64_t us, int64_t months, int64_t *out)
{
    struct civil civil;

    instant_to_civil(us, &civil);
    return add_months(&civil, months) && instant_from_civil(&civil, out);
}

bool instant_add(int64_t us, int64_t duration_us, int64_t *out)
{
    return !__builtin_add_overflow(us, duration_us, out);
}

int period_find(const char *name, size_t length)
{
    static const char *const names[] = {"day", "week", "month", "quarter", "year"};

    for (int i = 0; i < 5; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return i;
    return -1;
}

int32_t period_start(int32_t days, int period)
{
    struct civil civil;
    int64_t start = days;

    date_to_civil(days, &civil);
    if (period == PERIOD_WEEK)
        start = (int64_t)days - date_weekday(days) + 1;
    else if (period == PERIOD_MONTH)
        start = wide_days(civil.year, civil.month, 1);
    else if (period == PERIOD_QUARTER)
        start = wide_days(civil.year, (civil.month - 1) / 3 * 3 + 1, 1);
    else if (period == PERIOD_YEAR)
        start = wide_days(civil.year, 1, 1);
    return start < INT32_MIN ? INT32_MIN : (int32_t)start; /* only within the first year of int32 */
}
