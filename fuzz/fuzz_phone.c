/* fuzz_phone: telephone numbers in any formatting.  Two lines are two numbers;
 * whether they match, and where their keys lie, is held against the rules of
 * docs/TEXT.md on plain digits.
 */
#include "fuzz.h"
#include "model/phone.h"

#include <stdio.h>
#include <string.h>

/* The digits without the zeros at the front. */
static const char *plain(const struct phone *phone, size_t *count)
{
    const char *digits = phone->digits + strspn(phone->digits, "0");
    *count = strlen(digits);
    return digits;
}

/* Digit + 1 in four bits each, the last digit uppermost. */
static uint64_t plain_key(const char *digits, size_t count)
{
    uint64_t key = 0;
    for (size_t i = 0; i < count; i++)
        key |= (uint64_t)(unsigned)(digits[count - 1 - i] - '0' + 1) << (60 - 4 * i);
    return key;
}

static bool ends_with(const char *a, size_t a_count, const char *b, size_t b_count)
{
    return a_count >= b_count && memcmp(a + a_count - b_count, b, b_count) == 0;
}

static bool read_number(const struct input *input, struct phone *phone)
{
    if (!phone_digits(input->at, input_left(input), phone))
        return false;
    MUST(phone->count >= 1 && phone->count <= PHONE_DIGITS_MAX && phone->count == strlen(phone->digits));
    MUST(strspn(phone->digits, "0123456789") == phone->count);
    return true;
}

static void check_number(const struct phone *phone)
{
    struct phone again;
    char written[PHONE_DIGITS_MAX + 3];
    uint8_t count = 0;
    size_t plain_count;
    const char *digits = plain(phone, &plain_count);
    MUST(phone_significant(phone, &count) == digits && count == plain_count);
    MUST(phone_key(phone) == plain_key(digits, plain_count));
    /* Written plainly it is the same number, but for zeros at the front, which do not count. */
    if (plain_count > 0) {
        size_t again_count;
        snprintf(written, sizeof written, "%s%s", phone->international ? "+" : "", phone->digits);
        MUST(phone_digits(written, strlen(written), &again));
        MUST(strcmp(plain(&again, &again_count), digits) == 0 && again.international == phone->international);
    }
    for (uint8_t n = 0; n <= PHONE_DIGITS_MAX; n++) {
        uint64_t low = 0, high = 0, key = phone_key_last(phone, n);
        bool enough = n > 0 && n <= plain_count;
        const char *last = enough ? digits + plain_count - n : "";
        MUST(key == (enough ? plain_key(last, n) : 0));
        if (!enough)
            continue;
        MUST(phone_range(last, n, &low, &high));
        MUST(low <= phone_key(phone) && phone_key(phone) <= high);
        MUST(low == key);
    }
}

static void check_pair(const struct phone *a, const struct phone *b)
{
    size_t a_count, b_count;
    const char *a_digits = plain(a, &a_count), *b_digits = plain(b, &b_count);
    size_t shorter = a_count < b_count ? a_count : b_count;
    bool equal = a_count == b_count && memcmp(a_digits, b_digits, a_count) == 0;
    bool ends = ends_with(a_digits, a_count, b_digits, b_count) || ends_with(b_digits, b_count, a_digits, a_count);
    bool expected = (equal && a_count > 0) || (ends && shorter >= PHONE_MATCH_MIN);
    MUST(phone_matches(a, b) == expected && phone_matches(b, a) == expected);
    MUST((phone_key(a) == phone_key(b)) == equal);
    uint64_t low, high;
    if (b_count > 0) {
        MUST(phone_range(b_digits, b_count, &low, &high));
        MUST((phone_key(a) >= low && phone_key(a) <= high) == ends_with(a_digits, a_count, b_digits, b_count));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, bytes + length};
    struct input first = input_until(&input, '\n');
    struct phone a, b;
    bool has_a = read_number(&first, &a), has_b = read_number(&input, &b);
    if (has_a)
        check_number(&a);
    if (has_b)
        check_number(&b);
    if (has_a && has_b)
        check_pair(&a, &b);
    return 0;
}
