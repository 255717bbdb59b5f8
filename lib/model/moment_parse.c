/* moment_parse: text to dates and instants.
 *
 * ISO 8601 is read without being told; anything else needs a format, since
 * "3/1/2017" is two different days in two countries and guessing would be
 * silently wrong.  No locale: month names are English.
 */
#include "model/moment.h"

#include "model/text.h"

#include <string.h>

struct cursor {
    const char *at, *end;
};

static struct cursor cursor_of(const char *text, size_t length)
{
    text_trim(&text, &length);
    return (struct cursor){text, text + length};
}

static bool at_digit(const struct cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

static bool take(struct cursor *cursor, char c)
{
    bool there = cursor->at < cursor->end && *cursor->at == c;

    cursor->at += there;
    return there;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Takes a word in any case. */
static bool take_word(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(cursor->end - cursor->at) < length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (lower(cursor->at[i]) != word[i])
            return false;
    cursor->at += length;
    return true;
}

/* Between `least` and `most` (9 at most) digits. */
static bool take_number(struct cursor *cursor, int least, int most, int32_t *out)
{
    int32_t value = 0;
    int count = 0;

    for (; count < most && at_digit(cursor); count++)
        value = value * 10 + (*cursor->at++ - '0');
    *out = value;
    return count >= least;
}

/* Four digits, or a sign and four to seven. */
static bool take_year(struct cursor *cursor, int32_t *year)
{
    bool negative = take(cursor, '-');
    bool sign = negative || take(cursor, '+');

    if (!take_number(cursor, 4, sign ? 7 : 4, year))
        return false;
    *year = negative ? -*year : *year;
    return true;
}

/* The digits of a fraction: six count, the rest is cut off. */
static bool take_fraction(struct cursor *cursor, int32_t *microsecond)
{
    int count = 0;

    *microsecond = 0;
    for (; at_digit(cursor); cursor->at++, count++)
        if (count < 6)
            *microsecond = *microsecond * 10 + (*cursor->at - '0');
    for (int i = count; i < 6; i++)
        *microsecond *= 10;
    return count > 0;
}

/* Z, UTC, GMT or +02:00, +0200, +02. */
static bool take_offset(struct cursor *cursor, int32_t *offset_minutes)
{
    int32_t hours, minutes = 0;

    *offset_minutes = 0;
    if (take_word(cursor, "utc") || take_word(cursor, "gmt") || take_word(cursor, "z"))
        return true;
    bool negative = take(cursor, '-');
    if (!negative && !take(cursor, '+'))
        return false;
    if (!take_number(cursor, 2, 2, &hours))
        return false;
    if (take(cursor, ':') || at_digit(cursor))
        if (!take_number(cursor, 2, 2, &minutes))
            return false;
    if (hours > 23 || minutes > 59)
        return false;
    *offset_minutes = negative ? -(hours * 60 + minutes) : hours * 60 + minutes;
    return true;
}

static bool take_time(struct cursor *cursor, struct civil *civil)
{
    if (!take_number(cursor, 2, 2, &civil->hour))
        return false;
    bool colons = take(cursor, ':');
    if (!take_number(cursor, 2, 2, &civil->minute))
        return false;
    if (colons ? !take(cursor, ':') : !at_digit(cursor))
        return true;
    if (!take_number(cursor, 2, 2, &civil->second))
        return false;
    return (!take(cursor, '.') && !take(cursor, ',')) || take_fraction(cursor, &civil->microsecond);
}

/* A date with or without a time, ISO 8601. */
static bool parse_iso(const char *text, size_t length, struct civil *civil, int32_t *offset_minutes)
{
    struct cursor cursor = cursor_of(text, length);

    memset(civil, 0, sizeof *civil);
    *offset_minutes = 0;
    if (!take_year(&cursor, &civil->year))
        return false;
    bool dashes = take(&cursor, '-');
    if (!take_number(&cursor, 2, 2, &civil->month) || (dashes && !take(&cursor, '-')) ||
        !take_number(&cursor, 2, 2, &civil->day))
        return false;
    if (cursor.at == cursor.end)
        return true;
    if (!take(&cursor, 'T') && !take(&cursor, 't') && !take(&cursor, ' '))
        return false;
    if (!take_time(&cursor, civil))
        return false;
    while (take(&cursor, ' '))
        ;
    return cursor.at == cursor.end || (take_offset(&cursor, offset_minutes) && cursor.at == cursor.end);
}

static bool to_instant(const struct civil *civil, int32_t offset_minutes, int64_t *us)
{
    int64_t local;

    return instant_from_civil(civil, &local) && !__builtin_sub_overflow(local, offset_minutes * MOMENT_MINUTE_US, us);
}

bool instant_parse(const char *text, size_t length, int64_t *us)
{
    struct civil civil;
    int32_t offset_minutes;

    return parse_iso(text, length, &civil, &offset_minutes) && to_instant(&civil, offset_minutes, us);
}

bool date_parse(const char *text, size_t length, int32_t *days)
{
    struct civil civil;
    int32_t offset_minutes;

    /* A time of day would be lost, and an offset could make it another day. */
    if (!parse_iso(text, length, &civil, &offset_minutes) || offset_minutes != 0 || civil.hour != 0 ||
        civil.minute != 0 || civil.second != 0 || civil.microsecond != 0 ||
        !date_valid(civil.year, civil.month, civil.day))
        return false;
    *days = date_from_civil(civil.year, civil.month, civil.day);
    return true;
}

/* ---- with a format ---- */

enum { HAS_YEAR = 1, HAS_MONTH = 2, HAS_DAY = 4, HAS_YEAR_DAY = 8, HAS_HOUR_12 = 16, HAS_HALF = 32 };

struct format_state {
    struct civil civil;
    int32_t offset_minutes;
    int32_t year_day;
    bool afternoon;
    unsigned has;
};

/* An English name, in full or its first three letters; returns 1 and up. */
static bool take_name(struct cursor *cursor, const char *const names[], int count, int32_t *number)
{
    for (int i = 0; i < count; i++) {
        char brief[4] = {names[i][0], names[i][1], names[i][2], 0};
        if (take_word(cursor, names[i]) || take_word(cursor, brief)) {
            *number = i + 1;
            return true;
        }
    }
    return false;
}

static const char *const month_names[] = {"january", "february", "march",     "april",   "may",      "june",
                                          "july",    "august",   "september", "october", "november", "december"};
static const char *const day_names[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

static bool take_short_year(struct cursor *cursor, int32_t *year)
{
    if (!take_number(cursor, 2, 2, year))
        return false;
    *year += *year >= 69 ? 1900 : 2000; /* as POSIX strptime */
    return true;
}

static bool take_half(struct cursor *cursor, bool *afternoon)
{
    *afternoon = take_word(cursor, "pm") || take_word(cursor, "p.m.");
    return *afternoon || take_word(cursor, "am") || take_word(cursor, "a.m.");
}

/* A second, with a fraction where the text has one. */
static bool take_second(struct cursor *cursor, struct civil *civil)
{
    struct cursor before;

    if (!take_number(cursor, 1, 2, &civil->second))
        return false;
    before = *cursor;
    if (!take(cursor, '.') || !take_fraction(cursor, &civil->microsecond))
        *cursor = before;
    return true;
}

static bool take_directive(struct cursor *cursor, char directive, struct format_state *state)
{
    struct civil *civil = &state->civil;
    int32_t ignored;

    switch (directive) {
    case 'Y': state->has |= HAS_YEAR; return take_year(cursor, &civil->year);
    case 'y': state->has |= HAS_YEAR; return take_short_year(cursor, &civil->year);
    case 'm': state->has |= HAS_MONTH; return take_number(cursor, 1, 2, &civil->month);
    case 'b':
    case 'B': state->has |= HAS_MONTH; return take_name(cursor, month_names, 12, &civil->month);
    case 'd': state->has |= HAS_DAY; return take_number(cursor, 1, 2, &civil->day);
    case 'e': /* the day with a blank in place of a leading zero */
        state->has |= HAS_DAY;
        (void)take(cursor, ' ');
        return take_number(cursor, 1, 2, &civil->day);
    case 'j': state->has |= HAS_YEAR_DAY; return take_number(cursor, 1, 3, &state->year_day);
    case 'H': return take_number(cursor, 1, 2, &civil->hour);
    case 'I':
        state->has |= HAS_HOUR_12;
        return take_number(cursor, 1, 2, &civil->hour) && civil->hour >= 1 && civil->hour <= 12;
    case 'p': state->has |= HAS_HALF; return take_half(cursor, &state->afternoon);
    case 'M': return take_number(cursor, 1, 2, &civil->minute);
    case 'S': return take_second(cursor, civil);
    case 'a':
    case 'A': return take_name(cursor, day_names, 7, &ignored);
    case 'z': return take_offset(cursor, &state->offset_minutes);
    case 'Z': return take_word(cursor, "utc") || take_word(cursor, "gmt") || take_word(cursor, "z");
    case '%': return take(cursor, '%');
    default: return false;
    }
}

/* What a directive is short for; NULL when it stands for itself. */
static const char *expansion(char directive)
{
    switch (directive) {
    case 'F': return "%Y-%m-%d";
    case 'D': return "%m/%d/%y";
    case 'T': return "%H:%M:%S";
    case 'R': return "%H:%M";
    default: return NULL;
    }
}

/* Matches text and format; an expansion has none inside, so this nests once. */
static bool match_format(struct cursor *cursor, const char *format, struct format_state *state)
{
    for (; *format; format++) {
        if (*format == ' ') {
            while (take(cursor, ' ') || take(cursor, '\t'))
                ;
        } else if (*format != '%') {
            if (!take(cursor, *format))
                return false;
        } else {
            const char *longer = expansion(*++format);
            if (longer ? !match_format(cursor, longer, state) : !take_directive(cursor, *format, state))
                return false; /* a % at the end is an unknown directive, too */
        }
    }
    return true;
}

static bool has_date(unsigned has)
{
    bool hour_fits = !(has & HAS_HOUR_12) == !(has & HAS_HALF);

    return (has & HAS_YEAR) && hour_fits &&
           ((has & HAS_YEAR_DAY) || (has & (HAS_MONTH | HAS_DAY)) == (HAS_MONTH | HAS_DAY));
}

static bool parse_format(const char *text, size_t length, const char *format, struct format_state *state)
{
    struct cursor cursor = cursor_of(text, length);
    struct civil *civil = &state->civil;

    memset(state, 0, sizeof *state);
    if (!match_format(&cursor, format, state) || cursor.at != cursor.end || !has_date(state->has))
        return false;
    if (state->has & HAS_HOUR_12)
        civil->hour = civil->hour % 12 + (state->afternoon ? 12 : 0);
    if (state->has & HAS_YEAR_DAY) {
        bool leap = date_month_days(civil->year, 2) == 29;
        if (state->year_day < 1 || state->year_day > 365 + leap || !date_valid(civil->year, 1, 1))
            return false;
        int32_t days;
        struct civil date;
        if (!date_add_days(date_from_civil(civil->year, 1, 1), state->year_day - 1, &days))
            return false;
        date_to_civil(days, &date);
        civil->month = date.month;
        civil->day = date.day;
    }
    return date_valid(civil->year, civil->month, civil->day);
}

bool date_parse_format(const char *text, size_t length, const char *format, int32_t *days)
{
    struct format_state state;
    int64_t us;

    /* The day as it is written; its time must at least be one. */
    if (!parse_format(text, length, format, &state) || !instant_from_civil(&state.civil, &us))
        return false;
    *days = date_from_civil(state.civil.year, state.civil.month, state.civil.day);
    return true;
}

bool instant_parse_format(const char *text, size_t length, const char *format, int64_t *us)
{
    struct format_state state;

    return parse_format(text, length, format, &state) && to_instant(&state.civil, state.offset_minutes, us);
}

bool moment_format_valid(const char *format)
{
    unsigned has = 0;

    for (; *format; format++) {
        if (*format != '%')
            continue;
        switch (*++format) {
        case 'Y':
        case 'y': has |= HAS_YEAR; break;
        case 'm':
        case 'b':
        case 'B': has |= HAS_MONTH; break;
        case 'd':
        case 'e': has |= HAS_DAY; break;
        case 'j': has |= HAS_YEAR_DAY; break;
        case 'I': has |= HAS_HOUR_12; break;
        case 'p': has |= HAS_HALF; break;
        case 'F':
        case 'D': has |= HAS_YEAR | HAS_MONTH | HAS_DAY; break;
        case 'H':
        case 'M':
        case 'S':
        case 'T':
        case 'R':
        case 'a':
        case 'A':
        case 'z':
        case 'Z':
        case '%': break;
        default: return false;
        }
    }
    return has_date(has);
}

/* ---- relative to now ---- */

/* Reads a sign, up to nine digits and a unit. */
static bool parse_distance(const char *text, size_t length, int64_t *count, char *unit)
{
    struct cursor cursor = {text, text + length};
    bool negative = take(&cursor, '-');
    int32_t number;

    if ((!negative && !take(&cursor, '+')) || !take_number(&cursor, 1, 9, &number) || cursor.end - cursor.at != 1)
        return false;
    *count = negative ? -(int64_t)number : number;
    *unit = *cursor.at;
    return strchr("hdwmqy", *unit) != NULL && *unit != 0;
}

static bool add_distance(int64_t now_us, int64_t count, char unit, int64_t *us)
{
    switch (unit) {
    case 'h': return instant_add(now_us, count * MOMENT_HOUR_US, us); /* 10^9 hours fit */
    case 'd':
    case 'w': {
        int64_t duration_us;
        return !__builtin_mul_overflow(count * (unit == 'w' ? 7 : 1), MOMENT_DAY_US, &duration_us) &&
               instant_add(now_us, duration_us, us);
    }
    case 'm': return instant_add_months(now_us, count, us);
    case 'q': return instant_add_months(now_us, count * 3, us);
    default: return instant_add_months(now_us, count * 12, us);
    }
}

/* A word or a distance; all of the trimmed text. */
static bool parse_relative(struct cursor cursor, int64_t now_us, int64_t *us)
{
    static const struct {
        const char *name;
        int days;
    } words[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};
    size_t length = (size_t)(cursor.end - cursor.at);
    int64_t count;
    char unit;

    if (length == 3 && take_word(&cursor, "now")) {
        *us = now_us;
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (length == strlen(words[i].name) && take_word(&cursor, words[i].name)) {
            *us = date_instant(instant_date(now_us) + words[i].days);
            return true;
        }
    return parse_distance(cursor.at, length, &count, &unit) && add_distance(now_us, count, unit, us);
}

bool instant_parse_relative(const char *text, size_t length, int64_t now_us, int64_t *us)
{
    return parse_relative(cursor_of(text, length), now_us, us) || instant_parse(text, length, us);
}

bool date_parse_relative(const char *text, size_t length, int64_t now_us, int32_t *days)
{
    int64_t us;

    if (!parse_relative(cursor_of(text, length), now_us, &us))
        return date_parse(text, length, days);
    *days = instant_date(us);
    return true;
}
