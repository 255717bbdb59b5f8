/* Dates and instants.  The second implementation is the C library's (gmtime_r,
 * timegm, strftime), which uses the same proleptic Gregorian calendar; other
 * expected values are arithmetic shown in comments. */
#include "model/moment.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 2017-03-01T10:00:00Z: 17226 days (47 years, 12 of them leap: 47 * 365 + 12 =
 * 17167, and 31 + 28 = 59 more) and 10 hours. */
#define MARCH_DAYS 17226
#define MARCH_US (MARCH_DAYS * MOMENT_DAY_US + 10 * MOMENT_HOUR_US)

static int32_t day(int32_t year, int32_t month, int32_t of_month)
{
    ck_assert(date_valid(year, month, of_month));
    return date_from_civil(year, month, of_month);
}

static bool instant(const char *text, int64_t *us)
{
    return instant_parse(text, strlen(text), us);
}

static bool date(const char *text, int32_t *days)
{
    return date_parse(text, strlen(text), days);
}

START_TEST(test_days_agree_with_the_c_library)
{
    /* Every 7th day over 2,800 years and every 1,000,003rd over all. */
    for (int64_t days = -600000; days <= 422740; days += 7) {
        time_t seconds = (time_t)(days * 86400);
        struct tm tm;
        struct civil civil;
        ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
        date_to_civil((int32_t)days, &civil);
        if (civil.year != tm.tm_year + 1900 || civil.month != tm.tm_mon + 1 || civil.day != tm.tm_mday ||
            date_from_civil(civil.year, civil.month, civil.day) != days ||
            date_weekday((int32_t)days) % 7 != tm.tm_wday)
            ck_abort_msg("day %lld", (long long)days);
    }
    for (int64_t days = INT32_MIN; days <= INT32_MAX; days += 1000003) {
        time_t seconds = (time_t)(days * 86400);
        struct tm tm;
        struct civil civil;
        ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
        date_to_civil((int32_t)days, &civil);
        ck_assert_int_eq(civil.year, tm.tm_year + 1900);
        ck_assert_int_eq(civil.month, tm.tm_mon + 1);
        ck_assert_int_eq(civil.day, tm.tm_mday);
        ck_assert(date_valid(civil.year, civil.month, civil.day));
        ck_assert_int_eq(date_from_civil(civil.year, civil.month, civil.day), days);
    }
    ck_assert_int_eq(day(1970, 1, 1), 0);
    ck_assert_int_eq(day(2017, 3, 1), MARCH_DAYS);
}
END_TEST

START_TEST(test_iso_weeks_agree_with_the_c_library)
{
    for (int32_t days = -40000; days < 60000; days++) {
        time_t seconds = (time_t)days * 86400;
        struct tm tm;
        char expected[64], name[MOMENT_TEXT_SIZE];
        ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
        ck_assert_uint_gt(strftime(expected, sizeof expected, "%G-W%V", &tm), 0);
        period_name(days, PERIOD_WEEK, name);
        if (strcmp(name, expected) != 0)
            ck_abort_msg("day %d: %s, not %s", (int)days, name, expected);
    }
    for (int64_t i = -30; i < 30; i++) { /* at both ends of the calendar, too */
        int32_t days = (int32_t)(i < 0 ? INT32_MAX + i + 1 : INT32_MIN + i), year, week;
        time_t seconds = (time_t)days * 86400;
        struct tm tm;
        char expected[64], text[64];
        ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
        ck_assert_uint_gt(strftime(expected, sizeof expected, "%G %V", &tm), 0);
        date_iso_week(days, &year, &week);
        snprintf(text, sizeof text, "%d %02d", (int)year, (int)week);
        ck_assert_str_eq(text, expected);
    }
}
END_TEST

START_TEST(test_the_calendar_has_leap_years_and_ends)
{
    ck_assert(date_valid(2000, 2, 29));
    ck_assert(!date_valid(1900, 2, 29));
    ck_assert(date_valid(2024, 2, 29));
    ck_assert(!date_valid(2023, 2, 29));
    ck_assert(!date_valid(2023, 4, 31));
    ck_assert(!date_valid(2023, 0, 1));
    ck_assert(!date_valid(2023, 13, 1));
    ck_assert(!date_valid(2023, 1, 0));
    /* INT32_MAX days are 5881580-07-11, INT32_MIN -5877641-06-23 */
    ck_assert_int_eq(day(5881580, 7, 11), INT32_MAX);
    ck_assert(!date_valid(5881580, 7, 12));
    ck_assert_int_eq(day(-5877641, 6, 23), INT32_MIN);
    ck_assert(!date_valid(-5877641, 6, 22));
    ck_assert(!date_valid(INT32_MAX, 1, 1));
    ck_assert(!date_valid(INT32_MIN, 1, 1));
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; month++)
        ck_assert_int_eq(date_month_days(2023, month), lengths[month - 1]);
    ck_assert_int_eq(date_month_days(2023, 13), 0);
}
END_TEST

