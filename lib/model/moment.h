/* moment: dates (int32 days since 1970-01-01) and instants (int64 microseconds
 * since 1970-01-01T00:00:00Z) without clock, zone or locale.
 *
 * The calendar is the proleptic Gregorian one.  Nothing here knows the present:
 * what depends on it takes `now_us`.  docs/TIME_AND_MONEY.md has the details.
 */
#ifndef MODEL_MOMENT_H
#define MODEL_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOMENT_SECOND_US INT64_C(1000000)
#define MOMENT_MINUTE_US (60 * MOMENT_SECOND_US)
#define MOMENT_HOUR_US (60 * MOMENT_MINUTE_US)
#define MOMENT_DAY_US (24 * MOMENT_HOUR_US)

enum { MOMENT_TEXT_SIZE = 40 }; /* room for any date, instant, period or duration as text */

struct civil {
    int32_t year; /* astronomical: 0 is 1 BC */
    int32_t month, day;
    int32_t hour, minute, second, microsecond;
};

/* ---- the calendar ---- */
bool date_valid(int32_t year, int32_t month, int32_t day);         /* exists, and fits int32 days */
int32_t date_from_civil(int32_t year, int32_t month, int32_t day); /* of a valid date */
void date_to_civil(int32_t days, struct civil *out);               /* time of day becomes 0 */
int32_t date_month_days(int32_t year, int32_t month);              /* 28 to 31; 0 when there is no such month */
int32_t date_weekday(int32_t days);                                /* 1 Monday to 7 Sunday */
int32_t date_quarter(int32_t days);                                /* 1 to 4 */
void date_iso_week(int32_t days, int32_t *year, int32_t *week);    /* ISO 8601: week 1 has the first Thursday */
/* The same day of another month, or that month's last day.  False when the
 * result does not fit. */
bool date_add_months(int32_t days, int64_t months, int32_t *out);
bool date_add_days(int32_t days, int64_t count, int32_t *out);

bool instant_from_civil(const struct civil *civil, int64_t *us); /* false when no such moment */
void instant_to_civil(int64_t us, struct civil *out);
int32_t instant_date(int64_t us);   /* the UTC day it falls on */
int64_t date_instant(int32_t days); /* 00:00 UTC of that day; the ends of int64 when beyond */
bool instant_add_months(int64_t us, int64_t months, int64_t *out);
bool instant_add(int64_t us, int64_t duration_us, int64_t *out);

/* ---- periods ---- */
enum { PERIOD_DAY = 0, PERIOD_WEEK = 1, PERIOD_MONTH = 2, PERIOD_QUARTER = 3, PERIOD_YEAR = 4 };
/* "day", "week", "month", "quarter", "year": its number, or -1. */
int period_find(const char *name, size_t length);
int32_t period_start(int32_t days, int period); /* its first day, weeks from Monday */
/* "2017-03-01", "2017-W09", "2017-03", "2017-Q1", "2017": they sort as text. */
size_t period_name(int32_t days, int period, char out[MOMENT_TEXT_SIZE]);

/* ---- text to time ----
 * Dates: 2017-03-01, 20170301.  Instants: a date, or a date, "T" or blank, and
 * 10:00, 10:00:00, 10:00:00.123456 (100000, 1000 after a compact date), then
 * nothing or Z (both UTC) or an offset +02:00, +0200, +02.  A bare date is
 * 00:00 UTC.  Years of other than four digits need a sign: +12017-03-01.
 * Blanks around are fine; the leap second :60 and hour 24 are refused. */
bool date_parse(const char *text, size_t length, int32_t *days); /* a time of 00:00 may follow the date */
bool instant_parse(const char *text, size_t length, int64_t *us);

/* With a format, for imports: %Y %y (69 to 99 are 19xx) %m %d %e %H %I %p %M %S
 * (a fraction may follow) %b %B (English month names) %a %A (skipped) %j %z %Z
 * (only "Z", "UTC", "GMT") %T %R %F %D %%; a blank stands for any number of
 * blanks; numbers may lack leading zeros.  The whole text must match and day,
 * month and year (or %j and year) must be there. */
bool date_parse_format(const char *text, size_t length, const char *format, int32_t *days);
bool instant_parse_format(const char *text, size_t length, const char *format, int64_t *us);
bool moment_format_valid(const char *format); /* could ever match */

/* What instant_parse reads, and: now, today, yesterday, tomorrow (at 00:00
 * UTC), and distances from now: -6m -30d -2w -1y -1q -12h, or with +.  Months,
 * quarters and years keep the day or clamp to the month's end. */
bool instant_parse_relative(const char *text, size_t length, int64_t now_us, int64_t *us);
bool date_parse_relative(const char *text, size_t length, int64_t now_us, int32_t *days);

/* ---- time to text: NUL-terminated; returns the length ---- */
size_t date_format(int32_t days, char out[MOMENT_TEXT_SIZE]);  /* 2017-03-01 */
size_t instant_format(int64_t us, char out[MOMENT_TEXT_SIZE]); /* 2017-03-01T10:00:00Z, fraction when there is one */
size_t instant_format_minute(int64_t us, char out[MOMENT_TEXT_SIZE]); /* 2017-03-01 10:00, for people */
/* For people, rounded down: 45 s, 12 min, 5 h, 3 d, 5 months, 2 years. */
size_t duration_format(int64_t duration_us, char out[MOMENT_TEXT_SIZE]);

#endif
