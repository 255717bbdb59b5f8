/* kv: see kv.h. */
#include "kv.h"

#include "text.h"

const struct kv_info kv_tables[KV_TABLES] = {
    [KV_CUSTOMER] = {"customer", KV_RECORDS, true},
    [KV_CUSTOMER_ID] = {"customer_id", KV_ONE, false},
    [KV_CUSTOMER_EMAIL] = {"customer_email", KV_MANY, false},
    [KV_CUSTOMER_PHONE] = {"customer_phone", KV_MANY, false},
    [KV_CUSTOMER_EXTERNAL] = {"customer_external", KV_ONE, false},
    [KV_CUSTOMER_NAME] = {"customer_name", KV_MANY, false},
    [KV_CUSTOMER_CITY] = {"customer_city", KV_MANY, false},
    [KV_CUSTOMER_STAGE] = {"customer_stage", KV_MANY, true},
    [KV_INTERACTION] = {"interaction", KV_RECORDS, true},
    [KV_INTERACTION_ID] = {"interaction_id", KV_ONE, false},
    [KV_TIMELINE] = {"timeline", KV_LINES, true},
    [KV_START] = {"start", KV_MANY, true},
    [KV_DUE] = {"due", KV_MANY, true},
    [KV_DEAL] = {"deal", KV_RECORDS, true},
    [KV_DEAL_ID] = {"deal_id", KV_ONE, false},
    [KV_DEAL_NAME] = {"deal_name", KV_MANY, false},
    [KV_DEAL_CUSTOMER] = {"deal_customer", KV_MANY, true},
    [KV_DEAL_STAGE] = {"deal_stage", KV_MANY, true},
    [KV_DEAL_CLOSE] = {"deal_close", KV_MANY, true},
    [KV_DEAL_OUTCOME] = {"deal_outcome", KV_MANY, true},
    [KV_TRANSITION] = {"transition", KV_RECORDS, true},
    [KV_TRANSITION_ID] = {"transition_id", KV_ONE, false},
    [KV_TRANSITION_SUBJECT] = {"transition_subject", KV_MANY, true},
    [KV_TRANSITION_AT] = {"transition_at", KV_MANY, true},
    [KV_CHANGE] = {"change", KV_RECORDS, true},
    [KV_CHANGE_RECORD] = {"change_record", KV_MANY, true},
    [KV_LOOKUP] = {"lookup_0", KV_MANY, false},
    [KV_LOOKUP + 1] = {"lookup_1", KV_MANY, false},
    [KV_LOOKUP + 2] = {"lookup_2", KV_MANY, false},
    [KV_LOOKUP + 3] = {"lookup_3", KV_MANY, false},
    [KV_LOOKUP + 4] = {"lookup_4", KV_MANY, true},
    [KV_LOOKUP + 5] = {"lookup_5", KV_MANY, true},
    [KV_LOOKUP + 6] = {"lookup_6", KV_MANY, true},
    [KV_LOOKUP + 7] = {"lookup_7", KV_MANY, true},
};

bool kv_index_customer(const void *bytes, uint32_t number, kv_put *put, void *context)
{
    struct packed_customer head = packed_get_customer(bytes);
    char text[TEXT_KEY], key[TEXT_KEY];
    static const enum kv_table of_text[PACKED_TEXTS] = {[PACKED_NAME] = KV_CUSTOMER_NAME,
                                                        [PACKED_CITY] = KV_CUSTOMER_CITY,
                                                        [PACKED_EMAIL] = KV_CUSTOMER_EMAIL,
                                                        [PACKED_PHONE] = KV_CUSTOMER_PHONE,
                                                        [PACKED_EXTERNAL] = KV_CUSTOMER_EXTERNAL};
    uint32_t stage = head.stage;
    bool ok = put(context, KV_CUSTOMER_ID, head.id, sizeof head.id, &number, sizeof number) &&
              put(context, KV_CUSTOMER_STAGE, &stage, sizeof stage, &number, sizeof number);
    for (int i = PACKED_NAME; ok && i <= PACKED_EXTERNAL; i++) {
        size_t length;
        const char *from = packed_text(&head, bytes, (enum packed_text)i, &length);
        if (length == 0 || length >= TEXT_KEY)
            continue;
        memcpy(text, from, length);
        text[length] = '\0';
        size_t key_length = i == PACKED_PHONE ? text_reversed_digits(text, key) : text_lower(text, key);
        ok = put(context, of_text[i], key, key_length, &number, sizeof number);
    }
    return ok;
}

bool kv_index_interaction(const void *bytes, uint32_t number, kv_put *put, void *context)
{
    struct packed_interaction head = packed_get_interaction(bytes);
    uint8_t line[KV_LINE];
    kv_line(line, head.start, number);
    return put(context, KV_INTERACTION_ID, head.id, sizeof head.id, &number, sizeof number) &&
           put(context, KV_TIMELINE, &head.customer, sizeof head.customer, line, sizeof line) &&
           put(context, KV_START, &head.start, sizeof head.start, &number, sizeof number) &&
           (head.due == 0 || put(context, KV_DUE, &head.due, sizeof head.due, &number, sizeof number));
}

bool kv_index_deal(const void *bytes, uint32_t number, kv_put *put, void *context)
{
    struct packed_deal head;
    char name[TEXT_KEY], key[TEXT_KEY];
    memcpy(&head, bytes, sizeof head);
    memcpy(name, (const char *)bytes + sizeof head, head.name_length);
    name[head.name_length] = '\0';
    uint32_t stage = head.stage, outcome = head.outcome;
    return put(context, KV_DEAL_ID, head.id, sizeof head.id, &number, sizeof number) &&
           put(context, KV_DEAL_NAME, key, text_lower(name, key), &number, sizeof number) &&
           put(context, KV_DEAL_CUSTOMER, &head.customer, sizeof head.customer, &number, sizeof number) &&
           put(context, KV_DEAL_STAGE, &stage, sizeof stage, &number, sizeof number) &&
           put(context, KV_DEAL_CLOSE, &head.close_date, sizeof head.close_date, &number, sizeof number) &&
           put(context, KV_DEAL_OUTCOME, &outcome, sizeof outcome, &number, sizeof number);
}

bool kv_index_transition(const struct packed_transition *head, uint32_t number, kv_put *put, void *context)
{
    uint64_t subject = (uint64_t)head->kind << 32 | head->subject;
    return put(context, KV_TRANSITION_ID, head->id, sizeof head->id, &number, sizeof number) &&
           put(context, KV_TRANSITION_SUBJECT, &subject, sizeof subject, &number, sizeof number) &&
           put(context, KV_TRANSITION_AT, &head->at, sizeof head->at, &number, sizeof number);
}