START_TEST(test_months_are_added_and_clamped)
{
    int32_t out;

    ck_assert(date_add_months(day(2023, 1, 31), 1, &out) && out == day(2023, 2, 28));
    ck_assert(date_add_months(day(2024, 1, 31), 1, &out) && out == day(2024, 2, 29));
    ck_assert(date_add_months(day(2024, 3, 31), -1, &out) && out == day(2024, 2, 29));
    ck_assert(date_add_months(day(2024, 2, 29), -12, &out) && out == day(2023, 2, 28));
    ck_assert(date_add_months(day(2024, 1, 15), -1, &out) && out == day(2023, 12, 15));
    ck_assert(date_add_months(day(2024, 12, 15), 25, &out) && out == day(2027, 1, 15));
    ck_assert(date_add_months(day(1, 1, 1), -13, &out) && out == day(-1, 12, 1));
    ck_assert(!date_add_months(INT32_MAX, 1, &out));
    ck_assert(!date_add_months(INT32_MIN, -1, &out));
    ck_assert(!date_add_months(0, INT64_MAX, &out));
    ck_assert(!date_add_months(0, INT64_MIN, &out));
    ck_assert(date_add_days(5, -10, &out) && out == -5);
    ck_assert(!date_add_days(INT32_MAX, 1, &out));
    ck_assert(!date_add_days(-1, INT64_MIN, &out));
}
END_TEST

START_TEST(test_instants_reach_both_ends)
{
    static const int64_t all[] = {0,
                                  1,
                                  -1,
                                  MARCH_US,
                                  -MARCH_US,
                                  INT64_MAX,
                                  INT64_MIN,
                                  INT64_MIN + MOMENT_DAY_US,
                                  -MOMENT_DAY_US,
                                  MOMENT_DAY_US - 1};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct civil civil;
        int64_t back;
        char text[MOMENT_TEXT_SIZE];
        instant_to_civil(all[i], &civil);
        ck_assert(instant_from_civil(&civil, &back));
        ck_assert_int_eq(back, all[i]);
        size_t length = instant_format(all[i], text);
        ck_assert_uint_eq(length, strlen(text));
        ck_assert(instant_parse(text, length, &back));
        ck_assert_int_eq(back, all[i]);
    }
    ck_assert_int_eq(instant_date(-1), -1);
    ck_assert_int_eq(instant_date(MARCH_US), MARCH_DAYS);
    ck_assert_int_eq(date_instant(MARCH_DAYS), MARCH_US - 10 * MOMENT_HOUR_US);
    ck_assert_int_eq(date_instant(INT32_MAX), INT64_MAX);
    ck_assert_int_eq(date_instant(INT32_MIN), INT64_MIN);
    int64_t out;
    ck_assert(!instant_add(INT64_MAX, 1, &out));
    ck_assert(!instant_add_months(INT64_MAX, 1, &out));
    ck_assert(instant_add_months(MARCH_US, -6, &out) && out == day(2016, 9, 1) * MOMENT_DAY_US + 10 * MOMENT_HOUR_US);
}
END_TEST

START_TEST(test_iso_instants_are_read)
{
    static const char *const same[] = {
        "2017-03-01T10:00:00Z",
        "2017-03-01T10:00:00",
        "2017-03-01T10:00Z",
        "2017-03-01 10:00",
        "2017-03-01 10:00:00.000",
        "2017-03-01T12:00:00+02:00",
        "2017-03-01T12:00+0200",
        "2017-03-01T12:00:00+02",
        "2017-03-01T04:30:00-05:30",
        "2017-02-28T23:00:00-11:00",
        "20170301T100000Z",
        "20170301T1000",
        "20170301 10:00",
        " 2017-03-01t10:00:00z ",
        "2017-03-01 10:00:00 UTC",
        "2017-03-01 12:00:00 +0200",
        "+2017-03-01T10:00:00Z",
    };
    int64_t us;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (!instant(same[i], &us) || us != MARCH_US)
            ck_abort_msg("%s", same[i]);
    ck_assert(instant("2017-03-01", &us) && us == MARCH_DAYS * MOMENT_DAY_US);
    ck_assert(instant("20170301", &us) && us == MARCH_DAYS * MOMENT_DAY_US);
    ck_assert(instant("2017-03-01T10:00:00.5Z", &us) && us == MARCH_US + 500000);
    ck_assert(instant("2017-03-01T10:00:00,000001Z", &us) && us == MARCH_US + 1);
    ck_assert(instant("2017-03-01T10:00:00.1234569Z", &us) && us == MARCH_US + 123456); /* nanoseconds are cut off */
    ck_assert(instant("1969-12-31T23:59:59.999999Z", &us) && us == -1);
}
END_TEST

