/* currency: the table of ISO 4217 and money as text.
 *
 * Codes, numbers and minor units are the standard's as published on 2026-01-01,
 * with those withdrawn since 2015 (ANG, BGN, BYR, CUC, HRK, LTL, MRO, SLL, STD,
 * VEF, ZWL), since a CRM keeps old deals.  ANG and its successor XCG share the
 * number 532, at par: records in it read as XCG.
 */
#include "model/currency.h"

#include "model/number.h"
#include "model/text.h"

#include <string.h>

/* In the order of codes: looked up by bisection. */
static const struct currency currencies[] = {
    {"AED", 784, 2}, {"AFN", 971, 2}, {"ALL", 8, 2},   {"AMD", 51, 2},  {"ANG", 532, 2}, {"AOA", 973, 2},
    {"ARS", 32, 2},  {"AUD", 36, 2},  {"AWG", 533, 2}, {"AZN", 944, 2}, {"BAM", 977, 2}, {"BBD", 52, 2},
    {"BDT", 50, 2},  {"BGN", 975, 2}, {"BHD", 48, 3},  {"BIF", 108, 0}, {"BMD", 60, 2},  {"BND", 96, 2},
    {"BOB", 68, 2},  {"BOV", 984, 2}, {"BRL", 986, 2}, {"BSD", 44, 2},  {"BTN", 64, 2},  {"BWP", 72, 2},
    {"BYN", 933, 2}, {"BYR", 974, 0}, {"BZD", 84, 2},  {"CAD", 124, 2}, {"CDF", 976, 2}, {"CHE", 947, 2},
    {"CHF", 756, 2}, {"CHW", 948, 2}, {"CLF", 990, 4}, {"CLP", 152, 0}, {"CNY", 156, 2}, {"COP", 170, 2},
    {"COU", 970, 2}, {"CRC", 188, 2}, {"CUC", 931, 2}, {"CUP", 192, 2}, {"CVE", 132, 2}, {"CZK", 203, 2},
    {"DJF", 262, 0}, {"DKK", 208, 2}, {"DOP", 214, 2}, {"DZD", 12, 2},  {"EGP", 818, 2}, {"ERN", 232, 2},
    {"ETB", 230, 2}, {"EUR", 978, 2}, {"FJD", 242, 2}, {"FKP", 238, 2}, {"GBP", 826, 2}, {"GEL", 981, 2},
    {"GHS", 936, 2}, {"GIP", 292, 2}, {"GMD", 270, 2}, {"GNF", 324, 0}, {"GTQ", 320, 2}, {"GYD", 328, 2},
    {"HKD", 344, 2}, {"HNL", 340, 2}, {"HRK", 191, 2}, {"HTG", 332, 2}, {"HUF", 348, 2}, {"IDR", 360, 2},
    {"ILS", 376, 2}, {"INR", 356, 2}, {"IQD", 368, 3}, {"IRR", 364, 2}, {"ISK", 352, 0}, {"JMD", 388, 2},
    {"JOD", 400, 3}, {"JPY", 392, 0}, {"KES", 404, 2}, {"KGS", 417, 2}, {"KHR", 116, 2}, {"KMF", 174, 0},
    {"KPW", 408, 2}, {"KRW", 410, 0}, {"KWD", 414, 3}, {"KYD", 136, 2}, {"KZT", 398, 2}, {"LAK", 418, 2},
    {"LBP", 422, 2}, {"LKR", 144, 2}, {"LRD", 430, 2}, {"LSL", 426, 2}, {"LTL", 440, 2}, {"LYD", 434, 3},
    {"MAD", 504, 2}, {"MDL", 498, 2}, {"MGA", 969, 2}, {"MKD", 807, 2}, {"MMK", 104, 2}, {"MNT", 496, 2},
    {"MOP", 446, 2}, {"MRO", 478, 2}, {"MRU", 929, 2}, {"MUR", 480, 2}, {"MVR", 462, 2}, {"MWK", 454, 2},
    {"MXN", 484, 2}, {"MXV", 979, 2}, {"MYR", 458, 2}, {"MZN", 943, 2}, {"NAD", 516, 2}, {"NGN", 566, 2},
    {"NIO", 558, 2}, {"NOK", 578, 2}, {"NPR", 524, 2}, {"NZD", 554, 2}, {"OMR", 512, 3}, {"PAB", 590, 2},
    {"PEN", 604, 2}, {"PGK", 598, 2}, {"PHP", 608, 2}, {"PKR", 586, 2}, {"PLN", 985, 2}, {"PYG", 600, 0},
    {"QAR", 634, 2}, {"RON", 946, 2}, {"RSD", 941, 2}, {"RUB", 643, 2}, {"RWF", 646, 0}, {"SAR", 682, 2},
    {"SBD", 90, 2},  {"SCR", 690, 2}, {"SDG", 938, 2}, {"SEK", 752, 2}, {"SGD", 702, 2}, {"SHP", 654, 2},
    {"SLE", 925, 2}, {"SLL", 694, 2}, {"SOS", 706, 2}, {"SRD", 968, 2}, {"SSP", 728, 2}, {"STD", 678, 2},
    {"STN", 930, 2}, {"SVC", 222, 2}, {"SYP", 760, 2}, {"SZL", 748, 2}, {"THB", 764, 2}, {"TJS", 972, 2},
    {"TMT", 934, 2}, {"TND", 788, 3}, {"TOP", 776, 2}, {"TRY", 949, 2}, {"TTD", 780, 2}, {"TWD", 901, 2},
    {"TZS", 834, 2}, {"UAH", 980, 2}, {"UGX", 800, 0}, {"USD", 840, 2}, {"USN", 997, 2}, {"UYI", 940, 0},
    {"UYU", 858, 2}, {"UYW", 927, 4}, {"UZS", 860, 2}, {"VED", 926, 2}, {"VEF", 937, 2}, {"VES", 928, 2},
    {"VND", 704, 0}, {"VUV", 548, 0}, {"WST", 882, 2}, {"XAD", 396, 2}, {"XAF", 950, 0}, {"XCD", 951, 2},
    {"XCG", 532, 2}, {"XOF", 952, 0}, {"XPF", 953, 0}, {"YER", 886, 2}, {"ZAR", 710, 2}, {"ZMW", 967, 2},
    {"ZWG", 924, 2}, {"ZWL", 932, 2},
};
enum { CURRENCY_COUNT = sizeof currencies / sizeof currencies[0] };

