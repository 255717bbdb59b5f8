/* txn_keys: the unique values of what a transaction has finished and not yet
 * applied.  A set of their hashes tells whether a new record's values could be
 * among them; only then must the waiting entries be applied to know.
 */
#include "model/txn.h"

#include <string.h>

bool txn_key_pending(const crm_txn *txn, uint64_t hash)
{
    if (txn->key_count == 0)
        return false;
    size_t mask = txn->key_capacity - 1, slot = (size_t)hash & mask;
    while (txn->keys_pending[slot] != 0 && txn->keys_pending[slot] != hash)
        slot = (slot + 1) & mask;
    return txn->keys_pending[slot] == hash;
}

static void put_key(uint64_t *slots, size_t capacity, uint64_t hash)
{
    size_t slot = (size_t)hash & (capacity - 1);
    while (slots[slot] != 0 && slots[slot] != hash)
        slot = (slot + 1) & (capacity - 1);
    slots[slot] = hash;
}

/* So that a load need not apply each record before it can judge the next. */
bool txn_keep_keys(crm_txn *txn)
{
    size_t more = txn->new_keys.length / sizeof(uint64_t);
    if (more == 0)
        return true;
    if ((txn->key_count + more) * 2 > txn->key_capacity) {
        size_t capacity = txn->key_capacity == 0 ? 256 : txn->key_capacity;
        while ((txn->key_count + more) * 2 > capacity)
            capacity *= 2;
        uint64_t *larger = memory_zero(txn->db->memory, capacity, sizeof *larger);
        if (larger == NULL)
            return false;
        for (size_t i = 0; i < txn->key_capacity; i++)
            if (txn->keys_pending[i] != 0)
                put_key(larger, capacity, txn->keys_pending[i]);
        memory_free(txn->db->memory, txn->keys_pending);
        txn->keys_pending = larger;
        txn->key_capacity = capacity;
    }
    for (size_t i = 0; i < more; i++) {
        uint64_t hash;
        memcpy(&hash, txn->new_keys.data + i * sizeof hash, sizeof hash);
        put_key(txn->keys_pending, txn->key_capacity, hash == 0 ? 1 : hash);
    }
    txn->key_count += more;
    return true;
}