START_TEST(test_what_is_no_instant_is_refused)
{
    static const char *const bad[] = {
        "",
        "2017",
        "2017-03",
        "2017-3-1",
        "2017-13-01",
        "2017-02-29",
        "2017-00-01",
        "2017-03-00",
        "17-03-01",
        "3/1/2017",
        "2017-03-01T",
        "2017-03-01T1",
        "2017-03-01T10",
        "2017-03-01T24:00:00Z",
        "2017-03-01T10:60Z",
        "2017-03-01T23:59:60Z",
        "2017-03-01T10:00:00+24:00",
        "2017-03-01T10:00:00+02:60",
        "2017-03-01T10:00:00+2",
        "2017-03-01T10:00:00.Z",
        "2017-03-01T10:00:00Zx",
        "2017-03-01x10:00",
        "2017-03-01T10:00:00 CET",
        "2017-0301",
        "201703-01",
        "today",
        "12017-03-01",
        "+999999999-01-01",
        "+294247-01-10T04:00:54.775808Z",
        "2017-03-01T-1:00",
        "2017-03-01\n10:00",
    };
    int64_t us;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (instant(bad[i], &us))
            ck_abort_msg("%s", bad[i]);
    ck_assert(instant("+294247-01-10T04:00:54.775807Z", &us) && us == INT64_MAX);
    ck_assert(!instant("-290308-12-21T19:59:05.224191Z", &us)); /* one before INT64_MIN */
    ck_assert(!instant("+294247-01-10T04:00:54.775807-01:00", &us));
}
END_TEST

START_TEST(test_dates_are_read)
{
    int32_t days;

    ck_assert(date("2017-03-01", &days) && days == MARCH_DAYS);
    ck_assert(date(" 20170301 ", &days) && days == MARCH_DAYS);
    ck_assert(date("2017-03-01 00:00:00", &days) && days == MARCH_DAYS);
    ck_assert(date("2017-03-01T00:00:00.000Z", &days) && days == MARCH_DAYS);
    ck_assert(date("-0044-03-15", &days) && days == day(-44, 3, 15));
    ck_assert(date("+12017-03-01", &days) && days == day(12017, 3, 1));
    ck_assert(!date("2017-03-01 10:00", &days));          /* would lose the time */
    ck_assert(!date("2017-03-01T00:00:00+02:00", &days)); /* in UTC, it is another day */
    ck_assert(!date("2017-02-30", &days));
    ck_assert(!date("+5881580-07-12", &days));
}
END_TEST