size_t currency_count(void)
{
    return CURRENCY_COUNT;
}

const struct currency *currency_at(size_t i)
{
    return i < CURRENCY_COUNT ? &currencies[i] : NULL;
}

const struct currency *currency_find(const char *code, size_t length)
{
    char upper[4] = "";
    size_t low = 0;
    size_t high = CURRENCY_COUNT;

    if (length != 3)
        return NULL;
    for (size_t i = 0; i < 3; i++)
        upper[i] = code[i] >= 'a' && code[i] <= 'z' ? (char)(code[i] - 32) : code[i];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(upper, currencies[middle].code, 3);
        if (order == 0)
            return &currencies[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct currency *currency_by_number(uint16_t number)
{
    /* From the end, so that XCG is met before ANG. */
    for (size_t i = CURRENCY_COUNT; i-- > 0;)
        if (currencies[i].number == number)
            return &currencies[i];
    return NULL;
}

void money_format(struct buffer *out, int64_t minor, uint16_t currency)
{
    const struct currency *found = currency_by_number(currency);
    char text[NUMBER_TEXT_SIZE];

    if (found) {
        buffer_append(out, text, number_format_decimal(minor, found->exponent, ',', '.', text));
        buffer_byte(out, ' ');
        buffer_append(out, found->code, 3);
    } else {
        buffer_append(out, text, number_format_int(minor, 0, text));
        buffer_text(out, " #");
        buffer_append(out, text, number_format_int(currency, 0, text));
    }
}

void money_plain(struct buffer *out, int64_t minor, uint16_t currency)
{
    const struct currency *found = currency_by_number(currency);
    char text[NUMBER_TEXT_SIZE];

    buffer_append(out, text, number_format_decimal(minor, found ? found->exponent : 0, 0, '.', text));
}

/* Whether the three bytes are the code of this very currency. */
static bool is_code_of(const char *text, const struct currency *currency)
{
    const struct currency *found = currency_find(text, 3);

    return found && found->number == currency->number;
}

bool money_parse(const char *text, size_t length, char mark, uint16_t currency, int64_t *minor)
{
    const struct currency *found = currency_by_number(currency);

    if (found == NULL)
        return false;
    text_trim(&text, &length);
    if (length > 3 && is_code_of(text, found)) {
        text += 3;
        length -= 3;
    } else if (length > 3 && is_code_of(text + length - 3, found)) {
        length -= 3;
    }
    text_trim(&text, &length);
    return number_parse_decimal(text, length, mark, found->exponent, NUMBER_EXACT, minor);
}
