/* rules_contact: a contact's whole name from its parts.
 *
 * In Chinese, Japanese and Korean the family name comes first and nothing
 * stands between the two; everywhere else the given name comes first.  The
 * script of the parts decides, not a locale (P8).
 */
#include "crm/rules.h"
#include "model/text.h"

#include <string.h>

enum { NAME_PART_MAX = 4000 };

static bool is_cjk(uint32_t code)
{
    return (code >= 0x2E80 && code <= 0x303B) || /* radicals, iteration marks */
           (code >= 0x3040 && code <= 0x30FF) || /* Hiragana, Katakana */
           (code >= 0x3130 && code <= 0x318F) || /* Hangul letters */
           (code >= 0x31F0 && code <= 0x31FF) || /* small Katakana */
           (code >= 0x3400 && code <= 0x9FFF) || /* Han */
           (code >= 0xAC00 && code <= 0xD7A3) || /* Hangul syllables */
           (code >= 0xF900 && code <= 0xFAFF) || /* compatibility Han */
           (code >= 0xFF66 && code <= 0xFF9D) || /* half-width Katakana */
           (code >= 0x20000 && code <= 0x3FFFF); /* Han, supplementary planes */
}

/* Every character is of those scripts, and there is at least one. */
static bool all_cjk(const char *text, size_t length)
{
    const uint8_t *at = (const uint8_t *)text;
    const uint8_t *end = at + length;
    uint32_t code;

    while (at < end) {
        size_t size = text_next(at, end, &code);
        if (size == 0 || !is_cjk(code))
            return false;
        at += size;
    }
    return length > 0;
}

int32_t rules_contact(crm_record *contact, const crm_record *before)
{
    size_t first_length;
    size_t last_length;
    char name[2 * NAME_PART_MAX + 2];
    size_t length = 0;

    int32_t status = rules_not_blank(contact, CRM_CONTACT_LAST_NAME);
    if (status != CRM_OK)
        return status;
    if (crm_has(contact, CRM_CONTACT_NAME) && !record_differs(contact, before, CRM_CONTACT_FIRST_NAME) &&
        !record_differs(contact, before, CRM_CONTACT_LAST_NAME))
        return CRM_OK;
    const char *first = crm_text(contact, CRM_CONTACT_FIRST_NAME, &first_length);
    const char *last = crm_text(contact, CRM_CONTACT_LAST_NAME, &last_length);
    text_trim(&first, &first_length);
    text_trim(&last, &last_length);
    if (first_length > NAME_PART_MAX || last_length > NAME_PART_MAX)
        return record_fail(contact, CRM_INVALID, "contact: %s is longer than %d bytes; shorten it",
                           first_length > NAME_PART_MAX ? "first_name" : "last_name", NAME_PART_MAX);
    bool family_first = all_cjk(first, first_length) && all_cjk(last, last_length);
    memcpy(name, family_first ? last : first, family_first ? last_length : first_length);
    length = family_first ? last_length : first_length;
    if (!family_first && first_length > 0 && last_length > 0)
        name[length++] = ' ';
    memcpy(name + length, family_first ? first : last, family_first ? first_length : last_length);
    length += family_first ? first_length : last_length;
    if (length == 0)
        return CRM_OK; /* no last name: the model refuses it */
    return record_put_text(contact, CRM_CONTACT_NAME, name, length);
}