START_TEST(test_formats_for_imports)
{
    static const struct {
        const char *text, *format;
        int64_t us;
    } cases[] = {
        {"01/03/2017 10:00", "%d/%m/%Y %H:%M", MARCH_US},
        {"3/1/2017 10:00", "%m/%d/%Y %H:%M", MARCH_US},
        {"3/1/17", "%m/%d/%y", MARCH_US - 10 * MOMENT_HOUR_US},
        {"03/01/17", "%D", MARCH_US - 10 * MOMENT_HOUR_US},
        {"1 Mar 2017 10:00:00", "%d %b %Y %T", MARCH_US},
        {"Wednesday, March 1, 2017 10:00 AM", "%A, %B %d, %Y %I:%M %p", MARCH_US},
        {"wed mar  1 10:00:00 2017", "%a %b %e %H:%M:%S %Y", MARCH_US},
        {"01.03.2017  22:00:00.25", "%d.%m.%Y %H:%M:%S", MARCH_US + 12 * MOMENT_HOUR_US + 250000},
        {"2017060 10", "%Y%j %H", MARCH_US}, /* 31 + 28 + 1 */
        {"20170301100000", "%Y%m%d%H%M%S", MARCH_US},
        {"2017-03-01T12:00:00+0200", "%FT%T%z", MARCH_US},
        {"2017-03-01 10:00 UTC", "%F %R %Z", MARCH_US},
        {"1/3/2017 12:30 am", "%d/%m/%Y %I:%M %p", MARCH_US - 10 * MOMENT_HOUR_US + 30 * MOMENT_MINUTE_US},
        {"1/3/2017 12:30 PM", "%d/%m/%Y %I:%M %p", MARCH_US + 150 * MOMENT_MINUTE_US},
        {"100% 2017-03-01", "100%% %F", MARCH_US - 10 * MOMENT_HOUR_US},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = 0;
        int32_t days = 0;
        size_t length = strlen(cases[i].text);
        ck_assert(moment_format_valid(cases[i].format));
        if (!instant_parse_format(cases[i].text, length, cases[i].format, &us) || us != cases[i].us)
            ck_abort_msg("%s as %s", cases[i].text, cases[i].format);
        ck_assert(date_parse_format(cases[i].text, length, cases[i].format, &days));
        ck_assert_int_eq(days, MARCH_DAYS);
    }
    int32_t days;
    ck_assert(date_parse_format("31/12/69", 8, "%d/%m/%y", &days) && days == day(1969, 12, 31));
    ck_assert(date_parse_format("31/12/68", 8, "%d/%m/%y", &days) && days == day(2068, 12, 31));
}
END_TEST

START_TEST(test_formats_that_do_not_match)
{
    static const struct {
        const char *text, *format;
    } cases[] = {
        {"3/1/17", "%d/%m/%Y"},      {"31/02/2017", "%d/%m/%Y"},    {"2017-03-01x", "%Y-%m-%d"},
        {"2017-03", "%Y-%m-%d"},     {"2017-03-01", "%Y-%m"},       {"13:00 PM 1/1/2017", "%I:%M %p %d/%m/%Y"},
        {"1 Mrz 2017", "%d %b %Y"},  {"2017366", "%Y%j"},           {"2017000", "%Y%j"},
        {"2017-03-01 CET", "%F %Z"}, {"2017-03-01 25:00", "%F %R"}, {"", "%F"},
        {"2017-03-01", ""},          {"+5881580366", "%Y%j"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us;
        int32_t days;
        size_t length = strlen(cases[i].text);
        if (instant_parse_format(cases[i].text, length, cases[i].format, &us) ||
            date_parse_format(cases[i].text, length, cases[i].format, &days))
            ck_abort_msg("%s as %s", cases[i].text, cases[i].format);
    }
    ck_assert(!moment_format_valid(""));
    ck_assert(!moment_format_valid("%d/%m"));
    ck_assert(!moment_format_valid("%Y-%m-%d %"));
    ck_assert(!moment_format_valid("%Y-%m-%d %Q"));
    ck_assert(!moment_format_valid("%F %I:%M")); /* which half of the day? */
    ck_assert(!moment_format_valid("%F %H %p"));
}
END_TEST

START_TEST(test_times_relative_to_now)
{
    int64_t now = MARCH_US + 5;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"now", MARCH_US + 5},
        {" Today ", MARCH_DAYS * MOMENT_DAY_US},
        {"yesterday", (MARCH_DAYS - 1) * MOMENT_DAY_US},
        {"tomorrow", (MARCH_DAYS + 1) * MOMENT_DAY_US},
        {"-12h", MARCH_US + 5 - 12 * MOMENT_HOUR_US},
        {"-30d", MARCH_US + 5 - 30 * MOMENT_DAY_US},
        {"-2w", MARCH_US + 5 - 14 * MOMENT_DAY_US},
        {"+1d", MARCH_US + 5 + MOMENT_DAY_US},
        {"-6m", MARCH_US + 5 - 181 * MOMENT_DAY_US}, /* to 2016-09-01: 30 + 31 + 30 + 31 + 31 + 28 */
        {"-1q", MARCH_US + 5 - 90 * MOMENT_DAY_US},  /* to 2016-12-01: 31 + 31 + 28 */
        {"-1y", MARCH_US + 5 - 365 * MOMENT_DAY_US}, /* 2016-02-29 lies before 2016-03-01 */
        {"2017-03-01T10:00:00Z", MARCH_US},
    };
    int64_t us;
    int32_t days;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (!instant_parse_relative(cases[i].text, strlen(cases[i].text), now, &us) || us != cases[i].us)
            ck_abort_msg("%s", cases[i].text);
    ck_assert(instant_parse_relative("-1m", 3, day(2017, 3, 31) * MOMENT_DAY_US, &us));
    ck_assert_int_eq(us, day(2017, 2, 28) * MOMENT_DAY_US); /* clamped */
    ck_assert(date_parse_relative("-30d", 4, now, &days) && days == MARCH_DAYS - 30);
    ck_assert(date_parse_relative("2017-03-01", 10, 0, &days) && days == MARCH_DAYS);
    ck_assert(!date_parse_relative("2017-03-01T10:00", 16, 0, &days));
    static const char *const bad[] = {"6m",           "-m",    "-6",      "-6x",  "-6mm", "--6m",
                                      "-1234567890d", "later", "nowhere", "-6 m", "-"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!instant_parse_relative(bad[i], strlen(bad[i]), now, &us));
    ck_assert(!instant_parse_relative("+999999999w", 11, now, &us));
    ck_assert(!instant_parse_relative("-999999999y", 11, now, &us));
    ck_assert(!instant_parse_relative("-6m\0", 4, now, &us));
    ck_assert(!instant_parse_relative("-6\0", 3, now, &us));
}
END_TEST

