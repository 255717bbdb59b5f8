/* packed: see packed.h. */
#include "packed.h"

size_t packed_customer(const struct packed_customer *head, const char *const texts[PACKED_TEXTS], void *out)
{
    struct packed_customer whole = *head;
    char *at = (char *)out + sizeof whole;
    size_t end = 0;
    for (int i = 0; i < PACKED_TEXTS; i++) {
        size_t length = texts[i] != NULL ? strlen(texts[i]) : 0;
        if (length > 0)
            memcpy(at + end, texts[i], length);
        end += length;
        whole.ends[i] = (uint16_t)end;
    }
    memcpy(out, &whole, sizeof whole);
    return sizeof whole + end;
}

size_t packed_new_customer(const struct data *data, uint32_t i, void *out)
{
    const struct data_customer *c = &data->customers[i];
    int64_t at = data_batch_time(data, i / DATA_BATCH);
    const char *const texts[PACKED_TEXTS] = {c->name, c->city, c->email, c->phone, c->external_id, NULL};
    struct packed_customer head = {.created_at = at,
                                   .modified_at = at,
                                   .stage_since = at,
                                   .version = 1,
                                   .stage = c->stage,
                                   .owner = c->owner,
                                   .created_by = 1,
                                   .modified_by = 1};
    memcpy(head.id, c->id, sizeof head.id);
    return packed_customer(&head, texts, out);
}

size_t packed_interaction(const struct packed_interaction *head, const char *subject, void *out)
{
    memcpy(out, head, sizeof *head);
    memcpy((char *)out + sizeof *head, subject, head->subject_length);
    return sizeof *head + head->subject_length;
}

size_t packed_new_interaction(const struct data *data, uint32_t i, void *out)
{
    const struct data_interaction *x = &data->interactions[i];
    int64_t at = data_batch_time(data, (data->customer_count + i) / DATA_BATCH);
    struct packed_interaction head = {.start = x->start,
                                      .due = x->due,
                                      .amount = x->amount,
                                      .created_at = at,
                                      .modified_at = at,
                                      .customer = x->customer,
                                      .version = 1,
                                      .currency = x->amount != 0 ? 978 : 0,
                                      .subject_length = (uint16_t)strlen(x->subject),
                                      .type = x->type,
                                      .channel = x->channel,
                                      .direction = x->direction,
                                      .owner = x->owner,
                                      .created_by = 1,
                                      .modified_by = 1};
    memcpy(head.id, x->id, sizeof head.id);
    return packed_interaction(&head, x->subject, out);
}

size_t packed_added_interaction(uint64_t *seed, uint32_t customer, int64_t start, int64_t now, void *out)
{
    static const char subject[] = "Called about the offer";
    struct packed_interaction head = {.start = start,
                                      .created_at = now,
                                      .modified_at = now,
                                      .customer = customer,
                                      .version = 1,
                                      .subject_length = sizeof subject - 1,
                                      .type = 1,
                                      .created_by = 1,
                                      .modified_by = 1};
    data_make_id(seed, now, head.id);
    return packed_interaction(&head, subject, out);
}

size_t packed_new_deal(const struct data *data, uint32_t i, void *out)
{
    const struct data_deal *d = &data->deals[i];
    int64_t at = data_batch_time(data, (data->customer_count + data->interaction_count + i) / DATA_BATCH);
    struct packed_deal head = {.amount = d->amount,
                               .closed_at = d->closed_at,
                               .stage_since = at,
                               .created_at = at,
                               .modified_at = at,
                               .close_date = d->close_date,
                               .customer = d->customer,
                               .version = 1,
                               .currency = 978,
                               .name_length = (uint16_t)strlen(d->name),
                               .stage = d->stage,
                               .owner = d->owner,
                               .probability = data_probability[d->stage],
                               .outcome = (uint8_t)(d->stage < 5 ? 1 : d->stage - 3),
                               .lost_reason = d->stage == 6,
                               .created_by = 1,
                               .modified_by = 1};
    memcpy(head.id, d->id, sizeof head.id);
    memcpy(out, &head, sizeof head);
    memcpy((char *)out + sizeof head, d->name, head.name_length);
    return sizeof head + head.name_length;
}

void packed_fold_customer(const void *bytes, uint64_t *sum)
{
    struct packed_customer head = packed_get_customer(bytes);
    *sum = packed_mix_text(*sum, &head, bytes, PACKED_NAME);
    *sum = data_mix(*sum, head.stage);
    *sum = data_mix(*sum, head.owner);
    *sum = packed_mix_text(*sum, &head, bytes, PACKED_CITY);
    *sum = data_mix(*sum, (uint64_t)head.created_at);
}

void packed_fold_line(const void *bytes, uint64_t *sum)
{
    struct packed_interaction head = packed_get_interaction(bytes);
    *sum = data_mix(*sum, head.type);
    *sum = data_mix(*sum, (uint64_t)head.start);
    *sum = data_mix_text(*sum, (const char *)bytes + sizeof head, head.subject_length);
}
