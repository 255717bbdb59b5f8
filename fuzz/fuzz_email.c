/* fuzz_email: any bytes as an e-mail address and as a host name.  What is
 * accepted is well-formed by the rules of docs/TEXT.md and settled: normalised
 * again it stays as it is, and written in the other ways that the page lists it
 * is the same address.
 */
#include "fuzz.h"
#include "model/email.h"
#include "model/text.h"

#include <string.h>

static bool same(const struct buffer *a, const struct buffer *b)
{
    return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* Dotted labels of 1 to 63 bytes, the last not a number; "localhost" has no dot. */
static void check_domain(const char *domain, size_t length, bool dotted)
{
    size_t label = 0, dots = 0;
    bool digits = true;
    MUST(length >= 1 && length <= DOMAIN_MAX);
    for (size_t i = 0; i <= length; i++) {
        if (i == length || domain[i] == '.') {
            MUST(label >= 1 && label <= 63 && domain[i - 1] != '-' && domain[i - label] != '-');
            MUST(i < length || !digits);
            dots += i < length;
            label = 0;
            digits = true;
            continue;
        }
        MUST(strchr(" <>()[]:;,\\\"@/?#_", domain[i]) == NULL && (domain[i] < 'A' || domain[i] > 'Z'));
        digits = digits && domain[i] >= '0' && domain[i] <= '9';
        label++;
    }
    MUST(dots >= 1 || (!dotted && length == 9 && memcmp(domain, "localhost", 9) == 0));
}

static void check_written(const struct buffer *address, const char *before, const char *after)
{
    struct buffer written, again;
    buffer_init(&written, memory_default());
    buffer_init(&again, memory_default());
    buffer_text(&written, before);
    buffer_append(&written, address->data, address->length);
    buffer_text(&written, after);
    MUST(email_normalise(&again, written.data, written.length) && same(&again, address));
    buffer_free(&again);
    buffer_free(&written);
}

static void check_email(const uint8_t *bytes, size_t length)
{
    struct buffer out;
    buffer_init(&out, memory_default());
    if (email_normalise(&out, bytes, length)) {
        const char *address = (const char *)out.data;
        size_t domain_length = 0;
        const char *domain = email_domain(address, out.length, &domain_length);
        MUST(out.length <= EMAIL_MAX && text_valid(out.data, out.length) && email_valid(address, out.length));
        MUST(domain != NULL && domain > address + 1 && domain - address - 1 <= EMAIL_LOCAL_MAX);
        MUST(domain + domain_length == address + out.length && domain[-1] == '@');
        check_domain(domain, domain_length, false);
        check_written(&out, "", "");
        check_written(&out, " \t", " ");
        check_written(&out, "<", ">");
        check_written(&out, "Somebody <", ">");
    } else {
        MUST(!out.failed && out.length == 0);
    }
    buffer_free(&out);
}

static void check_host(const uint8_t *bytes, size_t length)
{
    struct buffer out, again;
    buffer_init(&out, memory_default());
    buffer_init(&again, memory_default());
    if (domain_normalise(&out, bytes, length)) {
        MUST(text_valid(out.data, out.length));
        check_domain((const char *)out.data, out.length, false);
        /* One "www." is taken off; who wrote two has one left, which would go the next time. */
        bool again_same = out.length < 4 || memcmp(out.data, "www.", 4) != 0;
        struct buffer written;
        buffer_init(&written, memory_default());
        buffer_text(&written, again_same ? "https://user:secret@" : "https://user:secret@WWW.");
        buffer_append(&written, out.data, out.length);
        buffer_text(&written, ":8080/path?query#part");
        MUST(domain_normalise(&again, written.data, written.length) && same(&again, &out));
        buffer_reset(&again);
        MUST(domain_normalise(&again, out.data, out.length) && (same(&again, &out) || !again_same));
        buffer_free(&written);
    } else {
        MUST(!out.failed && out.length == 0);
    }
    buffer_free(&again);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    check_email(bytes, length);
    check_host(bytes, length);
    return 0;
}