START_TEST(test_periods_start_and_are_named)
{
    int32_t days = day(2017, 8, 16); /* a Wednesday */
    char name[MOMENT_TEXT_SIZE];
    static const char *const names[] = {"2017-08-16", "2017-W33", "2017-08", "2017-Q3", "2017"};
    int32_t starts[] = {days, day(2017, 8, 14), day(2017, 8, 1), day(2017, 7, 1), day(2017, 1, 1)};

    for (int period = PERIOD_DAY; period <= PERIOD_YEAR; period++) {
        ck_assert_uint_eq(period_name(days, period, name), strlen(names[period]));
        ck_assert_str_eq(name, names[period]);
        ck_assert_int_eq(period_start(days, period), starts[period]);
        (void)period_start(INT32_MIN, period);
        (void)period_name(INT32_MAX, period, name);
    }
    ck_assert_int_eq(date_quarter(days), 3);
    ck_assert_int_eq(date_weekday(days), 3);
    ck_assert_int_eq(period_find("quarter", 7), PERIOD_QUARTER);
    ck_assert_int_eq(period_find("quart", 5), -1);
    /* 2018-12-31 is in week 1 of 2019; 2017-01-01, a Sunday, in week 52 of 2016. */
    period_name(day(2018, 12, 31), PERIOD_WEEK, name);
    ck_assert_str_eq(name, "2019-W01");
    period_name(day(2017, 1, 1), PERIOD_WEEK, name);
    ck_assert_str_eq(name, "2016-W52");
}
END_TEST

START_TEST(test_times_are_written)
{
    char text[MOMENT_TEXT_SIZE];

    ck_assert_uint_eq(instant_format(MARCH_US, text), 20);
    ck_assert_str_eq(text, "2017-03-01T10:00:00Z");
    instant_format(MARCH_US + 120000, text);
    ck_assert_str_eq(text, "2017-03-01T10:00:00.12Z");
    instant_format(-1, text);
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999999Z");
    instant_format_minute(MARCH_US, text);
    ck_assert_str_eq(text, "2017-03-01 10:00");
    date_format(MARCH_DAYS, text);
    ck_assert_str_eq(text, "2017-03-01");
    date_format(day(-44, 3, 15), text);
    ck_assert_str_eq(text, "-0044-03-15");
    date_format(INT32_MAX, text);
    ck_assert_str_eq(text, "+5881580-07-11");
    date_format(day(0, 1, 1), text);
    ck_assert_str_eq(text, "0000-01-01");
}
END_TEST

START_TEST(test_durations_for_people)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "0 s"},
        {999999, "0 s"},
        {-999999, "0 s"},
        {59 * MOMENT_SECOND_US, "59 s"},
        {60 * MOMENT_SECOND_US, "1 min"},
        {59 * MOMENT_MINUTE_US, "59 min"},
        {MOMENT_HOUR_US, "1 h"},
        {47 * MOMENT_HOUR_US, "47 h"},
        {48 * MOMENT_HOUR_US, "2 d"},
        {3 * MOMENT_DAY_US, "3 d"},
        {-3 * MOMENT_DAY_US, "-3 d"},
        {59 * MOMENT_DAY_US, "59 d"},
        {60 * MOMENT_DAY_US, "1 month"},   /* 60 / 30.44 = 1.97 */
        {153 * MOMENT_DAY_US, "5 months"}, /* 153 / 30.44 = 5.03 */
        {730 * MOMENT_DAY_US, "23 months"},
        {731 * MOMENT_DAY_US, "2 years"}, /* 2 * 365.2425 = 730.485 */
        {INT64_MAX, "292277 years"},      /* 2^63 / 10^6 / 31556952 = 292277.02 */
        {INT64_MIN, "-292277 years"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[MOMENT_TEXT_SIZE];
        ck_assert_uint_eq(duration_format(cases[i].us, text), strlen(cases[i].text));
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(a_time_of_day_has_limits)
{
    static const struct civil bad[] = {
        {2017, 3, 1, -1, 0, 0, 0}, {2017, 3, 1, 24, 0, 0, 0},      {2017, 3, 1, 0, -1, 0, 0},
        {2017, 3, 1, 0, 60, 0, 0}, {2017, 3, 1, 0, 0, -1, 0},      {2017, 3, 1, 0, 0, 60, 0},
        {2017, 3, 1, 0, 0, 0, -1}, {2017, 3, 1, 0, 0, 0, 1000000}, {2017, 2, 29, 10, 0, 0, 0},
    };
    static const struct civil last = {2017, 3, 1, 23, 59, 59, 999999};
    int64_t us;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (instant_from_civil(&bad[i], &us))
            ck_abort_msg("%zu", i);
    ck_assert(instant_from_civil(&last, &us));
    ck_assert_int_eq(us, (MARCH_DAYS + 1) * MOMENT_DAY_US - 1);
}
END_TEST

START_TEST(sums_beyond_the_calendar_are_refused)
{
    int64_t us;
    ck_assert(!instant_add_months(0, INT64_MAX, &us));
    ck_assert(!instant_parse_relative("+1d", 3, INT64_MAX, &us));
    ck_assert(instant_parse_relative("+1d", 3, INT64_MAX - MOMENT_DAY_US, &us));
    ck_assert_int_eq(us, INT64_MAX);
}
END_TEST

START_TEST(a_format_takes_halves_of_the_day_zones_and_tabs_in_all_their_spellings)
{
    static const struct {
        const char *text, *format;
        int hour;
    } cases[] = {
        {"2017-03-01 3 p.m.", "%F %I %p", 15}, {"2017-03-01 3 a.m.", "%F %I %p", 3},
        {"2017-03-01 3 pm", "%F %I %p", 15},   {"2017-03-01 10Z", "%F %H%Z", 10},
        {"2017-03-01 10 gmt", "%F %H %Z", 10}, {"2017-03-01\t 10", "%F %H", 10},
    };
    int64_t us;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (!instant_parse_format(cases[i].text, strlen(cases[i].text), cases[i].format, &us) ||
            us != MARCH_DAYS * MOMENT_DAY_US + cases[i].hour * MOMENT_HOUR_US)
            ck_abort_msg("%s", cases[i].text);
    ck_assert(!instant_parse_format("2017-03-01 3 xm", 15, "%F %I %p", &us));
    ck_assert(!instant_parse_format("+5999999001", 11, "%Y%j", &us)); /* no day of that year has a number */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("moment");
    TCase *cases = tcase_create("moment");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(cases, test_days_agree_with_the_c_library);
    tcase_add_test(cases, test_iso_weeks_agree_with_the_c_library);
    tcase_add_test(cases, test_the_calendar_has_leap_years_and_ends);
    tcase_add_test(cases, test_months_are_added_and_clamped);
    tcase_add_test(cases, test_instants_reach_both_ends);
    tcase_add_test(cases, test_iso_instants_are_read);
    tcase_add_test(cases, test_what_is_no_instant_is_refused);
    tcase_add_test(cases, test_dates_are_read);
    tcase_add_test(cases, test_formats_for_imports);
    tcase_add_test(cases, test_formats_that_do_not_match);
    tcase_add_test(cases, test_times_relative_to_now);
    tcase_add_test(cases, test_periods_start_and_are_named);
    tcase_add_test(cases, test_times_are_written);
    tcase_add_test(cases, test_durations_for_people);
    tcase_add_test(cases, a_time_of_day_has_limits);
    tcase_add_test(cases, sums_beyond_the_calendar_are_refused);
    tcase_add_test(cases, a_format_takes_halves_of_the_day_zones_and_tabs_in_all_their_spellings);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
